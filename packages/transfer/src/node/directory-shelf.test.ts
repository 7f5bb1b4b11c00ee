import { execFileSync } from 'node:child_process';
import { chmod, mkdir, rename, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import { describe, expect, test, vi } from 'vitest';
import { type ListedEntry, safeFolder, safeName } from '../index.ts';
import { directoryShelf } from './directory-shelf.ts';
import { FolderHandle } from './folder-handle.ts';

async function all(shelf: Awaited<ReturnType<typeof directoryShelf>>, folder: string[] = [], recursive = false) {
  const entries: ListedEntry[] = [];
  let pages = 0;
  for (let after: string | undefined; ; ) {
    const page = await shelf.list(safeFolder(folder), { recursive, ...(after !== undefined && { after }) });
    entries.push(...page.entries);
    pages += 1;
    if (page.next === undefined)
      return { entries, pages, paths: entries.map((one) => [...(one.folder ?? []), one.name].join('/')) };
    after = page.next;
  }
}

async function planted() {
  const here = await temporaryDirectory();
  const dir = join(here.path, 'shelf');
  await mkdir(join(dir, 'b', 'deep'), { recursive: true });
  await mkdir(join(dir, '.wsferry'));
  await writeFile(join(dir, '.wsferry', 'x.part'), 'unfinished');
  await writeFile(join(here.path, 'secret'), 'secret');
  await writeFile(join(dir, 'a.txt'), 'hello');
  await writeFile(join(dir, 'b', 'run'), 'x');
  await chmod(join(dir, 'b', 'run'), 0o755);
  await writeFile(join(dir, 'b', 'deep', 'c'), 'c');
  await utimes(join(dir, 'a.txt'), new Date(1e12), new Date(1e12));
  await symlink(join(here.path, 'secret'), join(dir, 'link'));
  await symlink(here.path, join(dir, 'way-out'));
  await writeFile(join(dir, 'con'), 'a name that no receiver takes');
  execFileSync('mkfifo', [join(dir, 'pipe')]);
  return { here, dir, shelf: await directoryShelf(dir) };
}

describe('a shelf', () => {
  test('shows files and folders in order; no symlinks, devices, unfinished files or names that nobody takes', async () => {
    const { here, shelf } = await planted();
    await using _ = here;
    expect((await all(shelf)).entries).toEqual([
      { name: 'a.txt', kind: 'file', size: 5, modified: 1e12 },
      { name: 'b', kind: 'folder', modified: expect.any(Number) },
    ]);
    expect((await all(shelf, [], true)).paths).toEqual(['a.txt', 'b', 'b/deep', 'b/deep/c', 'b/run']);
    expect((await all(shelf, ['b'])).entries.at(-1)).toMatchObject({ name: 'run', executable: true });
    await shelf.close();
  });

  test('gives long lists page by page, each entry once, whatever comes as a cursor', async () => {
    await using here = await temporaryDirectory();
    for (let folder = 0; folder < 8; folder++) {
      await mkdir(join(here.path, `folder ${folder}`));
      for (let file = 0; file < 60; file++)
        await writeFile(join(here.path, `folder ${folder}`, `${'n'.repeat(150)}${file}`), '');
    }
    const shelf = await directoryShelf(here.path);
    const { paths, pages } = await all(shelf, [], true);
    expect(pages).toBeGreaterThan(2);
    expect(paths).toHaveLength(8 + 8 * 60);
    expect(new Set(paths).size).toBe(paths.length);
    for (const after of ['', 'x', '[]', '[1]', '["~"]', '{"a":1}', '["folder 3","../x"]']) {
      await expect(shelf.list([], { recursive: true, after })).resolves.toHaveProperty('entries');
    }
    await shelf.close();
  });

  test.each([
    ['a symlink', 'link', []],
    ['a file behind a symlink', 'secret', ['way-out']],
    ['a folder', 'b', []],
    ['a pipe', 'pipe', []],
    ['nothing', 'nothing', []],
    ['something in a file', 'x', ['a.txt']],
  ])('%s is NOT_FOUND', async (_what, name, folder) => {
    const { here, shelf } = await planted();
    await using _ = here;
    await expect(shelf.file(safeName(name), safeFolder(folder))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await shelf.close();
  });

  test.each([['way-out'], ['nowhere'], ['a.txt']])('the list of %s is NOT_FOUND', async (folder) => {
    const { here, shelf } = await planted();
    await using _ = here;
    await expect(shelf.list(safeFolder([folder]))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await shelf.close();
  });

  test('a file that was changed or removed since it was asked for is said to be so', async () => {
    const { here, dir, shelf } = await planted();
    await using _ = here;
    const options = { start: 0, chunkBytes: 1000, algorithm: 'md5' } as const;
    const changed = await shelf.file(safeName('a.txt'), []);
    await writeFile(join(dir, 'a.txt'), 'something longer');
    await expect(changed.open(options)).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
    const gone = await shelf.file(safeName('a.txt'), []);
    await rename(join(dir, 'a.txt'), join(dir, 'z.txt'));
    await expect(gone.open(options)).rejects.toMatchObject({ code: 'SOURCE_FAILED' });
    await shelf.close();
  });

  test('of what is no directory is refused at once', async () => {
    const { here, dir } = await planted();
    await using _ = here;
    await expect(directoryShelf(join(dir, 'a.txt'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(directoryShelf(join(dir, 'nowhere'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

test('files whose names are written in another Unicode form are found, and their folder is read once for all', async () => {
  await using here = await temporaryDirectory();
  const names = Array.from({ length: 20 }, (_, index) => `ü${index}.txt`);
  for (const name of names) await writeFile(join(here.path, name.normalize('NFD')), name);
  const shelf = await directoryShelf(here.path);
  const read = vi.spyOn(FolderHandle.prototype, 'names');
  for (const name of names) expect(await shelf.file(safeName(name), [])).toMatchObject({ name });
  expect(read.mock.calls.length).toBeLessThanOrEqual(1);
  await writeFile(join(here.path, 'ä.txt'.normalize('NFD')), 'later');
  expect(await shelf.file(safeName('ä.txt'), [])).toMatchObject({ name: 'ä.txt', size: 5 });
  read.mockRestore();
  await shelf.close();
});
