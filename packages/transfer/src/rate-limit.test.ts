import { FakeClock } from '@wsferry/testing';
import { describe, expect, test } from 'vitest';
import {
  bytesSource,
  limitAccept,
  limitRate,
  limitShelf,
  memoryReceiver,
  memoryShelf,
  openSession,
  pipePair,
  RateLimit,
  safeName,
} from './index.ts';

const chunkBytes = 256 * 1024;

/** Everything that does not wait for the clock has happened. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 50; turns += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Lets time pass in steps that a timer could have. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let step = 0; step < ms; step += 25) {
    clock.advance(25);
    await settled();
  }
}

/** Takes pieces, one after the other, until it is told to stop, and counts the bytes. */
function taker(limit: RateLimit, signal?: AbortSignal) {
  const taken = { bytes: 0 };
  void (async () => {
    for (;;) {
      await limit.take(limit.pieceBytes, signal);
      if (signal?.aborted) return;
      taken.bytes += limit.pieceBytes;
    }
  })();
  return taken;
}

describe('a rate', () => {
  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('is not %d', (rate) => {
    expect(() => new RateLimit(rate)).toThrow(RangeError);
  });

  test.each([1, 1000, 1_000_000, 1_000_000_000])('of %d is kept, and reached', async (rate) => {
    const clock = new FakeClock();
    const taken = taker(new RateLimit(rate, { clock }));
    await pass(clock, 4000);
    // The first piece goes at once.
    expect(taken.bytes).toBeGreaterThanOrEqual(4 * rate);
    expect(taken.bytes).toBeLessThanOrEqual(4.4 * rate + 1);
  });

  test('is shared: nobody has more than a piece more than another', async () => {
    const clock = new FakeClock();
    const limit = new RateLimit(100_000, { clock });
    const takers = Array.from({ length: 5 }, () => taker(limit));
    await pass(clock, 3000);
    const counts = takers.map(({ bytes }) => bytes);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(limit.pieceBytes);
    expect(counts.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(330_000);
  });

  test('is the others’ when somebody leaves while he waits', async () => {
    const clock = new FakeClock();
    const limit = new RateLimit(1000, { clock });
    const leaving = new AbortController();
    const left = taker(limit, leaving.signal);
    const staying = taker(limit);
    await settled();
    leaving.abort();
    await settled();
    const before = left.bytes;
    await pass(clock, 1000);
    expect(left.bytes).toBe(before);
    expect(staying.bytes).toBeGreaterThanOrEqual(1000 - limit.pieceBytes);
  });

  test('that nobody used for a minute is not made up for', async () => {
    const clock = new FakeClock();
    const limit = new RateLimit(1000, { clock });
    await pass(clock, 25);
    clock.advance(60_000);
    const taken = taker(limit);
    await pass(clock, 1000);
    expect(taken.bytes).toBeLessThanOrEqual(1400);
  });

  test('that is lifted holds nobody', async () => {
    const limit = new RateLimit(1, { clock: new FakeClock() });
    await limit.take(1000);
    const waiting = limit.take(1000);
    limit.lift();
    await waiting;
    await limit.take(1_000_000);
  });
});

describe('a source with a rate', () => {
  const bytes = Uint8Array.from({ length: 10_000 }, (_, index) => (index * 7) % 251);

  test('gives the same bytes, proof and digest, no faster than that', async () => {
    const clock = new FakeClock();
    const limit = new RateLimit(1000, { clock });
    const open = await limitRate(bytesSource('a', bytes), limit).open({ start: 4000, chunkBytes, algorithm: 'md5' });
    const plain = await bytesSource('a', bytes).open({ start: 4000, chunkBytes, algorithm: 'md5' });
    expect(open.prefixDigest).toBe(plain.prefixDigest);
    const parts: Uint8Array[] = [];
    const reading = (async () => {
      for (let part = await open.read(); part !== undefined; part = await open.read()) parts.push(part);
    })();
    await pass(clock, 2000);
    expect(Buffer.concat(parts).length).toBeLessThanOrEqual(2400);
    await pass(clock, 4000);
    await reading;
    expect(Buffer.concat(parts)).toEqual(Buffer.from(bytes.subarray(4000)));
    expect(await open.digest()).toBe(await plain.digest());
  });

  test('that is closed does not wait for its turn', async () => {
    const limit = new RateLimit(1, { clock: new FakeClock() });
    const open = await limitRate(bytesSource('a', bytes), limit).open({ start: 0, chunkBytes, algorithm: 'md5' });
    await open.read();
    const waiting = open.read();
    await open.close();
    await waiting;
  });

  test('hands on what is stored', async () => {
    const told: number[] = [];
    const source = bytesSource('a', bytes);
    const telling = {
      ...source,
      open: async (...how: Parameters<typeof source.open>) => ({
        ...(await source.open(...how)),
        stored: (stored: number) => void told.push(stored),
      }),
    };
    const open = await limitRate(telling, new RateLimit(1)).open({ start: 0, chunkBytes, algorithm: 'md5' });
    open.stored?.(5000);
    expect(told).toEqual([5000]);
  });
});

describe('between two sessions', () => {
  const bytes = new Uint8Array(20_000).fill(7);

  test('a receiver with a rate slows its sender: no more is on the way than its window', async () => {
    const clock = new FakeClock();
    const limit = new RateLimit(1000, { clock });
    const { accept, files } = memoryReceiver();
    const [near, far] = pipePair();
    openSession(far, { role: 'acceptor', accept: limitAccept(accept, limit), windowBytes: limit.windowBytes });
    let sent = 0;
    const session = openSession(near, { role: 'opener' });
    const sending = session.sendFile(bytesSource('a', bytes), {
      onProgress: (progress) => {
        sent = progress.sent;
      },
    });
    await pass(clock, 5000);
    expect(sent).toBeGreaterThan(4000);
    expect(sent).toBeLessThanOrEqual(5000 + limit.windowBytes + 500);
    limit.lift();
    await sending;
    expect(files.get('a')).toEqual(bytes);
    await session.close();
  });

  test('what a shelf with a rate gives comes whole', async () => {
    const limit = new RateLimit(1_000_000_000);
    const shelf = limitShelf(memoryShelf({ files: new Map([['a', bytes]]) }), limit);
    const { accept, files } = memoryReceiver();
    const [near, far] = pipePair();
    openSession(far, { role: 'acceptor', shelf });
    const session = openSession(near, { role: 'opener' });
    await session.getFile('a', { accept });
    expect(files.get('a')).toEqual(bytes);
    expect((await shelf.file(safeName('a'), [])).size).toBe(bytes.length);
    await session.close();
  });
});
