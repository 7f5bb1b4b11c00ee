import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pair } from '../test/network.ts';
import { becomesFree, isTakenAway, takeAway } from './given-away.ts';
import type { Connection } from './index.ts';
import { keep, messageMemory } from './message-memory.ts';

const KIB = 1024;
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: { Memory: new (size: { initial: number }) => { buffer: ArrayBuffer } };
};

/** Bytes that are all of their ArrayBuffer, each message's like no other's. */
function filled(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 61) bytes[at] = seed + at;
  return bytes;
}

describe('taking bytes away', () => {
  test('detaches their ArrayBuffer, and what was in it is ours alone', () => {
    const bytes = filled(300 * KIB, 1);
    const copy = Uint8Array.from(bytes);
    const ours = takeAway(bytes)!;
    expect(bytes.length).toBe(0);
    expect(isTakenAway(bytes)).toBe(true);
    expect(Buffer.compare(ours, copy)).toBe(0);
    expect([isTakenAway(ours), isTakenAway(new Uint8Array(0))]).toEqual([false, false]);
    // Once: it must not be kept for two.
    expect([becomesFree(ours), becomesFree(ours), becomesFree(copy)]).toEqual([true, false, false]);
  });

  test.each([
    ['a part of an ArrayBuffer', () => new Uint8Array(600 * KIB).subarray(300 * KIB)],
    ['shared memory', () => new Uint8Array(new SharedArrayBuffer(300 * KIB))],
    ['a small Buffer, of which many share one', () => Buffer.from('small')],
    ['memory that cannot be detached', () => new Uint8Array(new WebAssembly.Memory({ initial: 8 }).buffer)],
  ])('leaves %s where it is', (_, make) => {
    const bytes = make();
    const { length } = bytes;
    const ours = takeAway(bytes);
    expect(bytes.length).toBe(length);
    bytes.fill(1);
    if (ours !== undefined) expect(ours.every((byte) => byte === 0)).toBe(true);
  });
});

describe('memory of messages that were given away', () => {
  test('is found again by its length, the last first, and no more is kept than 4 MiB', () => {
    const [first, second, other] = [filled(100, 1), filled(100, 2), filled(50, 3)];
    for (const bytes of [first, second, other]) keep(bytes);
    expect(messageMemory.reuse(100)).toBe(second);
    expect(messageMemory.reuse(100)).toBe(first);
    expect(messageMemory.reuse(100)).toBeUndefined();
    expect(messageMemory.reuse(50)).toBe(other);
    for (let n = 0; n < 10; n++) keep(new Uint8Array(1024 * KIB));
    let kept = 0;
    while (messageMemory.reuse(1024 * KIB) !== undefined) kept++;
    expect(kept).toBe(4);
  });

  test('is new where there is none, and the message’s own', () => {
    expect(messageMemory.allocate(10).buffer.byteLength).toBe(10);
    expect(Object.getPrototypeOf(messageMemory.allocate(10))).toBe(Uint8Array.prototype);
  });
});

describe('send with transfer', () => {
  const next = (connection: Connection) =>
    new Promise<string | Uint8Array>((resolve) => {
      connection.onMessage = resolve;
    });

  test.each(['client', 'server'])('by the %s takes large messages away, and does not send them twice', async (who) => {
    const [client, server] = await pair();
    const [from, to] = who === 'client' ? [client, server] : [server, client];
    const arrived = next(to);
    const bytes = filled(500 * KIB, 7);
    const expected = Uint8Array.from(bytes);
    from.send(bytes, { transfer: true });
    expect(bytes.length).toBe(0);
    expect(() => from.send(bytes)).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }));
    expect(Buffer.compare((await arrived) as Uint8Array, expected)).toBe(0);
  });

  test('counts their bytes as bufferedAmount, and says false above the mark, as for any message', async () => {
    const [, server] = await pair({ highWaterMarkBytes: 600 * KIB }, { receiveHighWaterMarkBytes: 1 });
    while (server.send(filled(500 * KIB, 1), { transfer: true }));
    const before = server.bufferedAmount;
    expect(server.send(filled(500 * KIB, 1), { transfer: true })).toBe(false);
    expect(server.bufferedAmount).toBe(before + 500 * KIB + 10);
    server.abort();
  });

  test('is nothing to texts, nor to what is compressed', async () => {
    const [client, server] = await pair({ deflate: true }, { deflate: true });
    for (const message of ['text', filled(400 * KIB, 3)]) {
      const arrived = next(server);
      client.send(message, { transfer: true });
      const got = await arrived;
      if (typeof got === 'string') expect(got).toBe(message);
      else expect(Buffer.compare(got, filled(400 * KIB, 3))).toBe(0);
    }
  });

  test('keeps texts apart that are sent one after the other, uncompressed where they could be compressed', async () => {
    const [client, server] = await pair({ deflate: true }, { deflate: true });
    const texts = ['a', 'b', 'c'].map((letter) => letter.repeat(16_000) + 'ü'.repeat(300));
    for (const text of texts) server.send(text, { transfer: true, compress: false });
    const messages = client[Symbol.asyncIterator]();
    for (const text of texts) expect((await messages.next()).value === text).toBe(true);
  });

  test('echoes any messages as they were, however many are under way in the same memory', {
    timeout: 30_000,
  }, async () => {
    const [client, server] = await pair();
    server.onMessage = (data) => void server.send(data, { transfer: true });
    const sizes = [10, 15 * KIB, 17 * KIB, 64 * KIB, 65_522, 256 * KIB, 300 * KIB, 1024 * KIB];
    const expected: Uint8Array[] = [];
    const wrong: number[] = [];
    let echoed = 0;
    let allEchoed = () => {};
    client.onMessage = (data) => {
      if (Buffer.compare(data as Uint8Array, expected[echoed]!) !== 0) wrong.push(echoed);
      if (++echoed === expected.length) allEchoed();
    };
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...sizes), { minLength: 1, maxLength: 12 }), async (lengths) => {
        const done = new Promise<void>((resolve) => {
          allEchoed = resolve;
        });
        for (const length of lengths) {
          const message = filled(length, expected.length);
          expected.push(Uint8Array.from(message));
          client.send(message, { transfer: true });
        }
        await done;
        expect(wrong).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });
});
