import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '@wsferry/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { noControl, offerOf } from '../../test/offers.ts';
import { directoryReceiver, listLeftovers } from './index.ts';
import { ownOwner } from './owner.ts';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let dir: string;
let partials: string;
beforeEach(async () => {
  directory = await temporaryDirectory();
  dir = directory.path;
  partials = join(dir, '.wsferry');
});
afterEach(() => directory.remove());

const random = '0'.repeat(24);

async function leave(name: string): Promise<string> {
  await mkdir(partials, { recursive: true });
  const path = join(partials, name);
  await writeFile(path, 'half of it');
  return path;
}

/** Another process that has stored a part of a file in `dir`. */
async function otherReceiver(): Promise<ChildProcess> {
  const program = fileURLToPath(new URL('../../test/unfinished-receiver.ts', import.meta.url));
  const child = spawn(process.execPath, ['--conditions=@wsferry/source', '--import', 'tsx', program, dir], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  return child;
}

describe('an unfinished file', () => {
  test('stays while the process that writes it lives, and is removed by the next receiver when it was killed', async () => {
    const child = await otherReceiver();
    const [name] = await readdir(partials);
    expect((await directoryReceiver(dir)).leftovers).toEqual([]);
    expect(await listLeftovers(dir)).toMatchObject([{ path: join(partials, name!), size: 1000, owner: 'alive' }]);
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    expect(await listLeftovers(dir)).toMatchObject([{ owner: 'dead' }]);
    expect((await directoryReceiver(dir)).leftovers).toEqual([]);
    expect(await readdir(dir)).toEqual([]);
  });

  test('of another receiver of this process stays', async () => {
    const { accept } = await directoryReceiver(dir);
    const { sink } = await accept(offerOf('a'), noControl);
    await sink.write(new Uint8Array(4));
    await directoryReceiver(dir);
    expect(await sink.commit()).toMatchObject({ name: 'a', size: 4 });
    expect(await readdir(dir)).toEqual(['a']);
  });

  test('of an earlier process that had our pid is removed', async () => {
    const [place] = (await ownOwner()).split('-');
    await leave(`${place}-${process.pid}-00000000-${random}.part`);
    await directoryReceiver(dir);
    expect(await readdir(dir)).toEqual([]);
  });

  test.skipIf(process.platform !== 'linux')(
    'of an earlier process whose pid somebody else has is removed',
    async () => {
      const [place] = (await ownOwner()).split('-');
      await leave(`${place}-${process.ppid}-00000000-${random}.part`);
      await directoryReceiver(dir);
      expect(await readdir(dir)).toEqual([]);
    },
  );

  test('of a process that ran elsewhere stays, and is told: nobody can know whether it still runs', async () => {
    const paths = [
      await leave(`00000000-${process.pid}-00000000-${random}.part`),
      await leave('before-there-were-owners.part'),
    ];
    const { leftovers } = await directoryReceiver(dir);
    expect(leftovers.map(({ path }) => path).sort()).toEqual(paths);
    for (const leftover of leftovers) expect(leftover).toMatchObject({ size: 10, owner: 'unknown' });
    expect((await readdir(partials)).map((name) => join(partials, name)).sort()).toEqual(paths);
  });

  test('is looked for in a folder of ours only, and nothing but unfinished files is touched', async () => {
    const dead = `${(await ownOwner()).replace(/[^-]*$/, '00000000')}-${random}.part`;
    const outside = await leave(dead);
    const into = join(dir, 'into');
    await mkdir(into);
    await symlink(partials, join(into, '.wsferry'));
    await directoryReceiver(into);
    expect(await readFile(outside, 'utf8')).toBe('half of it');
    await leave('somebodys-notes.txt');
    await symlink(outside, join(partials, dead.replace('0.part', '1.part')));
    await directoryReceiver(dir);
    expect((await readdir(partials)).sort()).toEqual([dead.replace('0.part', '1.part'), 'somebodys-notes.txt']);
  });
});
