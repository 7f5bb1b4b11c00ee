import { chmod, lstat, mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import { describe, expect, test } from 'vitest';
import { eventsOf, wsferry } from './program.ts';

async function tree(here: string): Promise<void> {
  const dir = join(here, 'photos');
  await mkdir(join(dir, '2024', 'raw'), { recursive: true });
  await mkdir(join(dir, 'empty'));
  await writeFile(join(dir, 'a.txt'), 'a');
  await writeFile(join(dir, '2024', 'run.sh'), '#!/bin/sh\n');
  await chmod(join(dir, '2024', 'run.sh'), 0o755);
  await writeFile(join(dir, '2024', 'raw', 'big.bin'), new Uint8Array(200_000).fill(9));
  await writeFile(join(dir, '2024', 'x.tmp'), 'left out');
  await symlink('/etc/passwd', join(dir, 'link'));
  await utimes(join(dir, '2024', 'raw'), new Date(1e12), new Date(1e12));
}

describe('send FOLDER', () => {
  test('carries structure, empty folders, times and the executable bit; symlinks are reported, not followed', async () => {
    await using here = await temporaryDirectory();
    await tree(here.path);
    const { code, stderr } = await wsferry(['send', 'photos', '--ignore', '*.tmp'], here.path);
    expect(code).toBe(0);
    expect(stderr).toMatch(/WARNING: \S+link is not sent: it is a symbolic link/);
    const there = join(here.path, 'received', 'photos');
    expect((await readdir(there)).sort()).toEqual(['2024', 'a.txt', 'empty']);
    expect((await readdir(join(there, '2024'))).sort()).toEqual(['raw', 'run.sh']);
    expect((await lstat(join(there, '2024', 'run.sh'))).mode & 0o100).toBe(0o100);
    expect((await lstat(join(there, 'a.txt'))).mode & 0o111).toBe(0);
    expect((await stat(join(there, '2024', 'raw'))).mtimeMs).toBe(1e12);
    expect(await readFile(join(there, '2024', 'raw', 'big.bin'))).toEqual(Buffer.alloc(200_000, 9));
  });

  test('a second time moves nothing, and one that was changed gets a name of its own', async () => {
    await using here = await temporaryDirectory();
    await tree(here.path);
    await wsferry(['send', 'photos', '--ignore', '*.tmp'], here.path);
    await writeFile(join(here.path, 'photos', 'a.txt'), 'b');
    const again = eventsOf(await wsferry(['send', 'photos', '--ignore', '*.tmp', '--json'], here.path));
    const stored = again.filter(({ event }) => event === 'stored');
    expect(
      stored
        .filter(({ existing }) => existing)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['photos/2024/raw/big.bin', 'photos/2024/run.sh']);
    expect((await readdir(join(here.path, 'received', 'photos'))).sort()).toEqual([
      '2024',
      'a (1).txt',
      'a.txt',
      'empty',
    ]);
  });
});
