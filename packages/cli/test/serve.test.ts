import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { connect } from '@wsferry/connection';
import { temporaryDirectory } from '@wsferry/testing';
import { SUBPROTOCOL } from '@wsferry/transfer';
import { describe, expect, test } from 'vitest';
import { ExitCode } from '../src/exit-codes.ts';
import { bigFile, eventsOf, Program, startServe, wsferry } from './program.ts';

describe('serve', () => {
  test('prints where it listens and a line per stored file, and ends on Ctrl-C with 130', async () => {
    await using here = await temporaryDirectory();
    await writeFile(join(here.path, 'a.txt'), 'one');
    const { program, url } = await startServe([], here.path);
    await using _ = program;
    expect(url).toMatch(/^ws:\/\/127\.0\.0\.1:[1-9]\d*$/);
    await wsferry(['send', 'a.txt', '--to', url], here.path);
    await program.printed(/stored .*a\.txt \(3 B, md5 f97c5d29941bfb1b2fdab0874906ab82/);
    program.signal('SIGINT');
    const { code, stderr } = await program.ended;
    expect({ code, stderr }).toEqual({ code: 130, stderr: '' });
    expect(await readdir(join(here.path, 'received'))).toContain('a.txt');
  });

  test('says what another machine left unfinished in the folder, and does not touch it', async () => {
    await using here = await temporaryDirectory();
    const partials = join(here.path, 'received', '.wsferry');
    await mkdir(partials, { recursive: true });
    await writeFile(join(partials, 'of-some-other-machine.part'), '12345');
    const { program } = await startServe([], here.path);
    await using _ = program;
    program.signal('SIGINT');
    const { stdout, stderr } = await program.ended;
    expect(stdout + stderr).toMatch(/WARNING: 1 unfinished file \(5 B\) of another machine in .*\.wsferry/);
    expect(await readdir(partials)).toEqual(['of-some-other-machine.part']);
  });

  test('stopped in the middle of a transfer, it leaves no half file, and a sender that tries no more is told why: exit 4', async () => {
    await using here = await temporaryDirectory();
    await bigFile(join(here.path, 'big.bin'));
    const { program, url } = await startServe(['--json'], here.path);
    await using _ = program;
    await using sender = new Program(['send', 'big.bin', '--to', url, '--retry-for', '0'], here.path);
    await program.printed(/"progress"/);
    program.signal('SIGINT');
    expect((await program.ended).code).toBe(130);
    const { code, stderr } = await sender.ended;
    expect(stderr).toMatch(/^failed big\.bin: refused by the receiver: .*the receiver is being stopped/);
    expect(code).toBe(4);
    expect((await readdir(join(here.path, 'received'))).filter((name) => name !== '.wsferry')).toEqual([]);
  });

  test('serves the next one after a sender was killed', async () => {
    await using here = await temporaryDirectory();
    await bigFile(join(here.path, 'big.bin'));
    await writeFile(join(here.path, 'a.txt'), 'one');
    const { program, url } = await startServe(['--json'], here.path);
    await using _ = program;
    await using sender = new Program(['send', 'big.bin', '--to', url], here.path);
    await program.printed(/"progress"/);
    sender.signal('SIGKILL');
    await program.printed(/"failed"/);
    expect((await wsferry(['send', 'a.txt', '--to', url], here.path)).code).toBe(0);
    expect((await readdir(join(here.path, 'received'))).filter((name) => name !== '.wsferry')).toEqual(['a.txt']);
  });

  test('--json: the events of both ends tell the same story', async () => {
    await using here = await temporaryDirectory();
    await writeFile(join(here.path, 'a.txt'), 'one');
    const { program, url } = await startServe(['--json'], here.path);
    await using _ = program;
    await wsferry(['send', 'a.txt', '--to', url], here.path);
    await program.printed(/"stored"/);
    program.signal('SIGINT');
    const events = eventsOf(await program.ended);
    expect(events.at(-2)).toEqual({ event: 'stopping', signal: 'SIGINT' });
    expect(events[0]).toEqual({ event: 'receiver', url, dir: join(here.path, 'received'), embedded: false });
    expect(events.find(({ event }) => event === 'stored')).toMatchObject({
      id: 1,
      name: 'a.txt',
      size: 3,
      existing: false,
    });
    expect(events.at(-1)).toEqual({ event: 'done', stored: 1, failed: 0, exitCode: 130 });
  });
});

describe('serve in other ways', () => {
  test('at a Unix socket, which is gone when it has ended', async () => {
    await using here = await temporaryDirectory();
    await writeFile(join(here.path, 'a.txt'), 'one');
    const path = join(here.path, 'w.sock');
    await using program = new Program(['serve', '--socket', 'w.sock', '--json'], here.path);
    await program.printed(/"receiver"/);
    const sent = await wsferry(['send', 'a.txt', '--to', `ws+unix:${path}`], here.path);
    expect(sent).toMatchObject({ code: 0, stderr: '' });
    expect(await readdir(join(here.path, 'received'))).toContain('a.txt');

    const second = await wsferry(['serve', '--socket', 'w.sock'], here.path);
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/^wsferry: .*w\.sock is in use already/);

    program.signal('SIGINT');
    const events = eventsOf(await program.ended);
    expect(events[0]).toMatchObject({ event: 'receiver', url: `ws+unix:${path}` });
    expect(await readdir(here.path)).not.toContain('w.sock');
  });

  test('for pages of the origins it is told, and for no others', async () => {
    await using here = await temporaryDirectory();
    const origins = ['https://files.example', 'http://localhost:8080'];
    const { program, url } = await startServe(['--allow-origin', ...origins], here.path);
    await using _ = program;
    const openFrom = (origin: string) => connect(url, { protocols: [SUBPROTOCOL], headers: [['Origin', origin]] });
    for (const origin of origins) await (await openFrom(origin)).close();
    await expect(openFrom('https://other.example')).rejects.toMatchObject({ response: { status: 403 } });
  });

  test.each([
    [[], true],
    [['--no-compress'], false],
  ])('%j: a sender that offers compression is told %s', async (args, compressed) => {
    await using here = await temporaryDirectory();
    await writeFile(join(here.path, 'a.log'), 'all is well\n'.repeat(10_000));
    const { program, url } = await startServe(args, here.path);
    await using _ = program;
    const sent = await wsferry(['send', 'a.log', '--compress', '--json', '--to', url], here.path);
    expect(sent.code).toBe(0);
    expect(eventsOf(sent)[0]).toMatchObject({ event: 'connected', compressed });
    expect((await readFile(join(here.path, 'received', 'a.log'))).length).toBe(120_000);
  });
});

