/**
 * Builds the program: all that it consists of, in a few files. To find, read and link 250 modules took Node longer than all the
 * rest of a start. A command is a file of its own, loaded when it is called. The packages stay dependencies all the same,
 * so that a new version of one brings a new version of the program.
 */
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from './bundle.config.js';

rmSync('dist', { recursive: true, force: true });
const inputs = await bundle('dist');
chmodSync('dist/main.js', 0o755);
writeFileSync('dist/LICENSES.txt', licenses(inputs));

/** What the authors of other packages want to go with their work. */
function licenses(/** @type {string[]} */ inputs) {
  const folders = new Set(inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []));
  return [...folders]
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
      if (file === undefined) throw new Error(`${name} has no license that could go with the program`);
      return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
    })
    .join(`\n${'-'.repeat(78)}\n\n`);
}
