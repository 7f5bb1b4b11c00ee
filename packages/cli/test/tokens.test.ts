import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, listen } from '@wsferry/connection';
import { temporaryDirectory } from '@wsferry/testing';
import { offeredSubprotocols } from '@wsferry/transfer';
import { describe, expect, test } from 'vitest';
import { eventsOf, Program, startServe, wsferry } from './program.ts';

const token = 'correct-horse-battery-staple';

async function folder() {
  const here = await temporaryDirectory();
  await writeFile(join(here.path, 'a.txt'), 'one');
  await writeFile(join(here.path, 'token'), `${token}\n`, { mode: 0o600 });
  await writeFile(join(here.path, 'wrong'), 'wrong\n', { mode: 0o600 });
  return here;
}

describe('serve with a token', () => {
  test('takes files from who has it, by file or by environment, and from nobody else: exit 4', async () => {
    await using here = await folder();
    const { program, url } = await startServe(['--token-file', 'token'], here.path);
    await using _ = program;
    const send = (args: string[], env: Record<string, string> = {}) =>
      wsferry(['send', 'a.txt', '--json', ...args], here.path, { env: { WSFERRY_URL: url, ...env } });

    const [byFile, byName, byEnvironment, none, wrong] = await Promise.all([
      send(['--token-file', 'token']),
      send(['--token-file', 'token', '--to', url.replace('//', '//name:password@')]),
      send([], { WSFERRY_TOKEN: token }),
      send([]),
      send(['--token-file', 'wrong'], { WSFERRY_TOKEN: token }),
    ]);
    for (const { code } of [byFile, byName, byEnvironment]) expect(code).toBe(0);
    expect(none.code).toBe(4);
    expect(eventsOf(none)).toEqual([
      {
        event: 'error',
        code: 'TOKEN_WANTED',
        message: `${url} wants a token`,
        hint: expect.stringContaining('--token-file'),
        exitCode: 4,
      },
    ]);
    expect(wrong.code).toBe(4);
    expect(eventsOf(wrong)).toEqual([
      expect.objectContaining({ code: 'WRONG_TOKEN', hint: expect.stringContaining(join(here.path, 'wrong')) }),
    ]);
    expect((await readdir(join(here.path, 'received'))).filter((name) => name !== '.wsferry')).toEqual(['a.txt']);
  });

  test('at the default address is the receiver that is meant: send says what it wants instead of receiving itself', async () => {
    await using here = await folder();
    const { program, url } = await startServe(['--token-file', 'token'], here.path);
    await using _ = program;
    const ended = await wsferry(['send', 'a.txt'], here.path, { defaultPort: Number(new URL(url).port) });
    expect(ended).toMatchObject({ code: 4, stdout: '' });
    expect(ended.stderr).toMatch(/^wsferry: ws:\/\/127\.0\.0\.1:6455 wants a token \(set WSFERRY_TOKEN/);
  });

  test('slows guessing down, and tells clients behind a trusted proxy apart', async () => {
    await using here = await folder();
    const { program, url } = await startServe(['--token-file', 'token', '--trust-proxy', '127.0.0.1'], here.path);
    await using _ = program;
    const open = (given: string, from: string) =>
      connect(url, { protocols: offeredSubprotocols(given), headers: [['X-Forwarded-For', from]] });
    const statusOf = (given: string, from: string) =>
      open(given, from).then(
        (connection) => connection.close().then(() => 101),
        ({ status }) => status as number,
      );
    expect(await statusOf('guess', '192.0.2.1')).toBe(401);
    while ((await statusOf('guess', '192.0.2.1')) !== 429);
    expect(await statusOf(token, '192.0.2.2')).toBe(101);
    expect(await statusOf('guess', '192.0.2.3')).toBe(401);
  });

  test('tells a sender whose address guessed too often how long to wait: exit 4', async () => {
    await using here = await folder();
    const headers = [
      ['Retry-After', '40'],
      ['WWW-Authenticate', 'Bearer realm="x"'],
    ] as const;
    const listener = await listen({ refuse: () => ({ status: 429, message: 'not now', headers }) }, () => {});
    const ended = await wsferry(['send', 'a.txt', '--to', listener.url, '--json'], here.path);
    await listener.close();
    expect(eventsOf(ended)).toEqual([
      expect.objectContaining({ code: 'TOO_MANY_TOKENS', hint: 'try again in 40 s', exitCode: 4 }),
    ]);
    expect(ended.code).toBe(4);
  });

  test.runIf(process.platform !== 'win32')('says that others can read the file, and serves', async () => {
    await using here = await folder();
    await writeFile(join(here.path, 'open'), token, { mode: 0o644 });
    const { program } = await startServe(['--token-file', 'open'], here.path);
    await using _ = program;
    program.signal('SIGINT');
    const { code, stderr } = await program.ended;
    expect(stderr).toMatch(/^WARNING: --token-file .*open: everybody on this machine can read the token; chmod 600/);
    expect(code).toBe(130);
  });

  test.each([
    [['--token-file', 'wrong'], {}, /^wsferry: --token-file .*wrong: expected a token of 16 to 4096 .*, got 5/],
    [['--token-file', 'none'], {}, /^wsferry: --token-file .*none: no such file\n$/],
    [['--token-file', '.'], {}, /^wsferry: --token-file .*: is a directory\n$/],
    [[], { WSFERRY_TOKEN: '' }, /^wsferry: WSFERRY_TOKEN: expected a token of 16 to 4096 .*, got 0/],
    [[], { WSFERRY_TOKEN: 'x'.repeat(15) }, /^wsferry: WSFERRY_TOKEN: .*, got 15 /],
    [[], { WSFERRY_TOKEN: 'with a space in it' }, /another character at position 5/],
    [['--trust-proxy', 'nginx'], {}, /^wsferry: --trust-proxy: expected an address, .* got "nginx"/],
  ])('%j, %j: no token, no server: exit 2', async (args, env: Record<string, string>, message) => {
    await using here = await folder();
    const ended = await wsferry(['serve', '--port', '0', ...args], here.path, { env });
    expect(ended.stderr).toMatch(message);
    expect(ended.code).toBe(2);
  });
});

describe('send with a token', () => {
  test('that is none says so before it connects: exit 2', async () => {
    await using here = await folder();
    const env = { WSFERRY_TOKEN: 'ünicode' };
    const ended = await wsferry(['send', 'a.txt', '--to', 'ws://127.0.0.1:9'], here.path, { env });
    expect(ended.stderr).toMatch(/^wsferry: WSFERRY_TOKEN: expected .*, got another character at position 1/);
    expect(ended.code).toBe(2);
  });

  test('warns when it goes over the network unencrypted, and not on this machine', async () => {
    await using here = await folder();
    const env = { WSFERRY_TOKEN: token };
    const far = await wsferry(['send', 'a.txt', '--to', 'ws://name.invalid:9'], here.path, { env });
    expect(far.stderr).toMatch(/^WARNING: the token goes to name\.invalid unencrypted/);
    for (const near of ['ws://127.0.0.1:9', 'ws://[::1]:9', 'ws://localhost:9', 'wss://name.invalid:9']) {
      expect((await wsferry(['send', 'a.txt', '--to', near], here.path, { env })).stderr).not.toContain('WARNING');
    }
  });
});

describe('serve where other machines can reach it', () => {
  test.each(['0.0.0.0', '::'])('at %s, without a token: exit 2, and it says what to do', async (host) => {
    await using here = await folder();
    const ended = await wsferry(['serve', '--port', '0', '--host', host, '--json'], here.path);
    expect(eventsOf(ended)).toEqual([
      {
        event: 'error',
        code: 'PUBLIC_WITHOUT_TOKEN',
        message: `${host} can be reached from other machines, and without a token everybody there could store files here`,
        hint: 'set WSFERRY_TOKEN or name a --token-file; --insecure-public lets everybody in',
        exitCode: 2,
      },
    ]);
    expect(ended.code).toBe(2);
    expect(await readdir(here.path)).not.toContain('received');
  });

  test.each<[string[], RegExp]>([
    [['--insecure-public'], /^WARNING: --insecure-public: everybody who can reach 0\.0\.0\.0 can store files here\n$/],
    [['--token-file', 'token'], /^WARNING: token and files come in unencrypted/],
  ])('with %j it serves, and says what that means', async (args, warning) => {
    await using here = await folder();
    const { program } = await startServe(['--host', '0.0.0.0', ...args], here.path);
    await using _ = program;
    program.signal('SIGINT');
    const { code, stderr } = await program.ended;
    expect(stderr).toMatch(warning);
    expect(code).toBe(130);
  });

  test('a Unix socket is guarded by its rights', async () => {
    await using here = await folder();
    await using program = new Program(['serve', '--socket', 'w.sock'], here.path);
    await program.printed(/listening/);
    program.signal('SIGINT');
    expect(await program.ended).toMatchObject({ code: 130, stderr: '' });
  });
});
