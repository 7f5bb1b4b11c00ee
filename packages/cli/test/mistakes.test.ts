import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { temporaryDirectory } from '@wsferry/testing';
import { describe, expect, test } from 'vitest';
import { entries, eventsOf, startServe, wsferry } from './program.ts';

/** Mistakes of people and of file systems: a sentence, a hint and an exit code, and never a stack trace. */
const isSentence = /^wsferry: [^\n]+ \([^\n]+\)\n$/;

describe('a folder that was removed under the shell', () => {
  /** The program in a folder that is gone when it begins. */
  async function inNoFolder(here: string, ...args: string[]) {
    const entry = join(here, 'gone.mjs');
    await writeFile(
      entry,
      `import { mkdtempSync, rmdirSync } from 'node:fs';
       const gone = mkdtempSync(${JSON.stringify(join(here, 'gone-'))});
       process.chdir(gone);
       rmdirSync(gone);
       await import(${JSON.stringify(pathToFileURL(entries.main).href)});`,
    );
    return wsferry(args, here, { entry });
  }

  test('is named, for people and for programs', async () => {
    await using here = await temporaryDirectory();
    const { code, stdout, stderr } = await inNoFolder(here.path, 'send', 'a.txt');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(isSentence);
    expect(stderr).toContain('does not exist any more');
    const [event] = eventsOf(await inNoFolder(here.path, 'list', '--json'));
    expect(event).toMatchObject({ event: 'error', code: 'NO_DIRECTORY', exitCode: 1 });
  });

  test('keeps nobody from reading the help', async () => {
    await using here = await temporaryDirectory();
    expect(await inNoFolder(here.path, 'send', '--help')).toMatchObject({ code: 0, stderr: '' });
  });
});

test.each([
  ['watch', []],
  ['list', []],
  ['get', ['a.txt']],
])('%s at a receiver that tells nobody what is there: refused, exit 4', async (command, args) => {
  await using here = await temporaryDirectory();
  const { program, url } = await startServe(['--dir', here.path, '--write-only'], here.path);
  await using _ = program;
  const { code, stderr } = await wsferry([command, ...args, '--from', url], here.path);
  expect(stderr).toContain('refused by the receiver');
  expect(code).toBe(4);
});

test('get into what is no folder says so', async () => {
  await using here = await temporaryDirectory();
  await writeFile(join(here.path, 'a.txt'), 'hello');
  const { program, url } = await startServe(['--dir', here.path], here.path);
  await using _ = program;
  for (const dir of ['a.txt', join('a.txt', 'below')]) {
    const { code, stderr } = await wsferry(['get', 'a.txt', '--dir', dir, '--from', url], here.path);
    expect(code).toBe(1);
    expect(stderr).toMatch(isSentence);
    expect(stderr).toContain(`${join(here.path, dir)} is not a directory`);
  }
});

test('serve --clean of a folder that is not there, or is none, says so', async () => {
  await using here = await temporaryDirectory();
  await writeFile(join(here.path, 'a.txt'), 'hello');
  for (const [dir, why] of [
    ['nowhere', 'does not exist'],
    ['a.txt', 'is not a directory'],
  ] as const) {
    const { code, stderr } = await wsferry(['serve', '--clean', '--dir', dir], here.path);
    expect(code).toBe(1);
    expect(stderr).toMatch(isSentence);
    expect(stderr).toContain(`${join(here.path, dir)} ${why}`);
  }
});

describe('send with a path twice', () => {
  test('sends the file once, and warns', async () => {
    await using here = await temporaryDirectory();
    await writeFile(join(here.path, 'x.bin'), new Uint8Array(300_000).fill(1));
    const { code, stdout, stderr } = await wsferry(['send', 'x.bin', './x.bin', '--json'], here.path);
    const events = eventsOf({ code, stdout, stderr });
    expect(events.at(-1)).toMatchObject({ event: 'done', stored: 1, failed: 0 });
    expect(code).toBe(0);
    const warnings = events.filter(({ event }) => event === 'warning').map(({ message }) => message);
    expect(warnings).toEqual(['./x.bin is named twice, and sent once']);
  });

  test('of two different files of one name sends both', async () => {
    await using here = await temporaryDirectory();
    await using there = await temporaryDirectory();
    const contents = [new Uint8Array(300_000).fill(1), new Uint8Array(300_000).fill(2)];
    await writeFile(join(here.path, 'IMG.jpg'), contents[0]!);
    await writeFile(join(there.path, 'IMG.jpg'), contents[1]!);
    const ended = await wsferry(['send', 'IMG.jpg', join(there.path, 'IMG.jpg'), '--json'], here.path);
    expect(eventsOf(ended).at(-1)).toMatchObject({ event: 'done', stored: 2, failed: 0 });
    expect(ended.code).toBe(0);
    const names = eventsOf(ended).filter(({ event }) => event === 'stored');
    expect(new Set(names.map(({ storedAs }) => storedAs)).size).toBe(2);
  });
});
