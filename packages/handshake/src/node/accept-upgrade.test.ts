import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { accepting, cleanups, dial, goodRequest, readAll, upgraded } from '../../test/harness.ts';
import { parseResponseHead } from '../index.ts';

describe('a server refuses', () => {
  const with_ = (port: number, from: string, to: string) =>
    Buffer.from(goodRequest(port)).toString('latin1').replace(from, to);

  test.each<[number, string, (port: number) => string]>([
    [400, 'BAD_REQUEST_LINE', () => 'GET / HTTP/1.1\nHost: x\n\n'],
    [400, 'BAD_REQUEST_LINE', () => '\x16\x03\x01\x00\n'],
    [400, 'BAD_HEADER', () => 'GET / HTTP/1.1\r\nHost : x\r\n\r\n'],
    [400, 'BAD_HEADER', (port) => with_(port, 'Upgrade: ', 'X: y\r\n Upgrade: ')],
    [400, 'BAD_HEADER', (port) => with_(port, 'Upgrade: ', 'Transfer-Encoding : chunked\r\nUpgrade: ')],
    [400, 'BAD_HEADER', (port) => with_(port, 'Upgrade: ', 'X: a\rTransfer-Encoding: chunked\r\nUpgrade: ')],
    [400, 'BAD_HEADER', (port) => with_(port, 'Upgrade: ', 'X: a\nTransfer-Encoding: chunked\r\nUpgrade: ')],
    [400, 'BODY_NOT_ALLOWED', (port) => with_(port, 'Upgrade: ', 'Transfer-Encoding: chunked\r\nUpgrade: ')],
    [400, 'BODY_NOT_ALLOWED', (port) => with_(port, 'Upgrade: ', 'Content-Length: 44\r\nUpgrade: ')],
    [
      400,
      'BODY_NOT_ALLOWED',
      (port) => with_(port, 'Upgrade: ', 'Content-Length: 0\r\nTransfer-Encoding: chunked\r\nUpgrade: '),
    ],
    [
      400,
      'BODY_NOT_ALLOWED',
      (port) => with_(port, 'Upgrade: ', 'Content-Length: 0\r\nContent-Length: 9\r\nUpgrade: '),
    ],
    [400, 'BAD_HOST', (port) => with_(port, 'Upgrade: ', 'Host: other\r\nUpgrade: ')],
    [400, 'BAD_HTTP_VERSION', (port) => with_(port, 'HTTP/1.1', 'HTTP/1.0')],
    [400, 'BAD_HTTP_VERSION', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    [403, 'ORIGIN_REFUSED', (port) => with_(port, 'Upgrade: ', 'Origin: http://evil.example\r\nUpgrade: ')],
    [404, 'NOT_FOUND', (port) => with_(port, 'GET /', 'GET /other')],
    [405, 'BAD_METHOD', (port) => with_(port, 'GET', 'POST')],
    [426, 'NOT_AN_UPGRADE', (port) => with_(port, 'Upgrade: websocket\r\n', '')],
    [426, 'BAD_VERSION', (port) => with_(port, 'Version: 13', 'Version: 12')],
    [431, 'LINE_TOO_LONG', () => `GET /${'x'.repeat(9000)}`],
    [431, 'TOO_MANY_HEADERS', () => `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(101)}`],
    [431, 'HEAD_TOO_LARGE', () => `GET / HTTP/1.1\r\n${`A: ${'x'.repeat(8000)}\r\n`.repeat(3)}`],
  ])('with %i %s, a complete answer, and ends', async (status, code, request) => {
    const { port, next } = await accepting({ path: '/' });
    const socket = dial(port);
    socket.write(request(port), 'latin1');
    const answer = await readAll(socket);
    expect(await next()).toMatchObject({ code, status });
    const { head, byteLength } = parseResponseHead(Buffer.from(answer, 'latin1'))!;
    const field = (name: string) => head.headers.find(([key]) => key === name)?.[1];
    expect(head.status).toBe(status);
    expect(field('Connection')).toMatch(/^close/);
    expect(Number(field('Content-Length'))).toBe(answer.length - byteLength);
    if (status === 426) expect(field('Sec-WebSocket-Version')).toBe('13');
    if (status === 405) expect(field('Allow')).toBe('GET');
  });

  test('with an answer that a client still sending megabytes can read, and takes what it sends', async () => {
    // No timer fires: the connection ends because everything was read, not because we lost patience.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const { port, next } = await accepting();
      const socket = dial(port);
      const answer = readAll(socket);
      const closed = once(socket, 'close');
      socket.write('POST / HTTP/1.1\r\nHost: x\r\n\r\n');
      for (let i = 0; i < 16; i++) socket.write(Buffer.alloc(1 << 20));
      expect(await answer).toMatch(/^HTTP\/1\.1 405 /);
      expect(await next()).toMatchObject({ code: 'BAD_METHOD' });
      expect(await closed).toEqual([false]);
      expect(socket.bytesWritten).toBeGreaterThan(16 << 20);
    } finally {
      vi.useRealTimers();
    }
  });

  test('with 408 who does not finish a head in time', async () => {
    const { port, next } = await accepting({}, { timeoutMs: 20 });
    const socket = dial(port);
    socket.write('GET / HTTP/1.1\r\nHost');
    expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(await next()).toMatchObject({ code: 'TIMEOUT', status: 408 });
  });

  test('and does not wait for ever for a refused peer to end', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const { port, next, server } = await accepting();
      const connected = once(server, 'connection');
      const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      cleanups.push(() => socket.destroy());
      socket.write('GET / HTTP/1.1\r\n\r\n');
      expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 400 /);
      expect(await next()).toMatchObject({ code: 'BAD_HOST' });
      const [peer] = (await connected) as [net.Socket];
      expect(peer.destroyed).toBe(false);
      vi.advanceTimersByTime(2000);
      expect(peer.destroyed).toBe(true);
    } finally {
      vi.useRealTimers();
    }
  });

  test('with 500 what its own policy fails to judge, and passes the failure on', async () => {
    const failure = new Error('out of order');
    const { port, next } = await accepting({
      path: () => {
        throw failure;
      },
    });
    const socket = dial(port);
    socket.write(goodRequest(port));
    const answer = await readAll(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 500 /);
    expect(answer).not.toContain('out of order');
    expect(await next()).toBe(failure);
  });
});

describe('a client that vanishes', () => {
  const head = goodRequest(1);
  test.each([0, 1, 20, head.length - 1])('after %i bytes is CONNECTION_LOST, by FIN and by RST', async (length) => {
    const { port, next } = await accepting();
    for (const leave of ['end', 'resetAndDestroy'] as const) {
      const socket = dial(port);
      await once(socket, 'connect');
      if (length > 0) await new Promise((resolve) => socket.write(head.subarray(0, length), resolve));
      socket[leave]();
      expect(await next()).toMatchObject({ code: 'CONNECTION_LOST' });
    }
  });

  test.each(['GET / HTTP/1.1\r\n\r\n', Buffer.from(head).toString()])(
    'right behind its head crashes nobody',
    async (text) => {
      const { port, next } = await accepting();
      for (let i = 0; i < 20; i++) {
        const socket = dial(port);
        await once(socket, 'connect');
        socket.write(text, () => socket.resetAndDestroy());
        const outcome = await next();
        if (outcome && 'socket' in outcome) outcome.socket.on('error', () => {}).destroy();
      }
      const socket = dial(port);
      socket.write(goodRequest(port));
      upgraded(await next());
    },
  );
});
