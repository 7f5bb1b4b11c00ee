import { mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { noControl, offerOf } from '../../test/offers.ts';
import { Receiving } from '../../test/receiving.ts';
import { safeFolder } from '../safe-name.ts';
import { FolderHandle } from './folder-handle.ts';

// As on systems without /proc: what is open cannot be reached but by its path.
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const stat = vi.fn(async (path: string, options: object) => {
    if (path.startsWith('/proc/')) throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
    return real.stat(path, options);
  });
  return { ...real, stat };
});

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let dir: string;
let receiving: Receiving;
beforeEach(async () => {
  directory = await temporaryDirectory();
  dir = join(directory.path, 'into');
  await mkdir(dir);
  receiving = new Receiving(dir);
});
afterEach(async () => {
  await receiving.close();
  await directory.remove();
});

describe('without /proc', () => {
  test('files go into folders, and are found there', async () => {
    const stored = await receiving.store('a/b/x', 'x');
    expect(stored).toMatchObject({ path: join(dir, 'a', 'b', 'x') });
    expect(await readFile(stored.path!, 'utf8')).toBe('x');
    expect(await receiving.store('a/b/x', 'x')).toMatchObject({ existing: true });
    expect(await readdir(dir)).toEqual(['a']);
  });

  test('a file whose folder is put out of its place is refused, and goes nowhere', async () => {
    const outside = join(directory.path, 'outside');
    await mkdir(join(outside, 'b'), { recursive: true });
    const { accept } = await receiving.receiver();
    const { sink } = await accept(offerOf('x', { folder: safeFolder(['a', 'b']), size: 1 }), noControl);
    await rename(join(dir, 'a'), join(dir, 'was a'));
    await symlink(outside, join(dir, 'a'));
    await sink.write(new Uint8Array(1));
    await expect(sink.commit()).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    expect(await readdir(join(outside, 'b'))).toEqual([]);
    expect(await receiving.store('a/b/x', 'x')).toMatchObject({ path: join(dir, 'a (1)', 'b', 'x') });
  });

  test('a folder knows that its path leads elsewhere', async () => {
    await mkdir(join(dir, 'a'));
    await writeFile(join(dir, 'a', 'x'), 'x');
    const root = await FolderHandle.open(dir);
    const folder = await root.folder('a');
    await expect(folder.lookAt('x')).resolves.toBeDefined();
    await rename(join(dir, 'a'), join(dir, 'b'));
    await mkdir(join(dir, 'a'));
    const gone = { code: 'ENOTDIR' };
    await expect(folder.lookAt('x')).rejects.toMatchObject(gone);
    await expect(folder.names()).rejects.toMatchObject(gone);
    await expect(folder.makeFolder('new')).rejects.toMatchObject(gone);
    expect(await readdir(join(dir, 'a'))).toEqual([]);
    await expect(root.folder('x')).rejects.toMatchObject({ code: 'ENOENT' });
    await folder.close();
    await root.close();
  });
});
