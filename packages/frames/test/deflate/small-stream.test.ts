import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Output } from '../../src/deflate/output.ts';
import { readSmallStream } from '../../src/deflate/small-stream.ts';
import { anyMessage, noise, prose } from './helpers.ts';

const strategies = [
  constants.Z_DEFAULT_STRATEGY,
  constants.Z_FILTERED,
  constants.Z_HUFFMAN_ONLY,
  constants.Z_RLE,
  constants.Z_FIXED,
];

function read(stream: Uint8Array, dictionary: Uint8Array, most = Number.POSITIVE_INFINITY) {
  const output = new Output(dictionary);
  const end = readSmallStream(stream, 0, stream.length, output, most);
  return { end, bytes: output.bytes() };
}

test('every stream of zlib is read as zlib reads it, and ends where it ends', () => {
  fc.assert(
    fc.property(
      anyMessage,
      anyMessage,
      fc.nat(9),
      fc.constantFrom(...strategies),
      fc.uint8Array({ maxLength: 5 }),
      (message, dictionary, level, strategy, behind) => {
        const stream = deflateRawSync(message, { level, strategy, ...(dictionary.length > 0 ? { dictionary } : {}) });
        const { end, bytes } = read(Buffer.concat([stream, behind]), dictionary.subarray(-32_768));
        expect(end).toBe(stream.length);
        expect(Buffer.compare(bytes, message)).toBe(0);
        if (message.length > 0) expect(read(stream, dictionary, message.length - 1).end).toBeUndefined();
      },
    ),
  );
});

test('whatever is damaged, cut or random, it agrees with zlib or leaves the verdict to it', () => {
  const damaged = fc
    .tuple(
      fc.nat(400),
      fc.nat(),
      fc.nat(9),
      fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 2 }),
      fc.nat(400),
    )
    .map(([length, seed, level, changes, cut]) => {
      const stream = Uint8Array.from(deflateRawSync(prose(length, seed), { level }));
      for (const [at, byte] of changes) stream[at % stream.length] = byte;
      return stream.subarray(0, Math.max(cut, 3));
    });
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 60 })), (stream) => {
      const { end, bytes } = read(stream, new Uint8Array(0));
      let judged: { buffer: Buffer; engine: { bytesWritten: number } } | undefined;
      try {
        judged = inflateRawSync(stream, { info: true }) as unknown as typeof judged;
      } catch {}
      expect(end).toBe(judged?.engine.bytesWritten);
      if (judged !== undefined) expect(Buffer.compare(bytes, judged.buffer)).toBe(0);
    }),
    { numRuns: 3000 },
  );
});

test('noise is not small', () => {
  expect(read(deflateRawSync(noise(1000, 1)), new Uint8Array(0), 256).end).toBeUndefined();
});
