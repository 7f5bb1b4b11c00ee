import { chmod, mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import { describe, expect, test } from 'vitest';
import { bigFile, eventsOf, Program, startServe, wsferry } from './program.ts';

/** A receiver whose folder holds a small tree. */
async function shelf(here: string) {
  const dir = join(here, 'shelf');
  await mkdir(join(dir, 'photos', '2024'), { recursive: true });
  await mkdir(join(dir, 'photos', 'empty'));
  await writeFile(join(dir, 'a.txt'), 'hello');
  await writeFile(join(dir, 'photos', 'b.jpg'), new Uint8Array(300_000).fill(3));
  await writeFile(join(dir, 'photos', '2024', 'run.sh'), '#!/bin/sh\n');
  await chmod(join(dir, 'photos', '2024', 'run.sh'), 0o755);
  await utimes(join(dir, 'photos', 'b.jpg'), new Date(1e12), new Date(1e12));
  const { program, url } = await startServe(['--dir', dir], here);
  return { dir, url, program };
}

describe('list', () => {
  test('shows what lies in the outermost folder, a line each', async () => {
    await using here = await temporaryDirectory();
    const { program, url } = await shelf(here.path);
    await using _ = program;
    const { code, stdout, stderr } = await wsferry(['list', '--from', url], here.path);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^ +5 B {2}\d{4}-\d\d-\d\d \d\d:\d\d {2}a\.txt$/);
    expect(lines[1]).toMatch(/photos\/$/);
  });

  test('of a folder and all below it, as objects', async () => {
    await using here = await temporaryDirectory();
    const { program, url } = await shelf(here.path);
    await using _ = program;
    const ended = await wsferry(['list', 'photos', '-r', '--json', '--from', url], here.path);
    expect(ended.code).toBe(0);
    const entries = eventsOf(ended).filter(({ event }) => event === 'entry');
    expect(entries.map(({ path }) => path).sort()).toEqual(['2024', '2024/run.sh', 'b.jpg', 'empty']);
    expect(entries.find(({ path }) => path === 'b.jpg')).toMatchObject({ kind: 'file', size: 300_000, modified: 1e12 });
    expect(entries.find(({ path }) => path === '2024/run.sh')).toMatchObject({ executable: true });
  });

  test('of a folder that is not there fails, and says so', async () => {
    await using here = await temporaryDirectory();
    const { program, url } = await shelf(here.path);
    await using _ = program;
    const { code, stderr } = await wsferry(['list', 'nowhere', '--from', url], here.path);
    expect(code).not.toBe(0);
    expect(stderr).toContain('nowhere');
  });

  test('where nobody listens ends with 3, and receives nothing itself', async () => {
    await using here = await temporaryDirectory();
    const { code, stderr } = await wsferry(['list'], here.path);
    expect(code).toBe(3);
    expect(stderr).toContain('nobody listens');
    expect(await readdir(here.path)).toEqual([]);
  });
});

