import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { selfSignedCertificate, temporaryDirectory } from '@wsferry/testing';
import { expect, test } from 'vitest';
import { checks } from '../../src/doctor/checks.ts';
import { eventsOf, Program, startServe, wsferry } from '../program.ts';
import { mute, receiving, serving } from './servers.ts';

const ids = checks.map(({ id }) => id);

test('a receiver that is well: a line for each check, exit 0, and its folder stays empty', async () => {
  await using here = await temporaryDirectory();
  const dir = join(here.path, 'in');
  await mkdir(dir);
  const { program, url } = await startServe(['--dir', dir], here.path);
  await using _ = program;
  const ended = await wsferry(['doctor', url, '--idle', '0'], here.path);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  const lines = ended.stdout.trimEnd().split('\n');
  expect(lines.slice(0, ids.length).map((line) => /^(?:ok|skipped) +(\S+)/.exec(line)?.[1])).toEqual(ids);
  expect(lines.at(-1)).toBe(`nothing is wrong: files can be sent to ${url}`);
  expect(lines.find((line) => line.includes('version'))).toContain('wsferry/');
  // Not even what was begun and given up.
  expect((await readdir(dir, { recursive: true })).filter((name) => name !== '.wsferry')).toEqual([]);
});

test('what is wrong is followed by what happens because of it, and by what mends it: exit 1', async () => {
  const ended = await wsferry(['doctor', await serving({}), '--idle', '0'], process.cwd());
  expect(ended).toMatchObject({ code: 1, stderr: '' });
  const [lines, below] = ended.stdout.split('\n\nwrong subprotocol\n') as [string, string];
  expect(lines).toMatch(/^skipped +receiver +not tried, because of "subprotocol"$/m);
  expect(below).toBe(
    [
      '  No file can be sent.',
      '  Check the port and the path: it may be another program. If it is a receiver, its answer loses',
      '  Sec-WebSocket-Protocol on the way (proxy_hide_header). In nginx, into the location block whose',
      '  proxy_pass leads to the receiver:',
      '',
      '      proxy_pass_header Sec-WebSocket-Protocol;',
      '',
      '  Then: nginx -t && nginx -s reload',
      '',
      '1 thing is wrong',
      '',
    ].join('\n'),
  );
  const quiet = await wsferry(['doctor', await serving({}), '--idle', '0', '--quiet'], process.cwd());
  expect(quiet).toMatchObject({ code: 1, stderr: '' });
  expect(quiet.stdout).toMatch(/^\nwrong subprotocol\n/);
  expect(quiet.stdout).not.toMatch(/skipped|1 thing/);
});

test('--json: an event for each check, and the diagnosis', async () => {
  const { url } = await receiving({ maxMessageBytes: 100_000 });
  const ended = await wsferry(['doctor', url, '--idle', '0', '--json'], process.cwd());
  expect(ended.code).toBe(1);
  const events = eventsOf(ended);
  expect(events.slice(0, -1).map(({ event, id }) => [event, id])).toEqual(ids.map((id) => ['check', id]));
  expect(events.find(({ id }) => id === 'large')).toEqual({
    event: 'check',
    id: 'large',
    severity: 'wrong',
    code: 'MESSAGES_CUT',
    summary: expect.stringContaining('1009'),
    because: expect.any(String),
    mend: { advice: expect.stringContaining('maxMessageBytes') },
    facts: { mostBytes: 65_536, leastBytes: 131_072 },
  });
  // throughput needs what large found to be in order, and the certificate's checks a certificate.
  expect(events.at(-1)).toEqual({ event: 'diagnosis', url, ok: 10, warning: 0, wrong: 1, skipped: 4, exitCode: 1 });
});

test('nobody there, or nobody to be trusted: exit 3', async () => {
  const nobody = await wsferry(['doctor'], process.cwd());
  expect(nobody.code).toBe(3);
  expect(nobody.stdout).toMatch(/^wrong +reach +nobody listens at ws:\/\/127\.0\.0\.1:6455$/m);
  await using here = await temporaryDirectory();
  const certificate = await selfSignedCertificate();
  await writeFile(join(here.path, 'ca.pem'), certificate.cert);
  const { url } = await receiving({ tls: certificate });
  const untrusted = await wsferry(['doctor', url, '--json'], here.path);
  expect(untrusted.code).toBe(3);
  expect(eventsOf(untrusted).find(({ id }) => id === 'tls')).toMatchObject({ code: 'TLS_UNTRUSTED' });
  const trusted = await wsferry(['doctor', url, '--ca', 'ca.pem', '--idle', '0'], here.path);
  expect(trusted).toMatchObject({ code: 0, stderr: '' });
  const insecure = await wsferry(['doctor', url, '--insecure', '--idle', '0'], here.path);
  expect(insecure).toMatchObject({ code: 0, stderr: expect.stringContaining('NOT checked') });
  expect(insecure.stdout).toContain('and 1 warning');
});

test.each([
  [['http://127.0.0.1'], 'ws:'],
  [['nowhere'], 'expected an address'],
  [['ws://127.0.0.1', '--ca', 'x'], 'wss:'],
  [['ws://127.0.0.1', '--idle', '10'], '--idle'],
  [['ws://127.0.0.1', '--idle', '1ms'], '--idle'],
  [['', '--idle', '0'], 'empty'],
])('a command line that makes no sense: %j', async (args, message) => {
  const ended = await wsferry(['doctor', ...args], process.cwd());
  expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
});

test('the address is from WSFERRY_URL, and its password is in nothing that is said', async () => {
  const asked: (string | undefined)[] = [];
  const { url } = await receiving({
    refuse: ({ headers }) => {
      asked.push(headers.find(([name]) => name === 'Authorization')?.[1]);
      return undefined;
    },
  });
  const env = { WSFERRY_URL: url.replace('ws://', 'ws://me:geheim@') };
  const ended = await wsferry(['doctor', '--idle', '0'], process.cwd(), { env });
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(ended.stdout).toContain(url.replace('ws://', 'ws://***@'));
  expect(ended.stdout).not.toContain('geheim');
  expect(new Set(asked)).toEqual(new Set([`Basic ${btoa('me:geheim')}`]));
});

test('a Unix socket', async () => {
  await using here = await temporaryDirectory();
  const socketPath = join(here.path, 's');
  const { url } = await receiving({ socketPath });
  const ended = await wsferry(['doctor', url, '--idle', '0'], here.path);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(ended.stdout).toMatch(/^skipped +page +no page reaches a Unix socket$/m);
});

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s ends it at once, whatever it waits for', async (signal) => {
  const code = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[signal];
  await using waiting = new Program(['doctor', `ws://${await mute()}/`], process.cwd());
  await waiting.printed(/ok +reach/);
  waiting.signal(signal);
  expect(await waiting.ended).toMatchObject({ code, stderr: '' });
  const { url } = await receiving();
  await using silent = new Program(['doctor', url, '--idle', '1h'], process.cwd());
  await silent.printed(/ok +close/);
  silent.signal(signal);
  expect(await silent.ended).toMatchObject({ code, stderr: '' });
});
