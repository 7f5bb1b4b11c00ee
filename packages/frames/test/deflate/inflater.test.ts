import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MessageDeflater, MessageInflater } from '../../src/deflate/index.ts';
import { inflateInThreads, inflateNow } from '../../src/deflate/zlib.ts';
import { FrameError } from '../../src/index.ts';
import { anyMessage, bytes, concat, fromHex, noise, parametersFor, prose, toHex, unlimited } from './helpers.ts';

const inflater = (parameters = unlimited) => new MessageInflater({ role: 'server', parameters });
const deflater = (options = {}) => new MessageDeflater({ role: 'client', parameters: unlimited, ...options });
const invalid = expect.objectContaining({ code: 'INVALID_DEFLATE', closeCode: 1007, section: 'RFC 7692 §7.2.2' });
const tooBig = expect.objectContaining({ code: 'TOO_BIG', closeCode: 1009 });
const hello = bytes('Hello');
/** A message that is inflated in threads. */
const large = prose(3_000_000, 1);

describe('the examples of §7.2.3', () => {
  test.each([
    ['7.2.3.1 one block', 'f2 48 cd c9 c9 07 00'],
    ['7.2.3.3 a block without compression', '00 05 00 fa ff 48 65 6c 6c 6f 00'],
    ['7.2.3.4 a block with BFINAL', 'f3 48 cd c9 c9 07 00 00'],
    ['7.2.3.4 a block with BFINAL, without the closing byte', 'f3 48 cd c9 c9 07 00'],
    ['7.2.3.5 two blocks', 'f2 48 05 00 00 00 ff ff ca c9 c9 07 00'],
  ])('%s, and the next message may refer to it', (_, payload) => {
    const one = inflater();
    expect(one.inflate(fromHex(payload), 5)).toEqual(hello);
    // 7.2.3.2
    expect(one.inflate(fromHex('f2 00 11 00 00'), 5)).toEqual(hello);
  });

  test('7.2.3.6 an empty message', () => {
    expect(inflater().inflate(fromHex('00'), 0)).toEqual(new Uint8Array(0));
  });
});

