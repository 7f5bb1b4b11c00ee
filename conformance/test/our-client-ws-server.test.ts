import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type Connection, connect } from '@wsferry/connection';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { deflateVariants } from './deflate-variants.ts';
import { bytes, messages, same } from './messages.ts';

describe.each(deflateVariants)('our client and the server of ws, $title', ({ ours, theirs, agreed }) => {
  let server: WebSocketServer;
  let url: string;
  let peer: Promise<WebSocket>;

  beforeEach(async () => {
    server = new WebSocketServer({
      host: '127.0.0.1',
      port: 0,
      perMessageDeflate: theirs,
      handleProtocols: (offered) => (offered.has('second') ? 'second' : false),
    });
    peer = once(server, 'connection').then(([socket]) => socket as WebSocket);
    await once(server, 'listening');
    url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });

  afterEach(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });

  /** Our client, and a queue of what it hears. */
  async function open(options = {}): Promise<{ connection: Connection; next(): Promise<string | Uint8Array> }> {
    const connection = await connect(url, { keepalive: false, deflate: ours, ...options });
    const heard = connection[Symbol.asyncIterator]();
    const next = async () => {
      const { done, value } = await heard.next();
      if (done) throw new Error('expected a message, but the connection closed');
      return value;
    };
    return { connection, next };
  }

  test('agree on compression, or on none', async () => {
    const { connection } = await open();
    expect(connection.deflate).toEqual(agreed);
    expect((await peer).extensions).toBe(agreed ? 'permessage-deflate' : '');
    await connection.close();
  });

  test('bring every kind and length of message there and back', async () => {
    const { connection, next } = await open();
    const socket = await peer;
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    for (const [title, data] of messages) {
      connection.send(data);
      expect(same(await next(), data), title).toBe(true);
    }
    await connection.close();
  });

  test('put a fragmented message back together, with a ping between its fragments', async () => {
    const { connection, next } = await open();
    const socket = await peer;
    const ponged = once(socket, 'pong');
    socket.send('one ', { fin: false });
    socket.ping('between');
    socket.send('mes', { fin: false });
    socket.send('sage', { fin: true });
    expect(await next()).toBe('one message');
    expect(String((await ponged)[0])).toBe('between');
    const whole = bytes(200_000);
    for (let at = 0; at < whole.length; at += 1000)
      socket.send(whole.subarray(at, at + 1000), { binary: true, fin: at + 1000 >= whole.length });
    expect(same(await next(), whole)).toBe(true);
    await connection.close();
  });

  test('answer the ping of our client', async () => {
    const { connection } = await open();
    expect(await connection.ping()).toBeGreaterThanOrEqual(0);
    await connection.close();
  });

  test('agree on a subprotocol', async () => {
    const { connection } = await open({ protocols: ['first', 'second'] });
    expect(connection.protocol).toBe('second');
    expect((await peer).protocol).toBe('second');
    await connection.close();
  });

  test.each([
    [1000, 'done'],
    [1001, ''],
    [3000, 'grüße'],
    [4999, 'x'.repeat(123)],
  ])('close from our side with %i and its reason', async (code, reason) => {
    const { connection } = await open();
    const closed = once(await peer, 'close');
    const result = await connection.close(code, reason);
    const [theirCode, theirReason] = await closed;
    expect([theirCode, String(theirReason)]).toEqual([code, reason]);
    expect(result).toMatchObject({ code, wasClean: true });
  });

  test.each([
    [1000, 'bye'],
    [1011, 'broken'],
    [1012, ''],
    [4000, 'own code'],
  ])('close from their side with %i and its reason', async (code, reason) => {
    const { connection } = await open();
    (await peer).close(code, reason);
    expect(await connection.closed).toEqual({ code, reason, wasClean: true });
  });

  test('a close without a status is 1005', async () => {
    const { connection } = await open();
    (await peer).close();
    expect(await connection.closed).toEqual({ code: 1005, reason: '', wasClean: true });
  });

  test('a peer that vanishes is 1006', async () => {
    const { connection } = await open();
    (await peer).terminate();
    expect(await connection.closed).toMatchObject({ code: 1006, wasClean: false });
  });

  test('a message above our limit closes with 1009', async () => {
    const { connection } = await open({ maxMessageBytes: 1000 });
    const socket = await peer;
    const closed = once(socket, 'close');
    socket.send(bytes(1001));
    expect((await closed)[0]).toBe(1009);
    await connection.closed;
  });
});
