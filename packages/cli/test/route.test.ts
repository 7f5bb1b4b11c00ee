import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net';
import { join } from 'node:path';
import { listen } from '@wsferry/connection';
import { temporaryDirectory } from '@wsferry/testing';
import { memoryReceiver, openSession, SUBPROTOCOL } from '@wsferry/transfer';
import { afterEach, describe, expect, test } from 'vitest';
import { eventsOf, startServe, wsferry } from './program.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function start(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => {})));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

/** An HTTP proxy of Node's that wants `authorization`, when there is one. */
async function startProxy(authorization?: string) {
  const targets: string[] = [];
  const server = createServer().on('connect', (request, client: Socket) => {
    targets.push(request.url!);
    if (authorization !== request.headers['proxy-authorization']) {
      return void client.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n');
    }
    const far = connectTcp({ port: Number(request.url!.split(':')[1]), host: '127.0.0.1', allowHalfOpen: true });
    far.on('error', () => client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
    client.on('error', () => {}).on('close', () => far.destroy());
    far.once('connect', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      far.pipe(client);
      client.pipe(far);
    });
  });
  const port = await start(server);
  return { targets, host: `127.0.0.1:${port}` };
}

/** Answers every upgrade with this head. */
async function answering(head: string): Promise<string> {
  const server = createServer().on('upgrade', (_, socket) => socket.end(`${head}\r\nContent-Length: 0\r\n\r\n`));
  return `127.0.0.1:${await start(server)}`;
}

async function here() {
  const folder = await temporaryDirectory();
  await writeFile(join(folder.path, 'a.txt'), 'one');
  return folder;
}

describe('a proxy in the environment', () => {
  test('is gone through, unless NO_PROXY has the receiver', async () => {
    await using folder = await here();
    const { program, url } = await startServe([], folder.path);
    await using _ = program;
    const proxy = await startProxy(`Basic ${Buffer.from('me:p@ss').toString('base64')}`);
    const env = { http_proxy: `http://me:p%40ss@${proxy.host}` };
    const through = await wsferry(['send', 'a.txt', '--to', url], folder.path, { env });
    expect(through).toMatchObject({ code: 0, stderr: '' });
    expect(proxy.targets).toEqual([url.replace('ws://', '')]);
    const around = await wsferry(['send', 'a.txt', '--to', url], folder.path, {
      env: { ...env, NO_PROXY: 'localhost,127.0.0.0/8' },
    });
    expect(around.code).toBe(0);
    expect(proxy.targets).toHaveLength(1);
  });

  test('is not asked for this very machine when no receiver was named', async () => {
    await using folder = await here();
    const proxy = await startProxy();
    const env = { http_proxy: proxy.host, ALL_PROXY: proxy.host };
    const ended = await wsferry(['send', 'a.txt'], folder.path, { env });
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(proxy.targets).toEqual([]);
  });

  test.each([
    ['wants a password', 'PROXY_REFUSED', 3, 'wants a name and a password', 'NAME:PASSWORD@'],
    ['is not there', 'PROXY_FAILED', 3, 'cannot connect to the proxy 127.0.0.1:9', 'NO_PROXY=far.example'],
    ['is no HTTP proxy', 'BAD_PROXY', 2, 'expected the URL of an HTTP proxy', 'from the environment'],
  ])('that %s: %s, exit %i, and what to do', async (what, code, exitCode, message, hint) => {
    await using folder = await here();
    const places = {
      'wants a password': `http://me:geheim@${(await startProxy('Basic x')).host}`,
      'is not there': 'http://me:geheim@127.0.0.1:9',
      'is no HTTP proxy': 'socks5://me:geheim@127.0.0.1:9',
    };
    const env = { http_proxy: places[what as keyof typeof places] };
    const ended = await wsferry(['send', 'a.txt', '--to', 'ws://far.example', '--json'], folder.path, { env });
    expect(ended.code).toBe(exitCode);
    expect(eventsOf(ended).at(-1)).toMatchObject({
      event: 'error',
      code,
      exitCode,
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    });
    expect(ended.stdout + ended.stderr).not.toContain('geheim');
  });

  test('is named when what lies behind it does not fit', async () => {
    await using folder = await here();
    const proxy = await startProxy();
    const host = await answering('HTTP/1.1 404 Not Found');
    const env = { http_proxy: proxy.host };
    const ended = await wsferry(['send', 'a.txt', '--to', `ws://${host}`], folder.path, { env });
    expect(ended.code).toBe(3);
    expect(ended.stderr).toMatch(new RegExp(`404 Not Found.*through the proxy ${proxy.host}`));
  });
});

