import { constants, createDeflateRaw, createInflateRaw, type DeflateRaw } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hotDeflaters } from '../../src/deflate/deflater.ts';
import { HotStreams } from '../../src/deflate/hot-streams.ts';
import { MessageDeflater, MessageInflater } from '../../src/deflate/index.ts';
import { createHotInflater, inflateHot } from '../../src/deflate/inflate-hot.ts';
import { hotInflaters } from '../../src/deflate/inflater.ts';
import { SyncStream, syncStreamsWork, tryOut } from '../../src/deflate/sync-stream.ts';
import {
  bytes,
  concat,
  fromHex,
  noise,
  parametersFor,
  prose,
  StreamPeer,
  toHex,
  unlimited,
  withoutHot,
} from './helpers.ts';

const NOTHING = new Uint8Array(0);
const deflater = (options = {}) => new MessageDeflater({ role: 'client', parameters: unlimited, ...options });
const inflater = (options = {}) => new MessageInflater({ role: 'server', parameters: unlimited, ...options });
const syncStream = () => new SyncStream(createDeflateRaw());

describe('the internals of node:zlib', () => {
  test('are there, and do what is expected of them', () => {
    expect(syncStreamsWork()).toBe(true);
  });

  const fake = (writeSync: unknown, state: unknown = new Uint32Array(2)) =>
    Object.assign(createDeflateRaw(), { _handle: writeSync && { writeSync, close() {} }, _writeState: state });
  const real = (stream: DeflateRaw, calls: number) => {
    const { _handle, _writeState } = createDeflateRaw() as unknown as Record<
      string,
      { writeSync(...a: unknown[]): void }
    >;
    const writeSync = (...all: unknown[]) => calls-- > 0 && _handle!.writeSync(...all);
    return Object.assign(stream, { _handle: { writeSync, close() {} }, _writeState });
  };

  test.each([
    ['are gone', () => fake(undefined)],
    ['have no state', () => fake(() => {}, undefined)],
    ['do nothing', () => fake(() => {})],
    [
      'throw',
      () =>
        fake(() => {
          throw new Error('gone');
        }),
    ],
    ['work once', () => real(createDeflateRaw(), 1)],
  ])('that %s are not used', (_, make) => {
    expect(tryOut(new SyncStream(make()), new SyncStream(createInflateRaw()))).toBe(false);
    expect(tryOut(syncStream(), new SyncStream(make()))).toBe(false);
  });

  test('zlib refuses: write says so, the stream is closed, and nobody hears of an error', async () => {
    const stream = new SyncStream(createInflateRaw());
    expect(stream.write(constants.Z_SYNC_FLUSH, Uint8Array.of(6), 0, 1, new Uint8Array(9), 0, 9)).toBe(false);
    expect(stream.closed).toBe(true);
    expect(stream.write(constants.Z_SYNC_FLUSH, Uint8Array.of(3, 0), 0, 2, new Uint8Array(9), 0, 9)).toBe(false);
    await new Promise(setImmediate);
  });
});

describe('places for streams that live on', () => {
  test('are as many as were said; whoever has one keeps it while it is used', () => {
    const places = new HotStreams(2, 3);
    const [one, other] = [syncStream(), syncStream()];
    for (const stream of [one, other]) {
      expect(places.makeRoom()).toBe(true);
      places.used(stream);
    }
    for (let i = 0; i < 10; i++) {
      expect(places.makeRoom()).toBe(false);
      places.used(one);
      places.used(other);
    }
    expect([one.closed, other.closed, places.size]).toEqual([false, false, 2]);
    places.drop(one);
    expect(one.closed).toBe(true);
    expect(places.makeRoom()).toBe(true);
  });

  test('one that was not used for long gives way, the one used longest ago first', () => {
    const places = new HotStreams(3, 3);
    const [first, second, busy] = [syncStream(), syncStream(), syncStream()];
    for (const stream of [first, second, busy]) places.used(stream);
    places.used(first);
    for (let i = 0; i < 2; i++) places.used(busy);
    expect(places.makeRoom()).toBe(true);
    expect([first.closed, second.closed, busy.closed]).toEqual([false, true, false]);
  });
});

