import { createHash } from 'node:crypto';
import { mkdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import { type Arrival, ArrivalBoard } from '@wsferry/transfer';
import { expect, test } from 'vitest';
import { announceFound, latestFiles } from '../server/found-files.ts';

async function folderOf(names: readonly string[]) {
  const folder = await temporaryDirectory();
  for (const name of names) await writeFile(join(folder.path, name), `content of ${name}`);
  return folder;
}

async function announced(dir: string, count: number, signal = new AbortController().signal): Promise<Arrival[]> {
  const board = new ArrivalBoard({ keep: count });
  await announceFound(board, dir, await latestFiles(dir, count), signal);
  const heard: Arrival[] = [];
  board.subscribe({ onArrived: (arrival) => heard.push(arrival) }, count);
  return heard;
}

test('after a restart the board knows what lies in the folder, by name, size and MD5', async () => {
  await using folder = await folderOf(['a.txt']);
  expect(await announced(folder.path, 100)).toEqual([
    {
      name: 'a.txt',
      size: 16,
      md5: createHash('md5').update('content of a.txt').digest('hex'),
      at: expect.any(Number),
    },
  ]);
});

test('the latest ones, oldest first, by when they arrived and not by the time the sender gave them', async () => {
  await using folder = await folderOf([]);
  const arrival = async (name: string, modified: number) => {
    await writeFile(join(folder.path, name), name);
    await utimes(join(folder.path, name), modified, modified);
  };
  let last = 0;
  for (const [index, name] of ['first', 'second', 'third'].entries()) {
    // Until the clock of the file system has moved on.
    do await arrival(name, 1_000_000 - index);
    while ((await latestFiles(folder.path, 1))[0]!.at <= last);
    last = (await latestFiles(folder.path, 1))[0]!.at;
  }
  expect((await latestFiles(folder.path, 2)).map(({ name }) => name)).toEqual(['second', 'third']);
});

test('what is not served is not told: links, folders, hidden and half files', async () => {
  await using folder = await folderOf(['a.txt', '.hidden']);
  await mkdir(join(folder.path, '.wsferry'));
  await mkdir(join(folder.path, 'folder'));
  await symlink(join(folder.path, 'a.txt'), join(folder.path, 'link'));
  expect((await announced(folder.path, 100)).map(({ name }) => name)).toEqual(['a.txt']);
});

test('a server that stops reads no further', async () => {
  await using folder = await folderOf(['a.txt', 'b.txt']);
  expect(await announced(folder.path, 100, AbortSignal.abort())).toEqual([]);
});
