import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { missing } from '@wsferry/testing';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openChromium } from '../chromium.ts';
import type * as framesInAPage from './in-a-page/frames.ts';
import type * as transferInAPage from './in-a-page/transfer.ts';

/**
 * One script for a browser. Nothing stands in for Node: an import of `node:…`, at any depth, fails the build. From
 * source, as every test here: no stale build is met.
 */
async function bundle(contents: string, globalName: string) {
  const { outputFiles, metafile } = await build({
    stdin: { contents, loader: 'ts', resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
    bundle: true,
    write: false,
    metafile: true,
    platform: 'browser',
    conditions: ['@wsferry/source'],
    format: 'iife',
    globalName,
    target: 'es2023',
    logLevel: 'silent',
  });
  const packages = new Set(
    Object.keys(metafile.inputs).flatMap(
      (path) => /(?:packages|node_modules(?!.*node_modules))\/([^/]+)/.exec(path)?.[1] ?? [],
    ),
  );
  return { content: outputFiles[0]!.text, packages: [...packages].sort() };
}

test.each([
  ['@wsferry/frames', ['frames']],
  ['@wsferry/transfer', ['hash-wasm', 'transfer', 'valibot']],
  ['@wsferry/transfer/browser', ['hash-wasm', 'transfer']],
])('%s bundles for a browser without polyfills, and brings along only %j', async (name, expected) => {
  const { content, packages } = await bundle(`export * from '${name}'`, 'all');
  expect(packages).toEqual(expected);
  expect(content).not.toMatch(/["'`]node:|\brequire\(/);
});

test('what needs Node does not bundle: the check sees it', async () => {
  await expect(bundle("export * from '@wsferry/transfer/node'", 'all')).rejects.toThrow(/Could not resolve "node:/);
  await expect(bundle("export * from '@wsferry/connection'", 'all')).rejects.toThrow(/Could not resolve "node:/);
});

describe.skipIf(missing('chromium'))('bundled, in Chromium', () => {
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    browser = await openChromium();
    page = await browser.newPage();
  });
  afterAll(() => browser?.close());

  test('frames: a hundred times messages become masked frames, cut at random, and messages again', async () => {
    await page.addScriptTag(await bundle("export * from './in-a-page/frames.ts'", 'frames_'));
    const found = await page.evaluate(() =>
      (globalThis as unknown as { frames_: typeof framesInAPage }).frames_.roundTrips(100),
    );
    expect(found).toEqual({ ok: 100, control: ['between', '{"code":4000,"reason":"über"}'] });
  });

  test("transfer: a browser's File arrives whole over a pipe in memory, its digest agrees with Node's", async () => {
    const length = 3_000_001;
    await page.addScriptTag(await bundle("export * from './in-a-page/transfer.ts'", 'transfer_'));
    const found = await page.evaluate(
      (size) => (globalThis as unknown as { transfer_: typeof transferInAPage }).transfer_.ferry(size),
      length,
    );
    const content = new Uint8Array(length).map((_, index) => (index * 31) ^ (index >> 8));
    expect(found).toEqual({
      name: 'from a page.bin',
      size: length,
      digest: createHash('md5').update(content).digest('hex'),
      same: true,
      lastProgress: length,
      again: 'existing',
    });
  });
});
