import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { connect as connectTcp, type Socket } from 'node:net';
import { join } from 'node:path';
import { selfSignedCertificate, temporaryDirectory } from '@wsferry/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { connect, type Listener, type ListenOptions, listen } from './index.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close();
});

async function serve(options: ListenOptions): Promise<Listener> {
  const listener = await listen(options, (connection) => void connection.send('hello'));
  open.push({ close: () => listener.close({ timeoutMs: 500 }) });
  return listener;
}

/** A TCP connection that says what it is told and no more. */
async function silentClient(listener: Listener, says = ''): Promise<Socket> {
  const socket = connectTcp(listener.port, '127.0.0.1');
  socket.on('error', () => {}).resume();
  open.push({ close: () => socket.destroy() });
  await once(socket, 'connect');
  if (says) socket.write(says);
  return socket;
}

describe('maxConnections', () => {
  test('one more than that is answered with 503, and served when another has left', async () => {
    const listener = await serve({ maxConnections: 1 });
    const first = await connect(listener.url);
    await expect(connect(listener.url)).rejects.toMatchObject({ code: 'UNEXPECTED_STATUS', status: 503 });
    await first.close();
    const second = await connect(listener.url);
    expect((await second[Symbol.asyncIterator]().next()).value).toBe('hello');
  });

  test("a program's own refusal is asked too", async () => {
    const listener = await serve({ refuse: () => ({ status: 403, message: 'expected somebody else' }) });
    await expect(connect(listener.url)).rejects.toMatchObject({ code: 'UNEXPECTED_STATUS', status: 403 });
  });

  test('counts upgrades that arrive at the http server, too', async () => {
    const http = createHttpServer((_, response) => response.end('page'));
    const listener = await serve({ maxConnections: 1, http });
    await connect(listener.url);
    const socket = await silentClient(listener, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(socket, 'data');
    socket.write(
      'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 503 /);
  });
});

describe('a request that is handed to the http server', () => {
  test.each([
    ['whose body never comes', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc'],
    ['whose successor stops in the middle of its head', 'GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHo'],
  ])('%s is ended by that server’s own timeouts', async (_what, says) => {
    const http = createHttpServer(
      { headersTimeout: 100, requestTimeout: 200, connectionsCheckingInterval: 50, keepAliveTimeout: 60_000 },
      (request, response) => {
        if (request.method === 'GET') response.end('page');
      },
    );
    let listening = 0;
    http.on('listening', () => listening++);
    const listener = await serve({ http });
    const socket = await silentClient(listener, says);
    await once(socket, 'close');
    expect(listening).toBe(0);
  });
});

describe('maxHandshakes', () => {
  test.each([false, true])(
    'cuts the handshake that has taken longest, and serves an honest client (TLS: %s)',
    async (tls) => {
      const certificate = tls ? await selfSignedCertificate() : undefined;
      const listener = await serve({ maxHandshakes: 2, ...(certificate && { tls: certificate }) });
      const oldest = await silentClient(listener, tls ? '' : 'GET /');
      const cut = once(oldest, 'close');
      const second = await silentClient(listener);
      const client = await connect(listener.url, certificate ? { tls: { ca: certificate.cert } } : {});
      await cut;
      expect((await client[Symbol.asyncIterator]().next()).value).toBe('hello');
      expect(second.destroyed).toBe(false);
    },
  );

  test('an open connection takes no place', async () => {
    const listener = await serve({ maxHandshakes: 1 });
    const clients = [await connect(listener.url), await connect(listener.url), await connect(listener.url)];
    for (const client of clients) expect((await client[Symbol.asyncIterator]().next()).value).toBe('hello');
  });
});

describe('socketPath', () => {
  test('listens on a Unix socket, and replaces one that a killed server left behind', async () => {
    const directory = await temporaryDirectory();
    open.push({ close: () => directory.remove() });
    const socketPath = join(directory.path, 'wsferry.sock');
    const first = await serve({ socketPath });
    expect(first).toMatchObject({ url: `ws+unix:${socketPath}`, port: 0, host: '' });
    await expect(listen({ socketPath }, () => {})).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' });
    await first.close();
    await leaveSocketBehind(socketPath);
    expect((await serve({ socketPath })).url).toBe(`ws+unix:${socketPath}`);
  });

  test('leaves a file alone that is no socket: ADDRESS_IN_USE', async () => {
    const directory = await temporaryDirectory();
    open.push({ close: () => directory.remove() });
    const socketPath = join(directory.path, 'notes.txt');
    await writeFile(socketPath, 'precious');
    await expect(listen({ socketPath }, () => {})).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' });
    expect(await readFile(socketPath, 'utf8')).toBe('precious');
  });

  test('its URL is one that connect takes, whatever is in the path', async () => {
    const directory = await temporaryDirectory();
    open.push({ close: () => directory.remove() });
    const listener = await serve({ socketPath: join(directory.path, 'a b:c%d?e#f.sock') });
    const client = await connect(listener.url);
    expect((await client[Symbol.asyncIterator]().next()).value).toBe('hello');
    await client.close();
  });

  test('does not go together with TLS', async () => {
    await expect(listen({ socketPath: 'x', tls: {} }, () => {})).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
  });
});

/** What a kill leaves: a socket file that nobody listens on. Node removes its own when it closes, a child's stays. */
async function leaveSocketBehind(path: string): Promise<void> {
  const { spawn } = await import('node:child_process');
  const script = `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
  await once(spawn(process.execPath, ['-e', script, path]), 'exit');
}
