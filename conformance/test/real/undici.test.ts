import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { type Connection, type Listener, listen } from '@wsferry/connection';
import { CloseEvent, ping, WebSocket, WebSocketStream } from 'undici';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { echo } from '../../src/echo-server.ts';
import { bytes, messages, same } from '../messages.ts';

/** Its events keep what they say in getters, which the runner's comparison does not look at. */
const seen = ({ code, reason, wasClean }: CloseEvent) => ({ code, reason, wasClean });

// It always offers permessage-deflate, inflates what comes and sends uncompressed. It sends no fragments; it has no server.
describe.each([
  { title: 'without deflate', deflate: false, extensions: '' },
  { title: 'with deflate', deflate: { thresholdBytes: 0 }, extensions: 'permessage-deflate' },
  {
    title: 'with deflate, no takeover',
    deflate: { thresholdBytes: 0, serverNoContextTakeover: true, clientNoContextTakeover: true },
    extensions: 'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
  },
])('our server and the client of undici, $title', ({ deflate, extensions }) => {
  let listener: Listener;
  let accepted: Connection;

  beforeEach(async () => {
    listener = await listen({ protocols: ['second'], maxMessageBytes: 2_000_000, deflate }, (connection) => {
      accepted = connection;
      echo(connection);
    });
  });
  afterEach(() => listener.close({ timeoutMs: 100 }));

  async function open(protocols: string[] = []): Promise<WebSocket> {
    const client = new WebSocket(listener.url, protocols);
    client.binaryType = 'arraybuffer';
    await once(client, 'open');
    return client;
  }

  const heard = async (client: WebSocket): Promise<string | Uint8Array> => {
    const [{ data }] = await once(client, 'message');
    return typeof data === 'string' ? data : new Uint8Array(data);
  };

  test('bring every kind and length of message there and back, and agree on subprotocol and extensions', async () => {
    const client = await open(['first', 'second']);
    expect(client.protocol).toBe('second');
    expect(client.extensions).toBe(extensions);
    for (const [title, data] of messages) {
      client.send(data);
      expect(same(await heard(client), data), title).toBe(true);
    }
    client.close();
  });

  test('put back together what our server echoes, a thousand messages in order', async () => {
    const client = await open();
    const all = new Promise<string[]>((resolve) => {
      const got: string[] = [];
      client.addEventListener('message', ({ data }) => got.push(data) === 1000 && resolve(got));
    });
    const sent = Array.from({ length: 1000 }, (_, i) => `message ${i}`);
    for (const message of sent) client.send(message);
    expect(await all).toEqual(sent);
    client.close();
  });

  test('pings go both ways', async () => {
    const client = await open();
    expect(await accepted.ping()).toBeGreaterThanOrEqual(0);
    const pong = new Promise<string>((resolve) => {
      const onPong = (message: unknown) => {
        unsubscribe('undici:websocket:pong', onPong);
        resolve(String((message as { payload: Buffer }).payload));
      };
      subscribe('undici:websocket:pong', onPong);
    });
    ping(client, Buffer.from('are you there'));
    expect(await pong).toBe('are you there');
    client.close();
  });

  test.each([
    [1000, 'done'],
    [3000, 'grüße'],
    [4999, 'x'.repeat(123)],
  ])('close from their side with %i and its reason', async (code, reason) => {
    const client = await open();
    const closed = once(client, 'close');
    client.close(code, reason);
    expect(await accepted.closed).toEqual({ code, reason, wasClean: true });
    // We answer with the code alone: "typically echos the status code" (§5.5.1).
    expect(seen((await closed)[0])).toEqual({ code, reason: '', wasClean: true });
  });

  test.each([
    [1000, 'bye'],
    [1011, 'broken'],
    [4000, 'own code'],
  ])('close from our side with %i and its reason', async (code, reason) => {
    const client = await open();
    const closed = once(client, 'close');
    await accepted.close(code, reason);
    const [event] = await closed;
    expect(event).toBeInstanceOf(CloseEvent);
    expect(seen(event)).toEqual({ code, reason, wasClean: true });
  });

  test('a message above our limit closes with 1009', async () => {
    const client = await open();
    const closed = once(client, 'close');
    client.send(bytes(2_000_001));
    expect(seen((await closed)[0])).toMatchObject({ code: 1009 });
  });

  test('its WebSocketStream reads and writes, and says how it closed', async () => {
    const client = new WebSocketStream(listener.url);
    const { readable, writable } = await client.opened;
    const [reader, writer] = [readable.getReader(), writable.getWriter()];
    for (const [title, data] of messages) {
      await writer.write(data);
      const { value } = await reader.read();
      expect(same(typeof value === 'string' ? value : new Uint8Array(value), data), title).toBe(true);
    }
    client.close({ closeCode: 4000, reason: 'done' });
    expect(await client.closed).toEqual({ closeCode: 4000, reason: '' });
    expect(await accepted.closed).toEqual({ code: 4000, reason: 'done', wasClean: true });
  });

  test('a request that is refused is an error and 1006', async () => {
    const strict = await listen({ path: '/here', deflate }, () => {});
    const client = new WebSocket(`${strict.url}/there`);
    const events: string[] = [];
    client.addEventListener('error', () => events.push('error'));
    const [{ code, wasClean }] = await once(client, 'close');
    expect([...events, code, wasClean]).toEqual(['error', 1006, false]);
    await strict.close();
  });
});
