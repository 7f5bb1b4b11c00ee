import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { FrameDecoder, lentMemory } from '@wsferry/frames';
import { selfSignedCertificate } from '@wsferry/testing';
import { describe, expect, test } from 'vitest';
import { pair } from '../test/network.ts';
import { Connection } from './connection.ts';

const KIB = 1024;
const memory = lentMemory()!;

/** Of each length, the bytes of message number `n`: none is like another. */
function message(n: number): Uint8Array {
  const length = [0, 1, 200, 5 * KIB, 16 * KIB, 17 * KIB, 64 * KIB, 300 * KIB, 1200 * KIB][n % 9]!;
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 4) bytes[at] = n + at / 997;
  return bytes;
}

async function expectMessages(connection: Connection, count: number): Promise<void> {
  let n = 0;
  for await (const bytes of connection) {
    if (Buffer.compare(bytes as Uint8Array, message(n)) !== 0) expect(`message ${n}`).toBe('as it was sent');
    if (++n === count) break;
  }
  expect(n).toBe(count);
}

const tls = await selfSignedCertificate();

describe.each([
  ['TCP', {}, {}],
  ['TLS', { tls }, { tls: { ca: tls.cert } }],
])('over %s', (_, serverOptions, clientOptions) => {
  test.each(['client', 'server'])(
    'what the %s sends to who does not read arrives as it was, beyond all memory that is lent',
    async (who) => {
      const [client, server] = await pair(
        { ...serverOptions, receiveHighWaterMarkBytes: 1 },
        { ...clientOptions, receiveHighWaterMarkBytes: 1 },
      );
      const [from, to] = who === 'client' ? [client, server] : [server, client];
      const count = 90;
      for (let n = 0; n < count; n++) {
        from.send(message(n));
        if (n % 7 === 0) await new Promise(setImmediate);
      }
      // Of 14 MiB some are with the kernel, and what is lent is not enough for the others.
      expect(from.bufferedAmount).toBeGreaterThan(memory.lentBytes);
      await expectMessages(to, count);
      await from.close();
      // Left is at most the slab of the next small frames.
      expect(memory.lentBytes).toBeLessThanOrEqual(64 * KIB);
    },
  );

  test('a connection that breaks gives back what was under way', async () => {
    const [client, server] = await pair({ ...serverOptions, receiveHighWaterMarkBytes: 1 }, clientOptions);
    for (let n = 0; n < 90; n++) client.send(message(n));
    expect(memory.lentBytes).toBeGreaterThan(1024 * KIB);
    client.abort();
    await client.closed;
    server.abort();
    expect(memory.lentBytes).toBeLessThanOrEqual(64 * KIB);
  });

  test('messages that the kernel takes at once are all written in the same place', async () => {
    const [client, server] = await pair(serverOptions, clientOptions);
    for (let n = 0; n < 50; n++) {
      const arrived = new Promise<unknown>((resolve) => {
        server.onMessage = resolve;
      });
      client.send(message(6));
      expect(memory.lentBytes).toBeLessThanOrEqual(2 * 65 * KIB);
      await arrived;
    }
    await client.close();
  });
});

test('a stream that is no TCP socket may keep what it was given', async () => {
  const kept: Uint8Array[] = [];
  const stream = new Duplex({
    read() {},
    write(chunk, _encoding, callback) {
      kept.push(chunk);
      callback();
    },
  });
  Object.assign(stream, { setNoDelay: () => {} });
  const connection = new Connection({
    role: 'server',
    socket: stream as Socket,
    rest: new Uint8Array(0),
    accepted: { protocol: '', extensions: [] },
    url: 'ws://here/',
  });
  for (let n = 0; n < 18; n++) {
    connection.send(message(n));
    await new Promise(setImmediate);
  }
  const decoder = new FrameDecoder({ role: 'client' });
  for (const part of kept) decoder.push(Uint8Array.from(part));
  for (let n = 0; n < 18; n++) expect(Buffer.compare(decoder.next()!.payload, message(n))).toBe(0);
  connection.abort();
});
