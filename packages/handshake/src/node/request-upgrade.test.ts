import { once } from 'node:events';
import type net from 'node:net';
import tls from 'node:tls';
import { byteByByte, selfSignedCertificate } from '@wsferry/testing';
import { describe, expect, test } from 'vitest';
import {
  accepting,
  cleanups,
  dial,
  goodRequest,
  readAll,
  scripted,
  start,
  upgraded,
  urlOf,
} from '../../test/harness.ts';
import { answerRequest, encodeResponseHead, HandshakeError, parseRequestHead } from '../index.ts';
import { requestUpgrade } from './index.ts';

const ourEvents = ['data', 'end', 'close', 'error', 'connect', 'secureConnect'];
const listenerCounts = (socket: net.Socket) => ourEvents.map((event) => socket.listenerCount(event));

describe('a client and a server', () => {
  test('upgrade on TCP: both sockets are paused, nothing of ours stays on them, bytes flow', async () => {
    const { port, next } = await accepting({ protocols: ['b'] });
    const socket = dial(port);
    await once(socket, 'connect');
    const before = listenerCounts(socket);
    const client = await requestUpgrade(socket, { url: urlOf(port), protocols: ['a', 'b'] });
    expect(listenerCounts(socket)).toEqual(before);
    expect(socket.isPaused()).toBe(true);
    const server = upgraded(await next());
    expect(server.socket.isPaused()).toBe(true);
    expect([client.accepted.protocol, server.accepted.protocol]).toEqual(['b', 'b']);
    expect(client.response.status).toBe(101);
    expect(server.request.target).toBe('/');
    expect([client.rest.length, server.rest.length]).toEqual([0, 0]);
    server.socket.end('frames');
    expect(await readAll(client.socket.resume())).toBe('frames');
  });

  test('upgrade on TLS', async () => {
    const { cert, key } = await selfSignedCertificate();
    const { port, next } = await accepting({}, {}, { cert, key });
    const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ca: cert });
    cleanups.push(() => socket.destroy());
    const client = await requestUpgrade(socket, { url: new URL(`wss://localhost:${port}/`) });
    const server = upgraded(await next());
    expect(server.socket).toBeInstanceOf(tls.TLSSocket);
    server.socket.end('frames');
    expect(await readAll(client.socket.resume())).toBe('frames');
  });

  test('a client sends nothing to a TLS server that it does not trust', async () => {
    const { cert, key } = await selfSignedCertificate();
    let received = 0;
    const { server, port } = await start(
      tls.createServer({ cert, key }, (peer) => {
        peer
          .on('error', () => {})
          .on('data', (chunk) => {
            received += chunk.length;
          });
      }),
    );
    const connected = once(server, 'connection');
    const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost' });
    await expect(requestUpgrade(socket, { url: new URL(`wss://localhost:${port}/`) })).rejects.toMatchObject({
      code: 'CONNECTION_LOST',
      cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    });
    expect(socket.destroyed).toBe(true);
    const [peer] = (await connected) as [net.Socket];
    if (!peer.destroyed) await once(peer, 'close');
    expect(received).toBe(0);
  });

  test('bytes behind either head are kept for the frames', async () => {
    const { port, next } = await accepting();
    const socket = dial(port);
    socket.write(Buffer.concat([goodRequest(port), Buffer.from('early')]));
    expect(Buffer.from(upgraded(await next()).rest).toString()).toBe('early');

    const server = await scripted(async (peer) => {
      const [request] = (await once(peer, 'data')) as [Buffer];
      const { response } = answerRequest(parseRequestHead(request)!.head);
      const interim = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n';
      peer.write(Buffer.concat([Buffer.from(interim), encodeResponseHead(response), Buffer.from('early')]));
    });
    const client = await requestUpgrade(dial(server.port), { url: urlOf(server.port) });
    expect(Buffer.from(client.rest).toString()).toBe('early');
  });

  test('a head may come a byte at a time', async () => {
    const { port, next } = await accepting();
    const socket = dial(port).setNoDelay(true);
    for (const byte of byteByByte(goodRequest(port))) {
      await new Promise((resolve) => socket.write(byte, resolve));
    }
    expect(upgraded(await next()).rest.length).toBe(0);

    const server = await scripted(async (peer) => {
      const [request] = (await once(peer.setNoDelay(true), 'data')) as [Buffer];
      const verdict = answerRequest(parseRequestHead(request)!.head);
      for (const byte of byteByByte(Buffer.concat([encodeResponseHead(verdict.response), Buffer.from('x')]))) {
        await new Promise((resolve) => peer.write(byte, resolve));
      }
    });
    const client = await requestUpgrade(dial(server.port), { url: urlOf(server.port) });
    expect(client.response.status).toBe(101);
  });
});

