import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import { expect, test } from 'vitest';
import { folderSize } from './folder-size.ts';

test('the size of a folder is what its files say, at any depth, hidden or sparse; a symlink has none', async () => {
  await using here = await temporaryDirectory();
  const at = (...names: string[]) => join(here.path, 'folder', ...names);
  await mkdir(at('a', 'b', '.wsferry'), { recursive: true });
  await writeFile(join(here.path, 'outside'), new Uint8Array(10_000));
  await writeFile(at('one'), new Uint8Array(1000));
  await writeFile(at('a', 'b', '.wsferry', 'x.part'), new Uint8Array(20));
  for (let index = 0; index < 200; index++) await writeFile(at('a', String(index)), 'abc');
  await writeFile(at('sparse'), '');
  await truncate(at('sparse'), 1_000_000);
  await symlink(join(here.path, 'outside'), at('link'));
  await symlink(here.path, at('a', 'up'));
  expect(await folderSize(join(here.path, 'folder'))).toBe(1000 + 20 + 600 + 1_000_000);
  expect(await folderSize(join(here.path, 'none'))).toBe(0);
});