describe('BFINAL', () => {
  test.each([
    ['an empty final stored block of which only the header is sent', '01', ''],
    ['a final stored block', '01 05 00 fa ff 48 65 6c 6c 6f 00', 'Hello'],
    ['two final blocks', 'f3 48 cd c9 c9 07 00 f3 48 cd c9 c9 07 00 00', 'HelloHello'],
    ['a final block, then one that is not', 'f3 48 cd c9 c9 07 00 f2 48 cd c9 c9 07 00', 'HelloHello'],
    ['a second stream that refers to the first', 'f3 48 cd c9 c9 07 00 f2 00 11 00 00', 'HelloHello'],
    ['empty final blocks', '03 00 03 00 01 00 00 ff ff 03 00 00', ''],
  ])('%s', (_, payload, message) => {
    expect(inflater().inflate(fromHex(payload), 10)).toEqual(bytes(message));
  });

  test('as many streams as one likes, small and large, each referring to those before', async () => {
    const anyStream = fc.tuple(anyMessage, fc.nat(9));
    const anyStreams = fc.array(
      fc.oneof({ weight: 4, arbitrary: fc.uint8Array({ maxLength: 9 }).map((m) => [m, 6] as const) }, anyStream),
      {
        maxLength: 40,
      },
    );
    await fc.assert(
      fc.asyncProperty(anyStreams, fc.boolean(), async (streams, closed) => {
        const before = bytes('said before');
        let message = before;
        const payloads: Uint8Array[] = [];
        for (const [part, level] of streams) {
          payloads.push(deflateRawSync(part, { level, dictionary: message.subarray(-32_768) }));
          message = concat(message, part);
        }
        if (closed || streams.length === 0) payloads.push(Uint8Array.of(0));
        const payload = concat(...payloads);
        const said = message.subarray(before.length);
        for (const max of [said.length, said.length - 1]) {
          for (const sync of [true, false]) {
            const one = inflater();
            one.inflateSync(deflater().deflate(before, true), 100);
            if (max < 0) continue;
            const run = async () => (sync ? one.inflateSync(payload, max) : one.inflate(payload, max));
            if (max < said.length) await expect(run()).rejects.toEqual(tooBig);
            else expect(Buffer.compare(await run(), said)).toBe(0);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    ['fixed', '03 00'],
    ['stored', '01 00 00 ff ff'],
    ['stored and not empty', '01 01 00 fe ff 61'],
    ['dynamic', toHex(deflateRawSync(noise(150, 3).map((byte) => byte & 7)))],
  ])('100,000 final blocks (%s) cost a call of zlib each for a few at most', async (_, stream) => {
    const payload = new Uint8Array(Buffer.alloc(100_000 * fromHex(stream).length, fromHex(stream)));
    const one = inflater();
    const inflated = one.inflate(payload, Number.POSITIVE_INFINITY);
    let turns = 0;
    let settled = false;
    const done = Promise.resolve(inflated).finally(() => {
      settled = true;
    });
    while (!settled) {
      await new Promise(setImmediate);
      turns++;
    }
    await done;
    // The event loop has turned meanwhile.
    expect(inflated).toBeInstanceOf(Promise);
    expect(turns).toBeGreaterThan(50);
  });
});

describe('INVALID_DEFLATE', () => {
  test.each([
    ['nothing at all, not even the byte of an empty message', []],
    ['a block of the type that does not exist', [0x06, 0x00]],
    ['a stored block whose length is not its complement', [0x00, 0x05, 0x00, 0xfa, 0xfe, 1, 2, 3, 4, 5, 0]],
    ['a distance to before the beginning', [0xf2, 0x00, 0x11, 0x00, 0x00]],
    ['a tail that was not cut off', [...fromHex('f2 48 cd c9 c9 07 00'), 0, 0, 0xff]],
    ['a stored block whose last four bytes the tail would be', [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48]],
    ['a final stored block whose last four bytes the tail would be', [0x01, 0x05, 0x00, 0xfa, 0xff, 0x48]],
    ['a final stored block whose last nine bytes our tail would be', [0x01, 0x0a, 0x00, 0xf5, 0xff, 0x48]],
    ['a final block whose last byte the tail would be', fromHex('f3 48 cd c9 c9 07')],
  ])('%s', async (_, payload) => {
    const one = inflater();
    expect(() => one.inflate(Uint8Array.from(payload), 1000)).toThrow(invalid);
    expect(() => inflater().inflateSync(Uint8Array.from(payload), 1000)).toThrow(invalid);
    // It stays failed.
    expect(() => one.inflate(fromHex('f2 48 cd c9 c9 07 00'), 1000)).toThrow(invalid);
    expect(() => one.inflateSync(fromHex('f2 48 cd c9 c9 07 00'), 1000)).toThrow(invalid);
  });

  test('a message that only ends as a whole one does is whole, wherever else it is cut', () => {
    for (const level of [0, 1, 6]) {
      const message = concat(prose(150, 4), Uint8Array.of(0, 0, 0xff, 0xff));
      const payload = deflater({ level }).deflate(message, true);
      expect(inflater().inflate(payload, 1000)).toEqual(message);
      // At level 0 the first byte is a block's header, and alone an empty message.
      for (const cut of payload.keys()) {
        if (cut === 1 && level === 0) continue;
        expect(() => inflater().inflate(payload.subarray(0, cut), 1000), `cut at ${cut}`).toThrow(invalid);
      }
    }
  });

  test('in threads', async () => {
    const payload = deflater().deflate(large, true);
    const one = inflater();
    await expect(one.inflate(payload.subarray(0, payload.length - 100), Number.POSITIVE_INFINITY)).rejects.toEqual(
      invalid,
    );
    expect(() => one.inflate(fromHex('00'), 1000)).toThrow(invalid);
  });
});

describe('the bound on the output', () => {
  test.each([1, 5, 255, 256, 257, 16_384, 65_536, 524_288, 524_289, 3_000_000])(
    '%d bytes: exactly so many, and no more',
    async (length) => {
      const payload = deflater().deflate(large.subarray(0, length), true);
      for (const max of [length, length + 1, Number.POSITIVE_INFINITY, 0, length - 1]) {
        const one = inflater();
        const run = async () => one.inflate(payload, max);
        if (max >= length) {
          expect((await run()).length).toBe(length);
          expect(inflater().inflateSync(payload, max).length).toBe(length);
          continue;
        }
        await expect(run()).rejects.toEqual(tooBig);
        expect(() => one.inflate(fromHex('00'), max)).toThrow(tooBig);
        expect(() => inflater().inflateSync(payload, max)).toThrow(tooBig);
      }
    },
  );

  test('a bomb of 1 GiB is given up at the bound', async () => {
    const mebibyte = deflateRawSync(new Uint8Array(1024 * 1024), { finishFlush: 2 });
    const payload = concat(...Array.from({ length: 1024 }, () => mebibyte));
    await expect(inflater().inflate(payload, 1_000_000)).rejects.toEqual(tooBig);
    expect(() => inflater().inflateSync(payload, 1_000_000)).toThrow(tooBig);
  });

  test.each([-1, 1.5, Number.NaN])('%d is a RangeError, and nothing is lost', (max) => {
    const one = inflater();
    expect(() => one.inflate(fromHex('00'), max)).toThrow(RangeError);
    expect(one.inflate(fromHex('f2 48 cd c9 c9 07 00'), 5)).toEqual(hello);
  });
});

test('large messages come as promises and keep the context; a call meanwhile is a RangeError', async () => {
  const one = deflater();
  const other = inflater();
  const first = other.inflate(one.deflate(large, true), Number.POSITIVE_INFINITY);
  expect(first).toBeInstanceOf(Promise);
  expect(() => other.inflate(fromHex('00'), 10)).toThrow(RangeError);
  expect(() => other.inflateSync(fromHex('00'), 10)).toThrow(RangeError);
  expect(Buffer.compare(await first, large)).toBe(0);
  const again = one.deflate(large.subarray(-9000), true);
  expect(again.length).toBeLessThan(200);
  expect(other.inflate(again, 10_000)).toEqual(large.slice(-9000));
});

test('without takeover a message cannot refer to the one before, with a small window only to its end', () => {
  const no = inflater(parametersFor('client', true, 15));
  expect(no.inflate(fromHex('f2 48 cd c9 c9 07 00'), 5)).toEqual(hello);
  expect(() => no.inflate(fromHex('f2 00 11 00 00'), 5)).toThrow(invalid);

  const small = inflater(parametersFor('client', false, 8));
  const message = noise(300, 1);
  small.inflate(deflater().deflate(message, true), 300);
  const far = new MessageDeflater({ role: 'client', parameters: unlimited });
  far.deflate(message, true);
  expect(() => small.inflate(far.deflate(message.subarray(0, 20), true), 300)).toThrow(invalid);
});

test('what is given out holds no more memory than twice its length', async () => {
  const one = deflater();
  const other = inflater();
  for (const length of [10, 1000, 100_000, 1_500_000]) {
    const message = await other.inflate(one.deflate(large.subarray(0, length), true), length);
    expect(message.buffer.byteLength).toBeLessThanOrEqual(message.length * 2);
    expect(message.constructor).toBe(Uint8Array);
  }
});

const anyPayload = fc.oneof(
  fc.uint8Array({ maxLength: 80 }),
  fc
    .tuple(anyMessage, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }), fc.nat())
    .map(([message, changes, cut]) => {
      const payload = new MessageDeflater({ role: 'client', parameters: unlimited }).deflate(message, true);
      for (const [at, byte] of changes) payload[at % payload.length] = byte;
      return cut % 3 === 0 ? payload.subarray(0, cut % payload.length) : payload;
    }),
);

test('any payload is a message or a FrameError, the same in threads and here', async () => {
  const said = (error: unknown) => {
    expect(error).toBeInstanceOf(FrameError);
    return (error as FrameError).code;
  };
  await fc.assert(
    fc.asyncProperty(anyPayload, fc.nat(100_000), fc.boolean(), async (input, maxBytes, bare) => {
      const step = { input, dictionary: hello, maxBytes, bare };
      const here = await (async () => inflateNow(step))().catch(said);
      const there = await inflateInThreads(step).catch(said);
      if (typeof here === 'string' || typeof there === 'string') {
        // Both may be true of one payload.
        if (here !== there) expect([here, there].sort()).toEqual(['INVALID_DEFLATE', 'TOO_BIG']);
      } else {
        expect(there.consumed).toBe(here.consumed);
        expect(Buffer.compare(there.bytes, here.bytes)).toBe(0);
      }
      const whole = await (async () => inflater().inflate(input, maxBytes))().catch(said);
      if (typeof whole !== 'string') expect(whole.length).toBeLessThanOrEqual(maxBytes);
    }),
    { numRuns: 1000 },
  );
});

test.each([7, 16, 8.5, Number.NaN])('%d window bits are a RangeError at once', (bits) => {
  expect(() => inflater({ ...unlimited, clientMaxWindowBits: bits })).toThrow(RangeError);
});
