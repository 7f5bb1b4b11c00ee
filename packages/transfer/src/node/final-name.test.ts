import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import { expect, test } from 'vitest';
import { candidateNames, reserveAndRename } from './final-name.ts';
import { FolderHandle } from './folder-handle.ts';

test('where there are no hard links a name is reserved, then replaced, and never overwritten', async () => {
  const directory = await temporaryDirectory();
  const dir = directory.path;
  await writeFile(join(dir, 'from'), 'new');
  await writeFile(join(dir, 'taken'), 'old');
  const folder = await FolderHandle.open(dir);
  const rename = (from: string, to: string) => reserveAndRename({ folder, name: from }, { folder, name: to });
  expect(await rename('from', 'taken')).toBe(false);
  expect(await rename('from', 'free')).toBe(true);
  expect(await readFile(join(dir, 'free'), 'utf8')).toBe('new');
  await expect(rename('gone', 'other')).rejects.toMatchObject({ code: 'ENOENT' });
  expect((await readdir(dir)).sort()).toEqual(['free', 'taken']);
  await folder.close();
  await directory.remove();
});

test.each([
  ['README.md', 'README (1).md'],
  ['archive.tar.gz', 'archive.tar (1).gz'],
  ['.bashrc', '.bashrc (1)'],
  ['plain', 'plain (1)'],
  [`${'ü'.repeat(125)}.txt`, `${'ü'.repeat(123)} (1).txt`],
])('the second %s is %s', (name, second) => {
  const candidates = [...candidateNames(name)];
  expect(candidates.slice(0, 2)).toEqual([name, second]);
  expect(Math.max(...candidates.map((candidate) => Buffer.byteLength(candidate)))).toBeLessThanOrEqual(255);
});
