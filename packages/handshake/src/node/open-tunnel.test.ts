import { once } from 'node:events';
import type net from 'node:net';
import { byteByByte } from '@wsferry/testing';
import { describe, expect, test } from 'vitest';
import { cleanups, dial, readAll, scripted } from '../../test/harness.ts';
import { parseRequestHead } from '../index.ts';
import { openTunnel } from './index.ts';

const far = { host: 'far.example', port: 443 };

/** A proxy that reads one request and answers `answer`, all at once. */
async function proxy(answer: string | ((peer: net.Socket) => void)) {
  const requests: string[] = [];
  const { port } = await scripted(async (peer) => {
    const [bytes] = (await once(peer, 'data')) as [Buffer];
    requests.push(bytes.toString('latin1'));
    if (typeof answer === 'string') peer.write(answer, 'latin1');
    else answer(peer);
  });
  return { port, requests };
}

describe('a tunnel', () => {
  test.each([
    ['far.example', 'far.example:443'],
    ['127.0.0.1', '127.0.0.1:443'],
    ['::1', '[::1]:443'],
    ['[2001:db8::1]', '[2001:db8::1]:443'],
  ])('to %s is asked for in authority form, %s', async (host, target) => {
    const { port, requests } = await proxy('HTTP/1.1 200 Connection established\r\n\r\n');
    await openTunnel(dial(port), { host, port: 443 });
    expect(requests).toEqual([`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`]);
    expect(parseRequestHead(Buffer.from(requests[0]!))!.head.method).toBe('CONNECT');
  });

  test('sends Proxy-Authorization when it was given', async () => {
    const { port, requests } = await proxy('HTTP/1.1 200 OK\r\n\r\n');
    await openTunnel(dial(port), { ...far, authorization: 'Basic eDp5' });
    expect(requests[0]).toContain('\r\nProxy-Authorization: Basic eDp5\r\n');
  });

  test.each([
    'HTTP/1.1 200 Connection established\r\n\r\n',
    'HTTP/1.0 200 OK\r\nProxy-agent: x\r\n\r\n',
    'HTTP/1.1 204 No Content\r\n\r\n',
    'HTTP/1.1 299 x\r\nContent-Length: 100\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
  ])('is open after %j, and keeps the bytes behind the head', async (head) => {
    const { port } = await proxy(`${head}early`);
    const { socket, rest, response } = await openTunnel(dial(port), far);
    expect(Buffer.from(rest).toString()).toBe('early');
    expect(Math.floor(response.status / 100)).toBe(2);
    expect(socket.listenerCount('data')).toBe(0);
    expect(socket.isPaused()).toBe(true);
  });

  test('carries both ways, whatever the cuts', async () => {
    const { port } = await proxy(async (peer) => {
      peer.setNoDelay(true);
      for (const byte of byteByByte(Buffer.from('HTTP/1.1 200 OK\r\n\r\n'))) {
        await new Promise((resolve) => peer.write(byte, resolve));
      }
      peer.on('data', (chunk) => peer.end(chunk.toString().toUpperCase()));
    });
    const { socket } = await openTunnel(dial(port), far);
    socket.write('hello');
    socket.resume();
    expect(await readAll(socket)).toBe('HELLO');
  });

  test.each([403, 404, 407, 502, 503, 301, 101])(
    'refused with %i is PROXY_REFUSED with that status',
    async (status) => {
      const { port } = await proxy(`HTTP/1.1 ${status} Nope\r\nProxy-Authenticate: NTLM\r\n\r\n`);
      const socket = dial(port);
      await expect(openTunnel(socket, far)).rejects.toMatchObject({
        code: 'PROXY_REFUSED',
        status,
        response: { status, reason: 'Nope' },
        message: expect.stringContaining('"far.example:443"'),
      });
      expect(socket.destroyed).toBe(true);
    },
  );

  test('refused with 407 says what to do', async () => {
    const { port } = await proxy('HTTP/1.1 407 x\r\nProxy-Authenticate: Basic realm="p"\r\n\r\n');
    const failure = openTunnel(dial(port), { ...far, authorization: 'Basic c2VjcmV0OnB3' });
    await expect(failure).rejects.toThrow(/NAME:PASSWORD@proxy.*Basic realm/);
    await expect(failure).rejects.not.toThrow('c2VjcmV0OnB3');
  });

  test.each([
    ['BAD_STATUS_LINE', 'SSH-2.0-x\r\n'],
    ['BAD_STATUS_LINE', '\x15\x03\x03\x00\x02\x02\x0a'],
    ['BAD_HEADER', 'HTTP/1.1 200 OK\r\nA b\r\n\r\n'],
    ['LINE_TOO_LONG', `HTTP/1.1 200 ${'x'.repeat(9000)}`],
    ['TOO_MANY_HEADERS', `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(101)}`],
    ['HEAD_TOO_LARGE', `HTTP/1.1 200 OK\r\n${`A: ${'x'.repeat(8000)}\r\n`.repeat(3)}`],
  ])('is %s after an answer such as that', async (code, answer) => {
    const { port } = await proxy(answer);
    await expect(openTunnel(dial(port), far)).rejects.toMatchObject({ code });
  });

  test('is given up when its proxy leaves, is not there, says nothing, and when told to', async () => {
    const leaving = await proxy((peer) => void peer.end('HTTP/1.1 200'));
    await expect(openTunnel(dial(leaving.port), far)).rejects.toMatchObject({ code: 'CONNECTION_LOST' });

    const silent = await proxy(() => {});
    const socket = dial(silent.port);
    await expect(openTunnel(socket, { ...far, timeoutMs: 20 })).rejects.toMatchObject({
      code: 'TIMEOUT',
      status: undefined,
    });
    expect(socket.destroyed).toBe(true);

    const controller = new AbortController();
    const result = openTunnel(dial(silent.port), { ...far, signal: controller.signal });
    controller.abort('enough');
    await expect(result).rejects.toMatchObject({ code: 'ABORTED', cause: 'enough' });
  });

  test.each<[string, object]>([
    ['BAD_REQUEST_LINE', { host: 'a b' }],
    ['BAD_REQUEST_LINE', { host: 'a\r\nX: y' }],
    ['BAD_REQUEST_LINE', { host: 'a:1' }],
    ['BAD_REQUEST_LINE', { host: '' }],
    ['BAD_REQUEST_LINE', { host: 'bücher.example' }],
    ['BAD_REQUEST_LINE', { port: 0 }],
    ['BAD_REQUEST_LINE', { port: 65_536 }],
    ['BAD_HEADER', { authorization: 'a\r\nX: y' }],
  ])('is not asked for with %s: %j', async (code, changes) => {
    const { port, requests } = await proxy('');
    const socket = dial(port);
    cleanups.push(() => socket.destroy());
    await expect(openTunnel(socket, { ...far, ...changes })).rejects.toMatchObject({ code });
    expect(requests).toEqual([]);
  });
});