describe('a connection', () => {
  test('has a stream of its own each way, gives both back, and goes on as if it had not', () => {
    const [from, to] = [deflater(), inflater()];
    const message = prose(2000, 1);
    to.inflate(from.deflateMessage(message)!, 2000);
    const places = [hotDeflaters.size, hotInflaters.size];
    from.release();
    to.release();
    from.release();
    expect([hotDeflaters.size, hotInflaters.size]).toEqual(places.map((size) => size - 1));
    const again = from.deflateMessage(message)!;
    expect(again.length).toBeLessThan(50);
    expect(to.inflate(again, 2000)).toEqual(message);
  });

  test('goes on when its streams were closed for others', () => {
    const [from, to] = [deflater(), inflater()];
    const message = prose(2000, 2);
    for (let i = 0; i < 3; i++) {
      const payload = from.deflateMessage(message)!;
      if (i > 0) expect(payload.length).toBeLessThan(50);
      expect(to.inflate(payload, 2000)).toEqual(message);
      withoutHot(() => {
        for (let n = 0; n < 3; n++) expect(to.inflate(from.deflateMessage(message)!, 2000)).toEqual(message);
      });
    }
  });

  test('owns what it is given, unless it says lend', () => {
    const [from, to] = [deflater(), inflater()];
    const messages = [prose(3000, 4), noise(30_000, 5), prose(5000, 5), prose(500, 6)];
    const payloads = messages.map((message) => from.deflate(message, true));
    const inflated = payloads.map((payload) => to.inflate(payload, 30_000));
    expect(inflated).toEqual(messages);
    const [other, another] = [deflater(), inflater()];
    for (const message of [messages[0]!, messages[2]!, messages[3]!]) {
      const lent = other.deflateMessage(message, { lend: true })!;
      expect(another.inflate(lent, 5000, { lend: true })).toEqual(message);
    }
  });

  test('has none while its messages are large', () => {
    const [from, to] = [deflater(), inflater()];
    const [small, large] = [prose(2000, 7), concat(noise(20_000, 8), prose(20_000, 8))];
    to.inflate(from.deflateMessage(small)!, 2000);
    const places = [hotDeflaters.size, hotInflaters.size];
    expect(to.inflate(from.deflateMessage(large)!, 40_000)).toEqual(large);
    expect([hotDeflaters.size, hotInflaters.size]).toEqual(places.map((size) => size - 1));
    expect(to.inflate(from.deflateMessage(small)!, 2000)).toEqual(small);
    expect([hotDeflaters.size, hotInflaters.size]).toEqual(places);
  });

  test('that sends what does not compress does not take places from others', () => {
    const from = deflater();
    const size = hotDeflaters.size;
    for (let i = 0; i < 5; i++) expect(from.deflateMessage(noise(2000, i + 1))).toBeUndefined();
    expect(hotDeflaters.size).toBe(size);
  });

  test('that fails has none', () => {
    const to = inflater();
    to.inflate(fromHex('f2 48 cd c9 c9 07 00'), 5);
    const size = hotInflaters.size;
    expect(() => to.inflate(fromHex('06 00'), 5)).toThrow();
    expect(hotInflaters.size).toBe(size - 1);
  });

  test('forgets with no takeover, also what came in several parts', () => {
    const parameters = parametersFor('client', true, 15);
    const [from, to] = [deflater({ parameters }), inflater({ parameters })];
    const part = noise(500, 3);
    for (let i = 0; i < 3; i++) {
      const first = from.deflate(part, false);
      expect(first.length).toBeGreaterThan(500);
      const payload = concat(first, from.deflate(part, true));
      expect(payload.length).toBeLessThan(550);
      expect(to.inflate(payload, 1000)).toEqual(concat(part, part));
      expect(inflater({ parameters }).inflate(payload, 1000)).toEqual(concat(part, part));
    }
  });
});

