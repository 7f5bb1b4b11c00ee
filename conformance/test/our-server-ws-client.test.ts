import { once } from 'node:events';
import { type Connection, type Listener, listen } from '@wsferry/connection';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { echo } from '../src/echo-server.ts';
import { deflateVariants } from './deflate-variants.ts';
import { bytes, messages, same } from './messages.ts';

/** `Promise.withResolvers`, which Node 20 does not have. */
function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

describe.each(deflateVariants)('our server and the client of ws, $title', ({ ours, theirs, agreed }) => {
  let listener: Listener;
  let accepted: Promise<Connection>;
  const clients: WebSocket[] = [];

  beforeEach(async () => {
    const { promise, resolve } = withResolvers<Connection>();
    accepted = promise;
    listener = await listen({ protocols: ['second'], maxMessageBytes: 2_000_000, deflate: ours }, (connection) => {
      echo(connection);
      resolve(connection);
    });
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.terminate();
    await listener.close({ timeoutMs: 100 });
  });

  async function open(protocols: string[] = []): Promise<WebSocket> {
    const client = new WebSocket(listener.url, protocols, { perMessageDeflate: theirs });
    clients.push(client);
    await once(client, 'open');
    return client;
  }

  test('agree on compression, or on none', async () => {
    const client = await open();
    expect((await accepted).deflate).toEqual(agreed);
    expect(client.extensions).toBe(agreed ? 'permessage-deflate' : '');
  });

  test('bring every kind and length of message there and back', async () => {
    const client = await open();
    for (const [title, data] of messages) {
      client.send(data);
      const [echoed, isBinary] = await once(client, 'message');
      expect(same(isBinary ? echoed : String(echoed), data), title).toBe(true);
    }
  });

  test('put a fragmented message back together, with a ping between its fragments', async () => {
    const client = await open();
    const ponged = once(client, 'pong');
    const echoed = once(client, 'message');
    client.send('one ', { fin: false });
    client.ping('between');
    client.send('message', { fin: true });
    expect(String((await ponged)[0])).toBe('between');
    expect(String((await echoed)[0])).toBe('one message');
  });

  test('answer the ping of our server', async () => {
    await open();
    expect(await (await accepted).ping()).toBeGreaterThanOrEqual(0);
  });

  test('keep a thousand messages in order', async () => {
    const client = await open();
    const heard: number[] = [];
    const all = new Promise<void>((resolve) => {
      client.on('message', (data) => {
        heard.push(Number(String(data)));
        if (heard.length === 1000) resolve();
      });
    });
    for (let i = 0; i < 1000; i++) client.send(String(i));
    await all;
    expect(heard).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });

  test('agree on a subprotocol', async () => {
    const client = await open(['first', 'second']);
    expect(client.protocol).toBe('second');
    expect((await accepted).protocol).toBe('second');
  });

  test.each([
    [1000, 'done'],
    [1001, ''],
    [3000, 'grüße'],
    [4999, 'x'.repeat(123)],
  ])('close from their side with %i and its reason', async (code, reason) => {
    const client = await open();
    const closed = once(client, 'close');
    client.close(code, reason);
    expect(await (await accepted).closed).toEqual({ code, reason, wasClean: true });
    expect((await closed)[0]).toBe(code);
  });

  test.each([
    [1000, 'bye'],
    [1011, 'broken'],
    [4000, 'own code'],
  ])('close from our side with %i and its reason', async (code, reason) => {
    const client = await open();
    const closed = once(client, 'close');
    await (await accepted).close(code, reason);
    const [theirCode, theirReason] = await closed;
    expect([theirCode, String(theirReason)]).toEqual([code, reason]);
  });

  test('our server going away is 1001', async () => {
    const client = await open();
    const closed = once(client, 'close');
    await listener.close();
    expect((await closed)[0]).toBe(1001);
  });

  test('a message above our limit closes with 1009, text that is no UTF-8 with 1007', async () => {
    const large = await open();
    const tooBig = once(large, 'close');
    large.on('error', () => {});
    large.send(bytes(2_000_001));
    expect((await tooBig)[0]).toBe(1009);
    const client = await open();
    const invalid = once(client, 'close');
    client.send(Buffer.from([0xff, 0xfe]), { binary: false });
    expect((await invalid)[0]).toBe(1007);
  });

  test('a path of somebody else is refused with an HTTP answer that ws understands', async () => {
    const strict = await listen({ path: '/here' }, () => {});
    try {
      const client = new WebSocket(`ws://127.0.0.1:${strict.port}/there`);
      const [error] = await once(client, 'error');
      expect(String(error)).toContain('404');
    } finally {
      await strict.close();
    }
  });
});
