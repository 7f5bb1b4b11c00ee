import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MessageDeflater, MessageInflater } from '../../src/deflate/index.ts';
import type { Role } from '../../src/opcode.ts';
import { anyMessage, otherRole, parametersFor, StreamPeer, withoutHot } from './helpers.ts';

const windows = [8, 9, 10, 11, 12, 13, 14, 15];
const agreements = (['client', 'server'] as const).flatMap((sender) =>
  [false, true].flatMap((noTakeover) => windows.map((bits): [Role, boolean, number] => [sender, noTakeover, bits])),
);

/** A message, and how it is sent: in parts, whole, only if it becomes smaller, or uncompressed; streams living on or not. */
const anySending = fc.record({
  hot: fc.boolean(),
  message: anyMessage,
  how: fc.constantFrom('parts', 'whole', 'if smaller', 'uncompressed'),
  cuts: fc.array(fc.nat(5000), { maxLength: 3 }),
});

function cut(message: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [0, ...cuts.filter((place) => place < message.length).sort((a, b) => a - b), message.length];
  return places.slice(1).map((place, i) => message.subarray(places[i], place));
}

describe.each(agreements)('%s compresses, no context takeover %s, window of 2^%d', (sender, noTakeover, bits) => {
  const parameters = parametersFor(sender, noTakeover, bits);

  test('a zlib stream of that window inflates what we compress, and so do we', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anySending, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 9 }),
        async (sendings, level) => {
          const deflater = new MessageDeflater({ role: sender, parameters, level });
          const inflater = new MessageInflater({ role: otherRole(sender), parameters });
          const stream = StreamPeer.inflater(noTakeover, bits);
          for (const { hot, message, how, cuts } of sendings) {
            const here = hot ? <T>(what: () => T) => what() : withoutHot;
            const payload = here(() =>
              how === 'parts'
                ? Buffer.concat(cut(message, cuts).map((part, i, all) => deflater.deflate(part, i === all.length - 1)))
                : how === 'whole'
                  ? deflater.deflate(message, true)
                  : how === 'if smaller'
                    ? deflater.deflateMessage(message)
                    : undefined,
            );
            if (payload === undefined) continue;
            if (how === 'if smaller') expect(payload.length).toBeLessThan(message.length);
            expect(Buffer.compare(await stream.message(payload), message)).toBe(0);
            expect(Buffer.compare(await here(() => inflater.inflate(payload, message.length)), message)).toBe(0);
          }
          stream.close();
          deflater.release();
          inflater.release();
        },
      ),
      { numRuns: 25 },
    );
  });

  test('we inflate what a zlib stream compresses, at once and in threads', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anySending, { minLength: 1, maxLength: 6 }), fc.nat(9), async (sendings, level) => {
        const stream = StreamPeer.deflater(noTakeover, bits, level);
        const one = new MessageInflater({ role: otherRole(sender), parameters });
        const other = new MessageInflater({ role: otherRole(sender), parameters });
        for (const { hot, message, how, cuts } of sendings) {
          const here = hot ? <T>(what: () => T) => what() : withoutHot;
          if (how === 'uncompressed') continue;
          const payload = await stream.message(...cut(message, how === 'parts' ? cuts : []));
          expect(
            Buffer.compare(
              here(() => one.inflateSync(payload, message.length)),
              message,
            ),
          ).toBe(0);
          expect(Buffer.compare(await here(() => other.inflate(payload, Number.POSITIVE_INFINITY)), message)).toBe(0);
        }
        stream.close();
        one.release();
        other.release();
      }),
      { numRuns: 25 },
    );
  });
});
