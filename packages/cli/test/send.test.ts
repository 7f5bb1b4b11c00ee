import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { selfSignedCertificate, temporaryDirectory } from '@wsferry/testing';
import { describe, expect, test } from 'vitest';
import { bigFile, entries, eventsOf, Program, startServe, wsferry } from './program.ts';

const controls = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/;
const md5 = (content: string | Uint8Array) => createHash('md5').update(content).digest('hex');

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

describe('send without an address', () => {
  test('receives in its own process when nobody listens, and says so in one line', async () => {
    await using here = await temporaryDirectory();
    await writeFile(join(here.path, 'README.md'), '# hello\n');
    const { code, stdout, stderr } = await wsferry(['send', 'README.md'], here.path);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const stored = join(here.path, 'received', 'README.md');
    expect(stdout).toMatch(
      /^nobody listens at ws:\/\/127\.0\.0\.1:6455: receiving in this process at ws:\/\/127\.0\.0\.1:\d+/,
    );
    expect(stdout).toContain(`saving into ${join(here.path, 'received')}\n`);
    expect(stdout).toContain(`stored ${stored} (8 B, md5 ${md5('# hello\n')}, `);
    expect(stdout).not.toMatch(controls);
    expect(await readFile(stored, 'utf8')).toBe('# hello\n');
  });

  test('run twice, it says that the identical file is there already; a changed one gets a name of its own', async () => {
    await using here = await temporaryDirectory();
    await writeFile(join(here.path, 'a.txt'), 'one');
    await wsferry(['send', 'a.txt'], here.path);
    const again = await wsferry(['send', 'a.txt'], here.path);
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(again.stdout).toContain('already there, identical');
    await writeFile(join(here.path, 'a.txt'), 'two');
    const changed = await wsferry(['send', 'a.txt'], here.path);
    expect(changed.stdout).toContain('a (1).txt');
    const names = (await readdir(join(here.path, 'received'))).filter((name) => !name.startsWith('.'));
    expect(names.sort()).toEqual(['a (1).txt', 'a.txt']);
  });

  test('uses the receiver that answers there', async () => {
    await using here = await temporaryDirectory();
    await using there = await temporaryDirectory();
    await writeFile(join(here.path, 'a.txt'), 'one');
    const { program, url } = await startServe(['--dir', there.path], here.path);
    await using _ = program;
    const { code } = await wsferry(['send', 'a.txt'], here.path, { defaultPort: Number(new URL(url).port) });
    expect(code).toBe(0);
    expect(await readFile(join(there.path, 'a.txt'), 'utf8')).toBe('one');
    expect(await readdir(here.path)).toEqual(['a.txt']);
  });

  test('says which status came when a web server answers there, and receives itself', async () => {
    await using here = await temporaryDirectory();
    await writeFile(join(here.path, 'a.txt'), 'one');
    const web = createHttpServer((_, response) => response.writeHead(404).end());
    const port = await listening(web);
    const { code, stdout } = await wsferry(['send', 'a.txt'], here.path, { defaultPort: port });
    web.close();
    expect(code).toBe(0);
    expect(stdout).toMatch(/status 404 Not Found: receiving in this process/);
  });

  test("the workspace's start script counts relative paths from where the user stands, not from where pnpm runs it", async () => {
    await using here = await temporaryDirectory();
    await using elsewhere = await temporaryDirectory();
    await writeFile(join(here.path, 'a.txt'), 'one');
    const options = { entry: entries.start, env: { INIT_CWD: here.path } };
    expect(await wsferry(['--', 'send', 'a.txt'], elsewhere.path, options)).toMatchObject({ code: 0, stderr: '' });
    expect(await readFile(join(here.path, 'received', 'a.txt'), 'utf8')).toBe('one');
    expect(await readdir(elsewhere.path)).toEqual([]);
    const { scripts } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect(scripts.start).toMatch(/ start\.ts$/);
  });

  // tsc writes files that nobody may run; on Windows there is no such bit.
  test.runIf(existsSync(entries.built) && process.platform !== 'win32')(
    'what was built can be run by name',
    async () => {
      expect((await promisify(execFile)(entries.built, ['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    },
  );

  // npm sets INIT_CWD for `"deploy": "cd build && wsferry send a.zip"`, too.
  test.each([entries.main, entries.built].filter((entry) => existsSync(entry)))(
    'the program itself (%s) counts them from its own folder, whatever INIT_CWD says',
    async (entry) => {
      await using here = await temporaryDirectory();
      await using root = await temporaryDirectory();
      await writeFile(join(here.path, 'a.txt'), 'mine');
      await writeFile(join(root.path, 'a.txt'), 'another');
      const ended = await wsferry(['send', 'a.txt'], here.path, {
        entry,
        env: { INIT_CWD: root.path },
      });
      expect(ended).toMatchObject({ code: 0, stderr: '' });
      expect(await readFile(join(here.path, 'received', 'a.txt'), 'utf8')).toBe('mine');
      expect(await readdir(root.path)).toEqual(['a.txt']);
    },
  );

  test.each([
    ['nobody listens', async () => ['ws://127.0.0.1:9', undefined] as const, 'nobody listens at ws://127.0.0.1:9'],
    [
      'a web server listens',
      async () => {
        const web = createHttpServer((_, response) => response.writeHead(404).end());
        return [`ws://127.0.0.1:${await listening(web)}`, web] as const;
      },
      'status 404 Not Found',
    ],
  ])('WSFERRY_URL names a receiver: where %s, nothing is stored, exit 3', async (_, start, message) => {
    await using here = await temporaryDirectory();
    await writeFile(join(here.path, 'a.txt'), 'one');
    const [url, web] = await start();
    const ended = await wsferry(['send', 'a.txt'], here.path, { env: { WSFERRY_URL: url } });
    web?.close();
    expect(ended).toMatchObject({ code: 3, stdout: '' });
    expect(ended.stderr).toContain(message);
    expect(await readdir(here.path)).toEqual(['a.txt']);
  });
});

describe('what is printed', () => {
  test('--json: every line is an event, and the stored one carries path, size, MD5, time and rate', async () => {
    await using here = await temporaryDirectory();
    await writeFile(join(here.path, 'a.bin'), new Uint8Array(300_000).fill(7));
    const ended = await wsferry(['send', 'a.bin', '--json'], here.path);
    const events = eventsOf(ended);
    expect(events.map(({ event }) => event).filter((event) => event !== 'progress')).toEqual([
      'receiver',
      'connected',
      'offered',
      'stored',
      'done',
    ]);
    expect(events.find(({ event }) => event === 'stored')).toMatchObject({
      id: 1,
      name: 'a.bin',
      storedAs: join(here.path, 'received', 'a.bin'),
      size: 300_000,
      md5: md5(new Uint8Array(300_000).fill(7)),
      durationMs: expect.any(Number),
      bytesPerSecond: expect.any(Number),
      existing: false,
    });
    expect(events.at(-1)).toEqual({ event: 'done', stored: 1, failed: 0, exitCode: 0 });
  });

  test('--digest sha256: both ends compare that, and both say it', async () => {
    await using here = await temporaryDirectory();
    await writeFile(join(here.path, 'a.txt'), 'one');
    const sha256 = createHash('sha256').update('one').digest('hex');
    const { program, url } = await startServe(['--json'], here.path);
    await using _ = program;
    const args = ['send', 'a.txt', '--to', url, '--digest', 'sha256'];
    expect((await wsferry(args, here.path)).stdout).toContain(`(3 B, sha256 ${sha256}, `);
    const again = eventsOf(await wsferry([...args, '--json'], here.path));
    const stored = again.find(({ event }) => event === 'stored');
    expect(stored).toMatchObject({ sha256, existing: true });
    expect(stored).not.toHaveProperty('md5');
    expect(await wsferry([...args.slice(0, -1), 'sha1'], here.path)).toMatchObject({ code: 2 });
  });

  test('--quiet: nothing when all is well', async () => {
    await using here = await temporaryDirectory();
    await writeFile(join(here.path, 'a.txt'), 'one');
    expect(await wsferry(['send', 'a.txt', '--quiet'], here.path)).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});

describe('several files in one call', () => {
  test('those that cannot be read are named, the others still go: exit 1', async () => {
    await using here = await temporaryDirectory();
    await writeFile(join(here.path, 'good.txt'), 'good');
    const { code, stderr } = await wsferry(['send', 'missing.txt', 'good.txt/folder', 'good.txt'], here.path);
    expect(code).toBe(1);
    expect(stderr).toContain('failed missing.txt: no such file');
    expect(stderr).toContain('failed good.txt/folder: ');
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(await readFile(join(here.path, 'received', 'good.txt'), 'utf8')).toBe('good');
  });

  test('when none can be read, nobody is asked and nothing is created', async () => {
    await using here = await temporaryDirectory();
    expect(await wsferry(['send', 'missing.txt'], here.path)).toMatchObject({ code: 1, stdout: '' });
    expect(await readdir(here.path)).toEqual([]);
  });

  test('1,000 small files and an empty one arrive over one connection', { timeout: 120_000 }, async () => {
    await using here = await temporaryDirectory();
    const names = Array.from({ length: 1000 }, (_, index) => `file-${index}.txt`);
    await Promise.all(
      names.map((name, index) => writeFile(join(here.path, name), index === 0 ? '' : `content of ${name}`)),
    );
    const ended = await wsferry(['send', '--json', ...names], here.path);
    expect(ended.code).toBe(0);
    const events = eventsOf(ended);
    expect(events.filter(({ event }) => event === 'connected')).toHaveLength(1);
    expect(events.at(-1)).toMatchObject({ stored: 1000, failed: 0 });
    expect(await readFile(join(here.path, 'received', 'file-0.txt'), 'utf8')).toBe('');
    expect(await readFile(join(here.path, 'received', 'file-999.txt'), 'utf8')).toBe('content of file-999.txt');
  });
});

describe('over TLS', () => {
  test('a receiver with a certificate is believed with --ca, doubted without, and --insecure is said loudly', async () => {
    await using here = await temporaryDirectory();
    const { cert, key } = await selfSignedCertificate();
    await writeFile(join(here.path, 'cert.pem'), cert);
    await writeFile(join(here.path, 'key.pem'), key);
    await writeFile(join(here.path, 'a.txt'), 'secret');
    const { program, url } = await startServe(['--tls-cert', 'cert.pem', '--tls-key', 'key.pem'], here.path);
    await using _ = program;
    expect(url).toMatch(/^wss:/);

    const doubted = await wsferry(['send', 'a.txt', '--to', url], here.path);
    expect(doubted.code).toBe(3);
    expect(doubted.stderr).toMatch(/not trusted.*--ca.*--insecure/);

    const env = { WSFERRY_URL: url };
    const byVariable = await wsferry(['send', 'a.txt'], here.path, { env });
    expect(byVariable).toMatchObject({ code: 3, stdout: '' });
    expect(byVariable.stderr).toMatch(/not trusted.*WSFERRY_URL/);
    expect(await wsferry(['send', 'a.txt', '--ca', 'cert.pem', '--quiet'], here.path, { env })).toMatchObject({
      code: 0,
      stderr: '',
    });

    const lost = new Program(
      ['serve', '--host', '127.0.0.2', '--port', '0', '--tls-cert', 'cert.pem', '--tls-key', 'key.pem'],
      here.path,
    );
    await using __ = lost;
    const [elsewhere] = await lost.printed(/wss:[\d./:]+\d/);
    const misnamed = await wsferry(['send', 'a.txt', '--to', elsewhere, '--ca', 'cert.pem'], here.path);
    expect(misnamed.code).toBe(3);
    expect(misnamed.stderr).toContain('not for 127.0.0.2 but for localhost, 127.0.0.1, ');
    expect(misnamed.stderr).not.toContain('--ca');

    const trusted = await wsferry(['send', 'a.txt', '--to', url, '--ca', 'cert.pem'], here.path);
    expect(trusted).toMatchObject({ code: 0, stderr: '' });
    expect(await readFile(join(here.path, 'received', 'a.txt'), 'utf8')).toBe('secret');

    const careless = await wsferry(['send', 'a.txt', '--to', url, '--insecure', '--quiet'], here.path);
    expect(careless.code).toBe(0);
    expect(careless.stderr).toMatch(/WARNING: --insecure.*NOT checked/);

    const mixedUp = await wsferry(['send', 'a.txt', '--to', url.replace('wss:', 'ws:')], here.path);
    expect(mixedUp.code).toBe(3);
    expect(mixedUp.stderr).toContain('wss://');
  });
});

test.each([
  ['', 'has no certificate'],
  ['-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n', 'cannot be read'],
])('--ca with a file that holds no certificate: a usage error', async (content, message) => {
  await using here = await temporaryDirectory();
  await writeFile(join(here.path, 'f.txt'), content);
  const ended = await wsferry(['send', 'f.txt', '--to', 'wss://127.0.0.1:9', '--ca', 'f.txt'], here.path);
  expect(ended.stderr).toContain(message);
  expect(ended.code).toBe(2);
});

test('a password in an address is never printed', { timeout: 180_000 }, async () => {
  await using here = await temporaryDirectory();
  await writeFile(join(here.path, 'a.txt'), 'one');
  const { program, url } = await startServe([], here.path);
  await using _ = program;
  const ways = [
    [url.replace('//', '//u:geheim@'), 0],
    ['ws://u:geheim@127.0.0.1:9', 3],
    ['wss://u:geheim@127.0.0.1:9 --insecure', 3],
    ['ws://u:geheim@127.0.0.1:9/#x', 2],
    ['http://u:geheim@127.0.0.1:9', 2],
    ['ws://u:geheim@:9', 2],
  ] as const;
  for (const [to, code] of ways) {
    for (const how of [[], ['--json']]) {
      const ended = await wsferry(['send', 'a.txt', ...how, '--to', ...to.split(' ')], here.path);
      expect(ended.code).toBe(code);
      expect(ended.stdout + ended.stderr).toContain('***@');
      expect(ended.stdout + ended.stderr).not.toContain('geheim');
    }
  }
});

describe('an address that is no receiver', () => {
  test.each([
    ['nobody listens', 'ws://127.0.0.1:9', 3, 'nobody listens at ws://127.0.0.1:9'],
    ['the name does not exist', 'ws://no-such-host.invalid:1', 3, 'cannot be resolved'],
    ['the scheme is wrong', 'http://127.0.0.1:9', 2, 'expected an address with ws: or wss:'],
    ['it is no address', 'nonsense', 2, 'expected an address'],
    ['--ca without wss', 'ws://127.0.0.1:9 --ca x.pem', 2, 'need an address with wss:'],
  ])('%s', async (_, to, code, message) => {
    await using here = await temporaryDirectory();
    await writeFile(join(here.path, 'a.txt'), 'one');
    const ended = await wsferry(['send', 'a.txt', '--to', ...to.split(' ')], here.path);
    expect(ended.stderr).toContain(message);
    expect(ended.stderr.trimEnd()).not.toContain('\n');
    expect(ended.code).toBe(code);
  });

  test('a web server: the status is said', async () => {
    await using here = await temporaryDirectory();
    await writeFile(join(here.path, 'a.txt'), 'one');
    const web = createHttpServer((_, response) => response.writeHead(403).end('no'));
    const port = await listening(web);
    const ended = await wsferry(['send', 'a.txt', '--to', `ws://127.0.0.1:${port}`], here.path);
    web.close();
    expect(ended.code).toBe(3);
    expect(ended.stderr).toContain('it answered with status 403 Forbidden');
  });

  test('something that does not even speak HTTP', async () => {
    await using here = await temporaryDirectory();
    await writeFile(join(here.path, 'a.txt'), 'one');
    const ssh = createServer((socket) => socket.on('error', () => {}).end('SSH-2.0-OpenSSH_9.6\r\n'));
    const port = await listening(ssh);
    const ended = await wsferry(['send', 'a.txt', '--to', `ws://127.0.0.1:${port}`], here.path);
    ssh.close();
    expect(ended.code).toBe(3);
    expect(ended.stderr).toContain('does not speak HTTP');
  });
});

describe('Ctrl-C, or a terminal that is closed', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const)('%s ends a transfer with exit code %i, the closing handshake, and no half file', async (name, code) => {
    await using here = await temporaryDirectory();
    await using there = await temporaryDirectory();
    await bigFile(join(here.path, 'big.bin'));
    const { program: receiver, url } = await startServe(['--dir', there.path, '--json'], here.path);
    await using _ = receiver;
    await using sender = new Program(['send', 'big.bin', '--to', url, '--json'], here.path);
    await sender.printed(/"progress"/);
    sender.signal(name);
    const ended = await sender.ended;
    expect(ended.code).toBe(code);
    expect(
      eventsOf(ended)
        .filter(({ event }) => event !== 'progress')
        .slice(-3),
    ).toEqual([
      { event: 'stopping', signal: name },
      { event: 'cancelled', id: 1, name: 'big.bin' },
      { event: 'done', stored: 0, failed: 1, exitCode: code },
    ]);
    await receiver.printed(/"failed"/);
    receiver.signal(name);
    expect((await receiver.ended).code).toBe(code);
    expect((await readdir(there.path)).filter((name) => name !== '.wsferry')).toEqual([]);
  });
});
