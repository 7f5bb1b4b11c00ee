import { once } from 'node:events';
import type { Listener } from '@wsferry/connection';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { maxMessageBytes, startEchoServer } from '../src/echo-server.ts';
import { bytes, same } from './messages.ts';

let listener: Listener;
let client: WebSocket;

beforeEach(async () => {
  listener = await startEchoServer();
  client = new WebSocket(listener.url, { maxPayload: 0, perMessageDeflate: false });
  await once(client, 'open');
});
afterEach(async () => {
  client.terminate();
  await listener.close({ timeoutMs: 100 });
});

test('the echo server takes and gives a message of 64 MiB, in one frame and in many', async () => {
  const large = bytes(maxMessageBytes);
  client.send(large);
  expect(same((await once(client, 'message'))[0], large)).toBe(true);

  const echoed = once(client, 'message');
  const step = 64 * 1024;
  for (let at = 0; at < large.length; at += step)
    client.send(large.subarray(at, at + step), { binary: true, fin: at + step >= large.length });
  expect(same((await echoed)[0], large)).toBe(true);
});

test('a message of one byte more is refused with 1009', async () => {
  client.on('error', () => {});
  const closed = once(client, 'close');
  client.send(bytes(maxMessageBytes + 1));
  expect((await closed)[0]).toBe(1009);
});

test('a client that sends without reading slows down instead of filling the memory of the server, and gets all in the end', async () => {
  const message = bytes(1_048_576);
  const count = 200;
  client.pause();
  for (let i = 0; i < count; i++) client.send(message);
  let held = 0;
  // As long as the server holds its echoes back, most of what was sent still waits here.
  await expect
    .poll(() => {
      const before = held;
      held = client.bufferedAmount;
      return before > 0 && before === held;
    })
    .toBe(true);
  const [connection] = listener.connections;
  expect(connection?.bufferedAmount).toBeLessThan(8 * message.length);
  expect(held).toBeGreaterThan(100 * message.length);

  let heard = 0;
  const all = new Promise<void>((resolve) => {
    client.on('message', (data) => {
      if (!same(data, message)) throw new Error(`expected message ${heard} unchanged`);
      if (++heard === count) resolve();
    });
  });
  client.resume();
  await all;
});
