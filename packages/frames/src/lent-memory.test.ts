import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeFrame, encodeFrameInto, frameByteLength } from './encode.ts';
import { LentMemory, lentMemory } from './lent-memory.ts';
import { applyMask } from './mask.ts';
import { createMaskKernel, LENDABLE_BYTES, SCRATCH_BYTES } from './mask-kernel.ts';
import { Opcode } from './opcode.ts';

const lender = () => new LentMemory(createMaskKernel()!);

/** One kernel's memory for all runs of the property: each leaves it as it was. */
const shared = lender();

test('pieces that are lent never overlap, whatever is lent, held and given back in between', () => {
  const step = fc.oneof(
    fc.record({ lend: fc.oneof(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: LENDABLE_BYTES })) }),
    fc.record({ hold: fc.nat(20), at: fc.nat(100) }),
    fc.record({ giveBack: fc.nat(20), at: fc.nat(100) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let pieces: { bytes: Uint8Array; holders: number }[] = [];
      const pick = (index: number) => pieces[index % pieces.length]!;
      /** Any part of a piece stands for it. */
      const part = ({ bytes }: { bytes: Uint8Array }, at: number) => bytes.subarray(at % bytes.length);
      for (const one of steps) {
        if ('lend' in one) {
          const bytes = shared.lend(one.lend);
          if (bytes === undefined) {
            // Refused at most when less than so much is free in one place.
            expect(one.lend).toBeGreaterThan((LENDABLE_BYTES - shared.lentBytes) / (pieces.length + 1) - 64);
            continue;
          }
          expect(bytes.length).toBe(one.lend);
          expect(bytes.byteOffset).toBeGreaterThanOrEqual(SCRATCH_BYTES);
          pieces.push({ bytes, holders: 1 });
        } else if (pieces.length > 0 && 'hold' in one) {
          const piece = pick(one.hold);
          shared.hold(part(piece, one.at));
          piece.holders++;
        } else if (pieces.length > 0 && 'giveBack' in one) {
          const piece = pick(one.giveBack);
          shared.giveBack(part(piece, one.at));
          piece.holders--;
          pieces = pieces.filter(({ holders }) => holders > 0);
          if (piece.holders === 0) expect(pieces.length === 0 ? shared.lentBytes : 0).toBe(0);
        }
        for (const piece of pieces) expect(shared.holdersOf(part(piece, 3))).toBe(piece.holders);
        const places = pieces.map(({ bytes }) => ({ start: bytes.byteOffset, end: bytes.byteOffset + bytes.length }));
        places.sort((a, b) => a.start - b.start);
        for (const [index, { start }] of places.entries())
          expect(start).toBeGreaterThanOrEqual(places[index - 1]?.end ?? 0);
      }
      for (const { bytes, holders } of pieces) for (let i = 0; i < holders; i++) shared.giveBack(bytes);
      expect(shared.lentBytes).toBe(0);
    }),
  );
});

test('the lowest place that is large enough is lent first, and all of it can be', () => {
  const memory = lender();
  const [first, second, third] = [memory.lend(1000)!, memory.lend(1000)!, memory.lend(1000)!];
  memory.giveBack(first);
  memory.giveBack(second);
  expect(memory.lend(1500)!.byteOffset).toBe(first.byteOffset);
  expect(memory.lend(1000)!.byteOffset).toBeGreaterThan(third.byteOffset);
  expect(lender().lend(LENDABLE_BYTES)).toBeDefined();
  expect(lender().lend(LENDABLE_BYTES + 1)).toBeUndefined();
});

test('other memory is nobody’s concern', () => {
  const memory = lender();
  const mine = Uint8Array.of(1, 2, 3);
  memory.hold(mine);
  memory.giveBack(mine);
  expect(memory.holdersOf(mine)).toBe(0);
});

test('a frame that is encoded in it is the same as anywhere else, and leaves what is around it alone', () => {
  fc.assert(
    fc.property(
      fc.nat(70_000),
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.nat(70),
      fc.nat(9),
      (length, key, at, offset) => {
        const payload = Uint8Array.from({ length }, (_, i) => i * 7);
        const frame = { fin: true, opcode: Opcode.Binary, payload };
        const expected = encodeFrame(frame, key);
        const room = lentMemory()!.lend(frameByteLength(length, true) + 200)!;
        room.fill(0x5a);
        const end = encodeFrameInto(room, at, frame, key);
        expect(Buffer.compare(room.subarray(at, end), expected)).toBe(0);
        expect([...room.subarray(0, at), ...room.subarray(end)].every((byte) => byte === 0x5a)).toBe(true);
        applyMask(room.subarray(at, end), key, offset);
        applyMask(expected, key, offset);
        expect(Buffer.compare(room.subarray(at, end), expected)).toBe(0);
        lentMemory()!.giveBack(room);
      },
    ),
    { numRuns: 50 },
  );
});