/** Payloads whole, cut, changed and made up, with messages before them that they may refer to. */
const anyDialogue = fc.array(
  fc.record({
    message: fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.tuple(fc.nat(3000), fc.nat()).map(([length, seed]) => prose(length, seed)),
      fc.tuple(fc.nat(600), fc.nat()).map(([length, seed]) => noise(length, seed)),
    ),
    level: fc.nat(9),
    flush: fc.constantFrom(constants.Z_SYNC_FLUSH, constants.Z_FULL_FLUSH, constants.Z_FINISH),
    room: fc.integer({ min: -2, max: 1000 }),
    changes: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 2 }),
    cut: fc.nat(),
  }),
  { minLength: 1, maxLength: 6 },
);

describe('inflating with a stream that lives on', () => {
  test.each([8, 9, 12, 15])('reads whatever a zlib stream with a window of 2^%d sends, each message', async (bits) => {
    const message = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.tuple(fc.nat(15_000), fc.nat()).map(([length, seed]) => prose(length, seed)),
      fc.tuple(fc.nat(9000), fc.nat()).map(([length, seed]) => noise(length, seed)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 5 }), fc.nat(9), async (messages, level) => {
        const peer = StreamPeer.deflater(false, bits, level);
        const stream = createHotInflater(bits, NOTHING);
        for (const message of messages) {
          const inflated = inflateHot(stream, await peer.message(message), message.length);
          expect(inflated && Buffer.compare(inflated, message)).toBe(0);
        }
        peer.close();
        stream.close();
      }),
    );
  });

  test('gives what is given without it, or leaves the verdict to that', () => {
    let certain = 0;
    fc.assert(
      fc.property(anyDialogue, (dialogue) => {
        const one = inflater();
        let before = bytes('said before, said before');
        withoutHot(() => one.inflateSync(deflater().deflate(before, true), 100));
        const stream = createHotInflater(15, before);
        for (const { message, level, flush, room, changes, cut } of dialogue) {
          const deflated = deflateAfter(before, message, level, flush);
          const payload = flush === constants.Z_FINISH ? deflated : deflated.subarray(0, -4);
          if (cut % 4 === 0) for (const [at, byte] of changes) payload[at % payload.length] = byte;
          const sent = cut % 3 === 0 ? payload.subarray(0, cut % payload.length) : payload;
          const max = Math.max(0, message.length + room);
          const view = inflateHot(stream, sent, max);
          const hot = view && new Uint8Array(view);
          let cold: Uint8Array | undefined;
          try {
            cold = withoutHot(() => one.inflateSync(sent, max));
          } catch {
            cold = undefined;
          }
          if (hot === undefined) break;
          certain++;
          expect(cold && Buffer.compare(hot, cold)).toBe(0);
          before = concat(before, hot).subarray(-32_768);
        }
        stream.close();
      }),
      { numRuns: 500 },
    );
    expect(certain).toBeGreaterThan(50);
  });

  test.each([
    ['a stored block whose last four bytes the tail would be', [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48]],
    ['a stored block that takes the tail and more', [0x00, 0x09, 0x00, 0xf6, 0xff, 0x48]],
    ['a block that ends in the tail', fromHex('f2 48 cd c9 c9 07')],
    ['a final block', fromHex('f3 48 cd c9 c9 07 00 00')],
    ['more blocks than a message has', fromHex(`${'02 08 20 80 00 '.repeat(4)}00`)],
    ['nothing', []],
  ])('is not certain of %s', (_, payload) => {
    const stream = createHotInflater(15, NOTHING);
    expect(inflateHot(stream, Uint8Array.from(payload), 1000)).toBeUndefined();
    stream.close();
  });

  test('is certain of exactly as many bytes as there may be', () => {
    for (const max of [4, 5, 6]) {
      const stream = createHotInflater(15, NOTHING);
      const inflated = inflateHot(stream, fromHex('f2 48 cd c9 c9 07 00'), max);
      expect(inflated && toHex(inflated)).toBe(max < 5 ? undefined : toHex(bytes('Hello')));
      stream.close();
    }
  });
});

function deflateAfter(before: Uint8Array, message: Uint8Array, level: number, flush: number): Uint8Array {
  const stream = new SyncStream(createDeflateRaw({ level, dictionary: before }));
  const output = new Uint8Array(message.length + 1024);
  stream.write(flush, message, 0, message.length, output, 0, output.length);
  const length = output.length - stream.outputLeft;
  stream.close();
  return output.slice(0, length);
}
