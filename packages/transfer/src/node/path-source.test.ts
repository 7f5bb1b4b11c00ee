import { createHash } from 'node:crypto';
import { appendFile, chmod, mkdir, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { OpenSource } from '../ports.ts';
import { pathSource } from './path-source.ts';

const chunkBytes = 64 * 1024;
const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');
const pattern = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 0xff);

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeEach(async () => {
  directory = await temporaryDirectory();
});
afterEach(() => directory.remove());

async function readAll(source: OpenSource): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (let chunk = await source.read(); chunk !== undefined; chunk = await source.read()) {
    expect(chunk.byteLength).toBeLessThanOrEqual(chunkBytes);
    chunks.push(chunk.slice());
  }
  return Buffer.concat(chunks);
}

describe('a path as a source', () => {
  test.each([0, 1, chunkBytes, chunkBytes + 1, 512 * 1024, 3_000_001])(
    'gives all %i bytes and their digests',
    async (size) => {
      const path = join(directory.path, 'file.bin');
      const bytes = pattern(size);
      await writeFile(path, bytes);
      const source = await pathSource(path);
      expect(source).toMatchObject({ name: 'file.bin', size });
      for (const algorithm of ['md5', 'sha256'] as const) {
        const opened = await source.open({ start: 0, chunkBytes, algorithm });
        expect(opened.prefixDigest).toBeUndefined();
        expect(Buffer.compare(await readAll(opened), bytes)).toBe(0);
        expect(await opened.digest()).toBe(createHash(algorithm).update(bytes).digest('hex'));
        await opened.close();
      }
    },
  );

  test.each([1, chunkBytes - 1, 1_000_000, 3_000_001])(
    'opened at %i proves the prefix and gives the rest',
    async (start) => {
      const path = join(directory.path, 'file.bin');
      const bytes = pattern(3_000_001);
      await writeFile(path, bytes);
      const opened = await (await pathSource(path)).open({ start, chunkBytes, algorithm: 'md5' });
      expect(opened.prefixDigest).toBe(md5(bytes.subarray(0, start)));
      expect(Buffer.compare(await readAll(opened), bytes.subarray(start))).toBe(0);
      expect(await opened.digest()).toBe(md5(bytes));
      await opened.close();
    },
  );

  test('opened beyond its end proves nothing', async () => {
    const path = join(directory.path, 'short');
    await writeFile(path, 'four');
    const opened = await (await pathSource(path)).open({ start: 5, chunkBytes, algorithm: 'md5' });
    expect(opened.prefixDigest).toBeUndefined();
    await opened.close();
  });

  test('that is missing, a directory, or a device is refused with a sentence', async () => {
    await mkdir(join(directory.path, 'folder'));
    await expect(pathSource(join(directory.path, 'nothing'))).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
      message: expect.stringContaining('there is no such file'),
      cause: { code: 'ENOENT' },
    });
    await expect(pathSource(join(directory.path, 'folder'))).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
      message: expect.stringContaining('it is a directory'),
    });
    await expect(pathSource('/dev/null')).rejects.toMatchObject({ code: 'SOURCE_FAILED' });
    await symlink('loop', join(directory.path, 'loop'));
    await expect(pathSource(join(directory.path, 'loop'))).rejects.toMatchObject({ code: 'SOURCE_FAILED' });
  });

  test.skipIf(process.platform === 'win32')('that may not be read is refused', async () => {
    const path = join(directory.path, 'secret');
    await writeFile(path, 'x', { mode: 0 });
    await chmod(directory.path, 0o755);
    const root = process.geteuid?.() === 0;
    if (root) process.seteuid?.(65_534);
    try {
      await expect(pathSource(path)).rejects.toMatchObject({
        code: 'SOURCE_FAILED',
        message: expect.stringContaining('permission denied'),
        cause: { code: 'EACCES' },
      });
    } finally {
      if (root) process.seteuid?.(0);
    }
  });

  test.each([
    ['truncated', (path: string) => truncate(path, 2_000_000)],
    ['appended to', (path: string) => appendFile(path, 'more')],
    ['rewritten', (path: string) => utimes(path, 1, 1)],
  ])('that is %s while it is read fails as SOURCE_CHANGED', async (_how, change) => {
    const path = join(directory.path, 'file.bin');
    await writeFile(path, pattern(5_000_000));
    const opened = await (await pathSource(path)).open({ start: 0, chunkBytes, algorithm: 'md5' });
    await opened.read();
    await change(path);
    await expect(readAll(opened)).rejects.toMatchObject({ code: 'SOURCE_CHANGED', side: 'local' });
    await opened.close();
  });

  test('that changed between being named and being opened fails as SOURCE_CHANGED', async () => {
    const path = join(directory.path, 'file.bin');
    await writeFile(path, 'before');
    const source = await pathSource(path);
    await appendFile(path, 'after');
    await expect(source.open({ start: 0, chunkBytes, algorithm: 'md5' })).rejects.toMatchObject({
      code: 'SOURCE_CHANGED',
    });
  });

  test('can be closed in the middle, twice', async () => {
    const path = join(directory.path, 'file.bin');
    await writeFile(path, pattern(5_000_000));
    const opened = await (await pathSource(path)).open({ start: 0, chunkBytes, algorithm: 'md5' });
    await opened.read();
    await opened.close();
    await opened.close();
  });
});

describe('the resume key of a path', () => {
  const keyOf = async (path: string) => (await pathSource(path)).resumeKey;

  test('is the same for the same file, by whatever path, and also when it has changed', async () => {
    const path = join(directory.path, 'a');
    await writeFile(path, 'one');
    await symlink(path, join(directory.path, 'link'));
    const key = await keyOf(path);
    expect(key).toMatch(/^[\x21-\x7e]{1,128}$/);
    await writeFile(path, 'another');
    expect(await keyOf(join(directory.path, '.', 'a'))).toBe(key);
    expect(await keyOf(join(directory.path, 'link'))).toBe(key);
  });

  test('is another for another file, and does not tell the path', async () => {
    await writeFile(join(directory.path, 'a'), 'same');
    await writeFile(join(directory.path, 'b'), 'same');
    expect(await keyOf(join(directory.path, 'b'))).not.toBe(await keyOf(join(directory.path, 'a')));
    expect(await keyOf(join(directory.path, 'a'))).not.toContain(directory.path);
  });
});