describe('at the door', () => {
  test.each([
    [
      'HTTP/1.1 308 Permanent Redirect\r\nLocation: https://me:pw@files.example/up#x',
      'REDIRECTED',
      '--to wss://files.example/up',
    ],
    [
      'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic',
      'UNAUTHORIZED',
      'WSFERRY_URL=ws://NAME:PASSWORD@127.0.0.1',
    ],
    ['HTTP/1.1 503 Service Unavailable', 'BUSY', 'try again later'],
    ['HTTP/1.1 418 Teapot\r\nLocation: /elsewhere', 'NOT_WEBSOCKET', 'check the port'],
  ])('%j: %s, exit 3, and what to do', async (head, code, hint) => {
    await using folder = await here();
    const host = await answering(head);
    const ended = await wsferry(['send', 'a.txt', '--to', `ws://${host}`, '--json'], folder.path);
    expect(ended.code).toBe(3);
    expect(eventsOf(ended).at(-1)).toMatchObject({ event: 'error', code, hint: expect.stringContaining(hint) });
  });

  test('a name and a password in WSFERRY_URL are sent; in --to too, with a warning', async () => {
    await using folder = await here();
    const authorization = `Basic ${Buffer.from('me:geheim').toString('base64')}`;
    const listener = await listen(
      {
        protocols: [SUBPROTOCOL],
        refuse: ({ headers }) =>
          headers.some(([, value]) => value === authorization)
            ? undefined
            : { status: 401, message: 'Who?', headers: [['WWW-Authenticate', 'Basic realm="x"']] },
      },
      (connection) => void openSession(connection, { role: 'acceptor', accept: memoryReceiver().accept }),
    );
    cleanups.push(() => listener.close());
    const url = listener.url.replace('//', '//me:geheim@');
    const quiet = await wsferry(['send', 'a.txt'], folder.path, { env: { WSFERRY_URL: url } });
    expect(quiet).toMatchObject({ code: 0, stderr: '' });
    const shown = await wsferry(['send', 'a.txt', '--to', url], folder.path);
    expect(shown.code).toBe(0);
    expect(shown.stderr).toContain('can be read by others');
    const wrong = await wsferry(['send', 'a.txt', '--to', listener.url], folder.path);
    expect(wrong.code).toBe(3);
    expect(wrong.stderr).toContain('wants a name and a password');
    expect([quiet, shown, wrong].map(({ stdout, stderr }) => stdout + stderr).join()).not.toContain('geheim');
  });
});

describe('a Unix socket', () => {
  test('that is not there: exit 3; one that is no path: exit 2', async () => {
    await using folder = await here();
    const path = join(folder.path, 'none.sock');
    const none = await wsferry(['send', 'a.txt', '--to', `ws+unix:${path}`], folder.path, {
      env: { ALL_PROXY: 'http://127.0.0.1:9' },
    });
    expect(none).toMatchObject({ code: 3, stderr: expect.stringContaining(`nobody listens at ws+unix:${path}`) });
    const relative = await wsferry(['send', 'a.txt', '--to', 'ws+unix:a.sock'], folder.path);
    expect(relative.code).toBe(2);
    const tls = await wsferry(['send', 'a.txt', '--to', `ws+unix:${path}`, '--insecure'], folder.path);
    expect(tls.code).toBe(2);
  });

  test('takes a file', async () => {
    await using folder = await here();
    const socketPath = join(folder.path, 'a.sock');
    const { accept, files } = memoryReceiver();
    const listener = await listen({ protocols: [SUBPROTOCOL], socketPath }, (connection) => {
      openSession(connection, { role: 'acceptor', accept });
    });
    cleanups.push(() => listener.close());
    const ended = await wsferry(['send', 'a.txt', '--to', `ws+unix:${socketPath}`], folder.path);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect([...files.keys()]).toEqual(['a.txt']);
  });
});
