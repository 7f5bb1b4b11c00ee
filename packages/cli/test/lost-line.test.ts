import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import { describe, expect, test } from 'vitest';
import { breakingLine } from './breaking-line.ts';
import { eventsOf, Program, startServe, wsferry } from './program.ts';

describe('send, when the line breaks off before the handshake is over', () => {
  test('tries again', async () => {
    await using here = await temporaryDirectory();
    await writeFile(join(here.path, 'a.bin'), 'a');
    const { program, url } = await startServe([], here.path);
    await using _ = program;
    using line = await breakingLine(Number(new URL(url).port), 0, { breaking: 2 });
    const { code, stdout } = await wsferry(['send', 'a.bin', '--to', line.url], here.path);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^no connection yet, next try in 300ms \(.+\)\nno connection yet, next try in 600ms/);
  });

  test('and says what is wrong when it does so each time', async () => {
    await using here = await temporaryDirectory();
    await writeFile(join(here.path, 'a.bin'), 'a');
    using line = await breakingLine(9, 0, { breaking: Number.POSITIVE_INFINITY });
    const { code, stderr } = await wsferry(['send', 'a.bin', '--to', line.url], here.path);
    expect(code).toBe(3);
    expect(stderr).toContain('does not speak HTTP');
  });
});

describe('get, when the line is lost', () => {
  test('connects again, and the file goes on where it was', async () => {
    await using here = await temporaryDirectory();
    await using there = await temporaryDirectory();
    const content = Uint8Array.from({ length: 8_000_000 }, (_, index) => (index * 7) % 251);
    await writeFile(join(there.path, 'a.bin'), content);
    const { program, url } = await startServe(['--dir', there.path], here.path);
    await using _ = program;
    using line = await breakingLine(Number(new URL(url).port), 6_000_000, { direction: 'down' });
    const ended = await wsferry(['get', 'a.bin', '--from', line.url, '--json'], here.path);
    const events = eventsOf(ended);
    expect(events.map(({ event }) => event)).toEqual(expect.arrayContaining(['lost', 'reconnected', 'resumed']));
    const resumed = events.find(({ event }) => event === 'resumed');
    expect(resumed?.['offset']).toBeGreaterThan(1_000_000);
    expect(events.at(-1)).toMatchObject({ event: 'done', stored: 1, failed: 0, exitCode: 0 });
    expect((await readFile(join(here.path, 'a.bin'))).equals(content)).toBe(true);
  });
});

describe('send, when the line is lost', () => {
  test('says so, connects again, and the file arrives', async () => {
    await using here = await temporaryDirectory();
    await writeFile(join(here.path, 'a.bin'), new Uint8Array(8_000_000).fill(7));
    const { program, url } = await startServe([], here.path);
    await using _ = program;
    using line = await breakingLine(Number(new URL(url).port), 5_000_000);
    const { code, stdout, stderr } = await wsferry(['send', 'a.bin', '--to', line.url], here.path);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^line lost at \d+(\.\d)? %, next try in \d+ms \(the connection broke off/m);
    expect(stdout).toMatch(/^connected to ws:\S+ again$/m);
    expect(stdout).toMatch(/^stored a\.bin \(8 MB/m);
  });

  test('tells a script the same in events', async () => {
    await using here = await temporaryDirectory();
    await writeFile(join(here.path, 'a.bin'), new Uint8Array(8_000_000));
    const { program, url } = await startServe([], here.path);
    await using _ = program;
    using line = await breakingLine(Number(new URL(url).port), 5_000_000);
    const events = eventsOf(await wsferry(['send', 'a.bin', '--to', line.url, '--json'], here.path));
    const lost = events.find(({ event }) => event === 'lost');
    expect(lost).toMatchObject({ bytes: 8_000_000, attempt: 1, retryInMs: expect.any(Number) });
    expect(events.some(({ event }) => event === 'reconnected')).toBe(true);
    expect(events.at(-1)).toMatchObject({ event: 'done', stored: 1, failed: 0, exitCode: 0 });
  });

  test('with --retry-for 0 it fails at once', async () => {
    await using here = await temporaryDirectory();
    await writeFile(join(here.path, 'a.bin'), new Uint8Array(8_000_000));
    const { program, url } = await startServe([], here.path);
    await using _ = program;
    using line = await breakingLine(Number(new URL(url).port), 5_000_000);
    const { code, stdout, stderr } = await wsferry(['send', 'a.bin', '--to', line.url, '--retry-for', '0'], here.path);
    expect(code).toBe(1);
    expect(stdout).not.toContain('next try');
    expect(stderr).toMatch(/^failed a\.bin: the connection broke off/);
  });

  test('gives up when nobody answers for as long as it was told', async () => {
    await using here = await temporaryDirectory();
    await writeFile(join(here.path, 'a.bin'), new Uint8Array(8_000_000));
    const { program, url } = await startServe([], here.path);
    await using _ = program;
    using line = await breakingLine(Number(new URL(url).port), 5_000_000, { mend: false });
    const { code, stderr } = await wsferry(['send', 'a.bin', '--to', line.url, '--retry-for', '1s'], here.path);
    expect(code).toBe(3);
    expect(stderr).toMatch(/^failed a\.bin: nobody listens at ws:/);
  });

  test('Ctrl-C ends the wait for the next try', async () => {
    await using here = await temporaryDirectory();
    await writeFile(join(here.path, 'a.bin'), new Uint8Array(8_000_000));
    const { program, url } = await startServe([], here.path);
    await using _ = program;
    using line = await breakingLine(Number(new URL(url).port), 5_000_000, { mend: false });
    await using sender = new Program(['send', 'a.bin', '--to', line.url], here.path);
    await sender.printed(/still no line/);
    sender.signal('SIGINT');
    expect((await sender.ended).code).toBe(130);
  });

  test.each([
    ['--retry-for', 'soon'],
    ['--line-timeout', '10'],
    ['--line-timeout', '1ms'],
  ])('%s %s is a mistake in the command line', async (option, value) => {
    await using here = await temporaryDirectory();
    const { code, stderr } = await wsferry(['send', 'a', option, value], here.path);
    expect(code).toBe(2);
    expect(stderr).toContain(`option '${option} <time>' argument '${value}' is invalid. expected a time`);
  });
});
