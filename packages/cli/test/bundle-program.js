import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundle } from '../bundle.config.js';

const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));

/**
 * Once for a run of the tests: the program as it is now, bundled as it is built. To compile 250 modules at each of several
 * hundred starts took the tests most of their time. Beside `dist`, because the program looks for its package.json above itself.
 */
export async function setup() {
  await bundle(here('../.bundle-for-tests'), here('./map-default-port.ts'));
}

export async function teardown() {
  await rm(here('../.bundle-for-tests'), { recursive: true, force: true });
}