describe('a client', () => {
  test('says which status came, with the whole response head', async () => {
    const { port } = await scripted((peer) => void peer.write('HTTP/1.1 302 Found\r\nLocation: /there\r\n\r\n'));
    const socket = dial(port);
    await expect(requestUpgrade(socket, { url: urlOf(port) })).rejects.toMatchObject({
      code: 'UNEXPECTED_STATUS',
      status: 302,
      response: { status: 302, headers: [['Location', '/there']] },
    });
    expect(socket.destroyed).toBe(true);
  });

  test.each<[string, string, object]>([
    ['something that is not HTTP', 'SSH-2.0-x\r\n', { code: 'BAD_STATUS_LINE' }],
    ['interim answers without end', 'HTTP/1.1 102 x\r\n\r\n'.repeat(11), { code: 'UNEXPECTED_STATUS', status: 102 }],
    ['a head without end', `HTTP/1.1 101 x\r\nA: ${'x'.repeat(9000)}`, { code: 'LINE_TOO_LONG', status: undefined }],
    [
      'a wrong accept key',
      'HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
      { code: 'BAD_ACCEPT' },
    ],
  ])('refuses %s', async (_what, text, error) => {
    const { port } = await scripted((peer) => void peer.write(text));
    await expect(requestUpgrade(dial(port), { url: urlOf(port) })).rejects.toMatchObject(error);
  });

  test('gives up after its timeout, and when told to', async () => {
    const { port } = await scripted(() => {});
    const silent = dial(port);
    await expect(requestUpgrade(silent, { url: urlOf(port), timeoutMs: 20 })).rejects.toMatchObject({
      code: 'TIMEOUT',
      status: undefined,
    });
    expect(silent.destroyed).toBe(true);

    const controller = new AbortController();
    const socket = dial(port);
    const result = requestUpgrade(socket, { url: urlOf(port), signal: controller.signal });
    controller.abort('enough');
    await expect(result).rejects.toMatchObject({ code: 'ABORTED', cause: 'enough' });
    expect(socket.destroyed).toBe(true);
    const late = requestUpgrade(dial(port), { url: urlOf(port), signal: controller.signal });
    await expect(late).rejects.toMatchObject({ code: 'ABORTED' });
  });

  test('reports a server that leaves, and one that is not there', async () => {
    const { port, server } = await scripted((peer) => void peer.resume().end());
    await expect(requestUpgrade(dial(port), { url: urlOf(port) })).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    server.close();
    await once(server, 'close');
    const error = await requestUpgrade(dial(port), { url: urlOf(port) }).catch((error) => error);
    expect(error).toBeInstanceOf(HandshakeError);
    expect(error).toMatchObject({ code: 'CONNECTION_LOST', cause: { code: 'ECONNREFUSED' } });
  });

  test('does not write an offer that is not valid', async () => {
    const socket = dial(1);
    await expect(requestUpgrade(socket, { url: urlOf(1), headers: [['A', 'b\r\nC: d']] })).rejects.toMatchObject({
      code: 'BAD_HEADER',
    });
    expect(socket.destroyed).toBe(true);
  });
});