describe('serve that cannot start says why in one line', () => {
  test('port in use', async () => {
    await using here = await temporaryDirectory();
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    const ended = await wsferry(['serve', '--port', String(port)], here.path);
    other.close();
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/^wsferry: 127\.0\.0\.1:\d+ is in use already \(choose another with --port.*\)\n$/);
  });

  test.each([
    [['--dir', 'nowhere'], 1, /^wsferry: the folder .*nowhere does not exist/],
    [['--dir', 'a.txt'], 1, /^wsferry: .*a\.txt is not a directory/],
    [['--dir', '/proc/self'], 1, /^wsferry: .*\/proc\/self/],
    [['--host', '192.0.2.1', '--insecure-public'], 1, /^wsferry: 192\.0\.2\.1 is no address of this machine/m],
    [['--tls-cert', 'a.txt'], 2, /belong together/],
    [['--tls-cert', 'a.txt', '--tls-key', 'a.txt'], 2, /^wsferry: --tls-cert and --tls-key: /],
    [['--tls-cert', 'missing.pem', '--tls-key', 'a.txt'], 2, /missing\.pem: no such file/],
    [['--allow-origin', 'https://a.example/page'], 2, /expected a scheme and a host/],
    [['--port', '70000'], 2, /expected a port from 0 to 65535/],
  ])('%j', async (args, code, message) => {
    await using here = await temporaryDirectory();
    await writeFile(join(here.path, 'a.txt'), 'one');
    const ended = await wsferry(['serve', '--port', '0', ...args], here.path);
    expect(ended.stderr).toMatch(message);
    expect(ended.stderr).not.toMatch(/\n\s+at /);
    expect(ended.code).toBe(code);
  });
});

describe('serve --socket that cannot be', () => {
  test.each([
    [['--socket', 'nowhere/w.sock'], 1, /^wsferry: cannot listen at .*nowhere\/w\.sock: its folder does not exist/],
    [['--socket', 'a.txt'], 1, /a\.txt is in use already, or a file that is no socket/],
    [
      ['--socket', 'w'.repeat(120)],
      1,
      /^wsferry: cannot listen at .*w: expected .* to have at most \d+ bytes, got \d+/,
    ],
    [['--socket', 'w.sock', '--port', '1'], 2, /cannot be used with option '--port/],
  ])('%j', async (args, code, message) => {
    await using here = await temporaryDirectory();
    await writeFile(join(here.path, 'a.txt'), 'one');
    const ended = await wsferry(['serve', ...args], here.path);
    expect(ended.stderr).toMatch(message);
    expect(ended.code).toBe(code);
    expect(await readFile(join(here.path, 'a.txt'), 'utf8')).toBe('one');
  });
});

describe('the command line', () => {
  test.each([
    ['send'],
    ['nonsense'],
    ['send', '--nonsense', 'x'],
    ['send', ''],
    ['send', 'a.txt', '--ca', ''],
    ['serve', '--dir', ''],
    ['serve', '--host', ''],
    ['serve', '--tls-cert', '', '--tls-key', ''],
  ])('%s: a usage error, exit 2', async (...args) => {
    await using here = await temporaryDirectory();
    const ended = await wsferry(args, here.path);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    if (args.includes('')) expect(ended.stderr).toContain('got an empty one');
    expect(await readdir(here.path)).toEqual([]);
  });

  test.each([
    [['send', '--json'], "missing required argument 'path'"],
    [['send', 'x', '--json', '--quiet'], "'--json' cannot be used with option '--quiet'"],
    [['serve', '--json', '--port', 'x'], 'expected a port from 0 to 65535'],
  ])('%j: with --json a usage error is an event like every other', async (args, message) => {
    await using here = await temporaryDirectory();
    const ended = await wsferry(args, here.path);
    expect(ended).toMatchObject({ code: 2, stderr: '' });
    const events = eventsOf(ended);
    expect(events).toEqual([
      { event: 'error', code: 'USAGE', message: expect.any(String), hint: expect.any(String), exitCode: 2 },
    ]);
    expect(events[0]?.['message']).toContain(message);
  });

  test('--version and --help answer', async () => {
    await using here = await temporaryDirectory();
    const { stdout: help } = await wsferry(['--help'], here.path);
    for (const code of Object.values(ExitCode)) expect(help).toMatch(new RegExp(`\\b${code} \\w`));
    expect((await wsferry(['--version'], here.path)).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    for (const command of ['send', 'serve']) {
      const { code, stdout } = await wsferry([command, '--help'], here.path);
      expect(code).toBe(0);
      expect(stdout).toContain(`Examples:\n  wsferry ${command}`);
    }
  });
});
