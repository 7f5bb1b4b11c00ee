import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import { describe, expect, test } from 'vitest';
import { bigFile, eventsOf, Program, startServe, wsferry } from './program.ts';

const md5 = (content: string | Uint8Array) => createHash('md5').update(content).digest('hex');

describe('a file whose name is taken', () => {
  test.each([
    ['rename', [], 0, 'a (1).txt'],
    ['skip', [], 0, undefined],
    ['fail', [], 4, undefined],
    ['overwrite', [], 4, undefined],
    ['overwrite', ['--allow-overwrite'], 0, 'a.txt'],
  ])('--on-conflict %s, serve %j: exit code %i', async (policy, serving, exitCode, storedAs) => {
    await using here = await temporaryDirectory();
    const dir = join(here.path, 'inbox');
    await mkdir(dir);
    await writeFile(join(dir, 'a.txt'), 'was there');
    await writeFile(join(here.path, 'a.txt'), 'new');
    const { program, url } = await startServe(['--dir', dir, ...serving], here.path);
    await using _ = program;
    const { code, stderr } = await wsferry(['send', 'a.txt', '--to', url, '--on-conflict', policy], here.path);
    expect(code, stderr).toBe(exitCode);
    if (storedAs !== undefined) expect(await readFile(join(dir, storedAs), 'utf8')).toBe('new');
    if (storedAs !== 'a.txt') expect(await readFile(join(dir, 'a.txt'), 'utf8')).toBe('was there');
    expect(await readdir(dir)).toHaveLength(storedAs === 'a (1).txt' ? 2 : 1);
  });
});

describe('both processes killed in the middle of a file', () => {
  test('the same commands again go on where they were; --clean removes what nobody goes on with', async () => {
    await using here = await temporaryDirectory();
    const dir = join(here.path, 'inbox');
    await mkdir(dir);
    await bigFile(join(here.path, 'big.bin'));
    const kill = async () => {
      const { program: receiver, url } = await startServe(['--dir', dir, '--durable'], here.path);
      await using sender = new Program(['send', 'big.bin', '--to', url, '--json'], here.path);
      await sender.printed(/"event":"progress".*"stored":[1-9]\d{7}/);
      sender.signal('SIGKILL');
      receiver.signal('SIGKILL');
      await Promise.all([sender.ended, receiver.ended]);
    };
    await kill();
    const { program, url } = await startServe(['--dir', dir], here.path);
    {
      await using _ = program;
      const again = await wsferry(['send', 'big.bin', '--to', url, '--json'], here.path);
      expect(again.code).toBe(0);
      const resumed = eventsOf(again).find(({ event }) => event === 'resumed');
      expect(resumed).toMatchObject({ name: 'big.bin', size: 1_000_000_000, offset: expect.any(Number) });
      expect(eventsOf(again).find(({ event }) => event === 'stored')).toMatchObject({
        md5: md5(await readFile(join(dir, 'big.bin'))),
      });
      expect(await readdir(dir)).toEqual(['big.bin']);
    }
    await writeFile(join(here.path, 'big.bin'), Buffer.alloc(400_000_000, 1));
    await kill();
    expect(await readdir(dir)).toContain('.wsferry');
    const { code, stdout } = await wsferry(['serve', '--dir', dir, '--clean'], here.path);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^removed 1 unfinished file \(.+\) in /);
    expect(await readdir(dir)).toEqual(['big.bin']);
  });
});
