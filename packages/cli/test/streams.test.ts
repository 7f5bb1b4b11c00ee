import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { breakingLine } from './breaking-line.ts';
import { Program, shell, startServe, wsferry } from './program.ts';

const big = randomBytes(12_000_000);
const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');

/** A receiver for all: its folder has x.bin, the one above it big.bin, which is the same. */
let root: Awaited<ReturnType<typeof temporaryDirectory>>;
let receiver: Awaited<ReturnType<typeof startServe>>;
let dir: string;
let url: string;
beforeAll(async () => {
  root = await temporaryDirectory();
  dir = join(root.path, 'there');
  await mkdir(dir);
  await writeFile(join(root.path, 'big.bin'), big);
  await writeFile(join(dir, 'x.bin'), big);
  await writeFile(join(dir, 'x.txt'), 'hello');
  receiver = await startServe(['--dir', dir], root.path);
  url = receiver.url;
});
afterAll(async () => {
  await receiver.program[Symbol.asyncDispose]();
  await root.remove();
});

/** What has arrived. */
const there = (name: string) => readFile(join(dir, name));

const eventsIn = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; [key: string]: unknown });

// The shell's own pipes: not on Windows.
describe.skipIf(process.platform === 'win32')('send -', () => {
  test('sends what is piped into it, under the name that it is given', async () => {
    const ended = await shell(`cat big.bin | wsferry send - --as copies/x.bin --to ${url}`, root.path);
    expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code: 0, stderr: '' });
    expect(ended.stdout.toString()).toContain(`x.bin (12 MB, md5 ${md5(big)}`);
    expect(Buffer.compare(await there('copies/x.bin'), big)).toBe(0);
  });

  test('of nothing is an empty file', async () => {
    expect((await shell(`wsferry send - --as empty --to ${url} </dev/null`, root.path)).code).toBe(0);
    expect((await there('empty')).length).toBe(0);
  });

  test('goes on when the line is cut, and no byte of the pipe is lost', { timeout: 60_000 }, async () => {
    using line = await breakingLine(Number(new URL(url).port), 5_000_000, { breaking: 2 });
    const script = `cat big.bin | wsferry send - --as cut.bin --to ${line.url} --json`;
    const ended = await shell(script, root.path);
    expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code: 0, stderr: '' });
    const events = eventsIn(ended.stdout.toString());
    const resumed = events.filter(({ event }) => event === 'resumed');
    expect(resumed).toHaveLength(2);
    for (const { offset } of resumed) expect(offset).toBeGreaterThan(0);
    expect(events.find(({ event }) => event === 'stored')).toMatchObject({ md5: md5(big), size: big.length });
    expect(Buffer.compare(await there('cut.bin'), big)).toBe(0);
  });

  test('goes beside other files', async () => {
    const ended = await shell(`echo hello | wsferry send big.bin - --as hello.txt --to ${url}`, root.path);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(Buffer.compare(await there('big.bin'), big)).toBe(0);
    expect((await there('hello.txt')).toString()).toBe('hello\n');
  });

  test.each([
    ['a folder', '<.'],
    ['write-only', '0>>unreadable'],
  ])('that cannot be read (%s) fails, and nothing is there', async (_, redirection) => {
    const { code, stderr } = await shell(`wsferry send - --as bad --to ${url} --quiet ${redirection}`, root.path);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/^failed (bad|-): [^\n]+\n$/) });
    expect(await readdir(dir)).not.toContain('bad');
  });

  test('that is lost for good says that the whole command has to run again', async () => {
    using line = await breakingLine(Number(new URL(url).port), 5_000_000);
    const script = `cat big.bin | wsferry send - --as lost.bin --to ${line.url} --retry-for 0 --quiet`;
    const { code, stderr } = await shell(script, root.path);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('run the whole command again') });
    expect(await readdir(dir)).not.toContain('lost.bin');
  });

  test('that waits for somebody who writes nothing can be interrupted', async () => {
    await using sender = new Program(['send', '-', '--as', 'silent', '--to', url, '--json'], root.path, {
      stdin: 'pipe',
    });
    await sender.printed(/"offered"/);
    sender.signal('SIGINT');
    expect(await sender.ended).toMatchObject({ code: 130 });
    expect(await readdir(dir)).not.toContain('silent');
  });

  test.each([
    ['send -', '- is standard input, and needs a name: --as NAME'],
    ['send - --as ../x', '--as ../x: expected a plain file name, but it is . or ..'],
    ['send - - --as x', '- is standard input, which can be sent once'],
    ['send a b --as x', '--as names one file, or standard input (-), and there are 2 paths'],
  ])('%s: a usage error that says what to do', async (command, message) => {
    const { code, stderr } = await wsferry(command.split(' '), root.path);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe('send FILE --as NAME', () => {
  test('stores it under that name', async () => {
    expect((await wsferry(['send', 'big.bin', '--as', 'other.bin', '--to', url], root.path)).code).toBe(0);
    expect(Buffer.compare(await there('other.bin'), big)).toBe(0);
  });

  test('is not for a folder', async () => {
    const { code, stderr } = await wsferry(['send', 'there', '--as', 'x', '--to', url], root.path);
    expect(code).toBe(2);
    expect(stderr).toContain('--as is for one file');
  });
});

describe.skipIf(process.platform === 'win32')('get -o -', () => {
  test('writes the file, and nothing else, into the pipe', async () => {
    const ended = await shell(`wsferry get x.bin -o - --from ${url} | cat`, root.path);
    expect(ended.code).toBe(0);
    expect(Buffer.compare(ended.stdout, big)).toBe(0);
    expect(ended.stderr).toContain(`md5 ${md5(big)}`);
    expect(await readdir(root.path)).not.toContain('x.bin');
  });

  test('into a file, too; --json is on standard error then', async () => {
    const ended = await shell(`wsferry get x.bin -o - --json --from ${url} > out`, root.path);
    expect(ended.code).toBe(0);
    expect(Buffer.compare(await readFile(join(root.path, 'out')), big)).toBe(0);
    expect(eventsIn(ended.stderr).at(-1)).toMatchObject({ event: 'done', stored: 1, exitCode: 0 });
  });

  test('goes on when the line is cut, and nothing is written twice', { timeout: 60_000 }, async () => {
    using line = await breakingLine(Number(new URL(url).port), 5_000_000, { breaking: 2, direction: 'down' });
    const ended = await shell(`wsferry get x.bin -o - --json --from ${line.url} | cat`, root.path);
    expect(ended.code).toBe(0);
    expect(Buffer.compare(ended.stdout, big)).toBe(0);
    expect(eventsIn(ended.stderr).filter(({ event }) => event === 'resumed')).toHaveLength(2);
  });

  test('ends quietly when whoever reads has had enough, as if by SIGPIPE', async () => {
    const script = `wsferry get x.bin -o - --quiet --from ${url} | head -c 1 | wc -c; echo \${PIPESTATUS[0]}`;
    const { stdout, stderr } = await shell(script, root.path);
    expect({ stdout: stdout.toString().replaceAll(' ', ''), stderr }).toEqual({ stdout: '1\n141\n', stderr: '' });
  });

  test.each(['-', 'unread'])(
    '(here: %s) that waits for somebody who reads nothing can be interrupted',
    async (output) => {
      expect((await shell('rm -f unread; mkfifo unread', root.path)).code).toBe(0);
      // For reading and writing, so that it need not wait for a writer.
      const reader = await open(join(root.path, 'unread'), 'r+');
      const args = ['get', 'x.bin', '-o', output, '--from', url, '--quiet'];
      await using getter = new Program(args, root.path, output === '-' ? { stdout: reader.fd } : {});
      // Whatever is written is more than fits into a pipe.
      await reader.read(new Uint8Array(1));
      getter.signal('SIGINT');
      expect(await getter.ended).toMatchObject({ code: 130, stderr: '' });
      await reader.close();
    },
  );

  test('of what is not there writes nothing, and fails', async () => {
    const { code, stdout, stderr } = await wsferry(['get', 'nothing', '-o', '-', '--from', url], root.path);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('failed nothing');
  });

  test.each([
    ['get a b -o -', '--output is for one file, and there are 2 names'],
    ['get a -r -o -', "'-o, --output <file>' cannot be used with option '-r, --recursive'"],
    ['get a -o x --dir y', "'-o, --output <file>' cannot be used with option '--dir <dir>'"],
  ])('%s: a usage error', async (command, message) => {
    const { code, stderr } = await wsferry(command.split(' '), root.path);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe('get -o FILE', () => {
  const get = (output: string, ...options: string[]) =>
    wsferry(['get', 'x.txt', '-o', output, '--from', url, ...options], root.path);

  test('saves it under that name, again too', async () => {
    expect((await get('new.txt')).code).toBe(0);
    expect((await get('new.txt')).stdout).toContain('already there, identical');
    expect(await readFile(join(root.path, 'new.txt'), 'utf8')).toBe('hello');
  });

  test('where something else is, it fails: whoever reads that file next must not take it for ours', async () => {
    await writeFile(join(root.path, 'taken.txt'), 'mine');
    const { code, stderr } = await get('taken.txt');
    expect(code).toBe(1);
    expect(stderr).toContain('A file of that name is there already and was not touched');
    expect(await readFile(join(root.path, 'taken.txt'), 'utf8')).toBe('mine');

    expect((await get('taken.txt', '--on-conflict', 'rename')).code).toBe(0);
    expect(await readFile(join(root.path, 'taken (1).txt'), 'utf8')).toBe('hello');
    expect((await get('taken.txt', '--on-conflict', 'overwrite')).code).toBe(0);
    expect(await readFile(join(root.path, 'taken.txt'), 'utf8')).toBe('hello');
  });

  test('that is a folder says what to do instead', async () => {
    const { code, stderr } = await wsferry(['get', 'x.txt', '-o', 'there', '--from', url], root.path);
    expect(code).toBe(2);
    expect(stderr).toContain('there is a folder (name a file, or save into the folder with --dir)');
  });

  test.skipIf(process.platform === 'win32')('that is a pipe or a device is written into', async () => {
    const script = `mkfifo pipe; cat pipe & wsferry get x.txt -o pipe --quiet --from ${url}; code=$?; wait; exit $code`;
    const { code, stdout, stderr } = await shell(script, root.path);
    expect({ code, stdout: stdout.toString(), stderr }).toEqual({ code: 0, stdout: 'hello', stderr: '' });
    const device = await shell(`wsferry get x.txt -o /dev/stdout --quiet --from ${url} >> device`, root.path);
    expect({ code: device.code, stderr: device.stderr }).toEqual({ code: 0, stderr: '' });
    expect(await readFile(join(root.path, 'device'), 'utf8')).toBe('hello');
  });
});

describe('--limit-rate', () => {
  test.each([
    ['send', ['big.bin', '--as', 'slow.bin', '--to']],
    ['get', ['x.bin', '--from']],
  ])('%s: everything arrives', async (command, args) => {
    const ended = await wsferry([command, ...args, url, '--limit-rate', '60M'], root.path);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toContain(`md5 ${md5(big)}`);
  });

  test('serve: everything comes in and goes out', async () => {
    await using here = await temporaryDirectory();
    const { program, url: slow } = await startServe(['--dir', here.path, '--limit-rate', '60M'], root.path);
    await using _ = program;
    expect((await wsferry(['send', 'big.bin', '--to', slow], root.path)).code).toBe(0);
    const { code, stdout } = await shell(`wsferry get big.bin -o - --quiet --from ${slow}`, root.path);
    expect(code).toBe(0);
    expect(Buffer.compare(stdout, big)).toBe(0);
  });

  test.each(['send', 'get', 'serve'])('%s: of no bytes, or no rate, is a usage error', async (command) => {
    const args = command === 'serve' ? [command] : [command, 'a'];
    for (const rate of ['0', 'fast']) {
      const { code, stderr } = await wsferry([...args, '--limit-rate', rate], root.path);
      expect(code).toBe(2);
      expect(stderr).toContain('expected bytes per second such as 500K, 64KiB or 2MB');
    }
  });
});