describe('get', () => {
  test('stores a file in the folder one stands in, with its time', async () => {
    await using here = await temporaryDirectory();
    const { program, url } = await shelf(here.path);
    await using _ = program;
    const { code, stdout, stderr } = await wsferry(['get', 'photos/b.jpg', '--from', url], here.path);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('stored');
    expect(await readFile(join(here.path, 'b.jpg'))).toEqual(Buffer.alloc(300_000, 3));
    expect((await stat(join(here.path, 'b.jpg'))).mtimeMs).toBe(1e12);
  });

  test('twice moves nothing the second time', async () => {
    await using here = await temporaryDirectory();
    const { program, url } = await shelf(here.path);
    await using _ = program;
    await wsferry(['get', 'photos/b.jpg', '--from', url], here.path);
    const again = await wsferry(['get', 'photos/b.jpg', '--from', url], here.path);
    expect(again.stdout).toContain('already there, identical');
    expect((await readdir(here.path)).sort()).toEqual(['b.jpg', 'shelf']);
  });

  test.each([
    ['rename', 0, { 'a.txt': 'mine', 'a (1).txt': 'hello' }],
    ['overwrite', 0, { 'a.txt': 'hello' }],
    ['skip', 0, { 'a.txt': 'mine' }],
    ['fail', 1, { 'a.txt': 'mine' }],
  ])('--on-conflict %s: what it does with a name that is taken here', async (policy, code, files) => {
    await using here = await temporaryDirectory();
    const { program, url } = await shelf(here.path);
    await using _ = program;
    await mkdir(join(here.path, 'mine'));
    await writeFile(join(here.path, 'mine', 'a.txt'), 'mine');
    const args = ['get', 'a.txt', '--dir', 'mine', '--on-conflict', policy, '--from', url, '--json'];
    const ended = await wsferry(args, here.path);
    expect(ended.code).toBe(code);
    const there = (await readdir(join(here.path, 'mine'))).filter((name) => name !== '.wsferry').sort();
    expect(there).toEqual(Object.keys(files).sort());
    for (const [name, text] of Object.entries(files)) {
      expect(await readFile(join(here.path, 'mine', name), 'utf8')).toBe(text);
    }
    const said = eventsOf(ended).find(({ event }) => ['stored', 'skipped', 'failed'].includes(event));
    expect(said).toMatchObject(
      { skip: { event: 'skipped' }, fail: { event: 'failed', code: 'EXISTS' } }[policy] ?? { event: 'stored' },
    );
    expect(eventsOf(ended).at(-1)).toMatchObject({ failed: code });
  });

  test('-r brings a folder, empty ones and modes too', async () => {
    await using here = await temporaryDirectory();
    const { program, url } = await shelf(here.path);
    await using _ = program;
    const { code, stderr } = await wsferry(['get', 'photos', '-r', '--dir', 'mine', '--from', url], here.path);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect((await readdir(join(here.path, 'mine', 'photos'))).sort()).toEqual(['2024', 'b.jpg', 'empty']);
    expect((await stat(join(here.path, 'mine', 'photos', '2024', 'run.sh'))).mode & 0o111).not.toBe(0);
  });

  test('of a folder without -r says what to do', async () => {
    await using here = await temporaryDirectory();
    const { program, url } = await shelf(here.path);
    await using _ = program;
    const { code, stderr } = await wsferry(['get', 'photos', '--from', url], here.path);
    expect(code).toBe(1);
    expect(stderr).toContain('is a folder (get it with -r)');
  });

  test('of what is not there names it, and gets the others', async () => {
    await using here = await temporaryDirectory();
    const { program, url } = await shelf(here.path);
    await using _ = program;
    const { code, stderr } = await wsferry(['get', 'nothing.txt', 'a.txt', '--from', url], here.path);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/^failed nothing\.txt: /);
    expect(await readFile(join(here.path, 'a.txt'), 'utf8')).toBe('hello');
  });

  test('that was killed goes on where it was', async () => {
    await using here = await temporaryDirectory();
    const { program, url, dir } = await shelf(here.path);
    await using _ = program;
    await bigFile(join(dir, 'big.bin'));
    await using first = new Program(['get', 'big.bin', '--from', url, '--json'], here.path);
    await first.printed(/"event":"progress".*"stored":[1-9]\d{7}/);
    first.signal('SIGKILL');
    await first.ended;
    const second = await wsferry(['get', 'big.bin', '--from', url, '--json'], here.path);
    expect(second.code).toBe(0);
    expect(eventsOf(second).find(({ event }) => event === 'resumed')).toMatchObject({ offset: expect.any(Number) });
    expect((await stat(join(here.path, 'big.bin'))).size).toBe(1_000_000_000);
    expect((await readdir(here.path)).sort()).toEqual(['big.bin', 'shelf']);
  });
});

describe('watch', () => {
  test('is told nothing by a note without words: exit 2', async () => {
    await using here = await temporaryDirectory();
    const { code, stderr } = await wsferry(['note', ' '], here.path);
    expect(code).toBe(2);
    expect(stderr).toContain('expected some words');
  });

  test('tells of files and notes as they arrive', async () => {
    await using here = await temporaryDirectory();
    const { program, url } = await shelf(here.path);
    await using _ = program;
    await writeFile(join(here.path, 'new.txt'), 'new');
    await using watcher = new Program(['watch', '--from', url, '--json'], here.path);
    await watcher.printed(/"event":"watching"/);
    await wsferry(['send', 'new.txt', '--to', url], here.path);
    await watcher.printed(/"event":"arrived","name":"new\.txt","size":3/);
    expect((await wsferry(['note', 'lunch is ready', '--from', url], here.path)).code).toBe(0);
    await watcher.printed(/"event":"note","text":"lunch is ready"/);
    watcher.signal('SIGINT');
    expect((await watcher.ended).code).toBe(130);
  });
});
