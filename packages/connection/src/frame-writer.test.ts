import { type Frame, FrameDecoder, Opcode, type Role } from '@wsferry/frames';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameWriter } from './frame-writer.ts';

type Piece = string | Uint8Array;
const asFrame = (piece: Piece): Frame =>
  typeof piece === 'string'
    ? { fin: true, opcode: Opcode.Text, payload: new TextEncoder().encode(piece) }
    : { fin: true, opcode: Opcode.Binary, payload: piece };

function write(writer: FrameWriter, piece: Piece): void {
  if (typeof piece === 'string') writer.text(piece);
  else writer.frame(asFrame(piece));
}

function decoded(bytes: readonly Uint8Array[], reader: Role): Pick<Frame, 'opcode' | 'payload'>[] {
  const decoder = new FrameDecoder({ role: reader });
  for (const part of bytes) decoder.push(part.slice());
  const frames = [];
  for (let frame = decoder.next(); frame; frame = decoder.next()) {
    frames.push({ opcode: frame.opcode, payload: Uint8Array.from(frame.payload) });
  }
  return frames;
}

const expected = (pieces: readonly Piece[]) => pieces.map(asFrame).map(({ opcode, payload }) => ({ opcode, payload }));

/** Around every length at which a header or a buffer changes, in one-byte, two-byte and three-byte characters. */
const edges = [
  0, 1, 41, 42, 62, 63, 124, 125, 126, 127, 5455, 5456, 5457, 5458, 16_365, 16_370, 16_380, 65_535, 65_536,
];
const edgeTexts = edges.flatMap((length) => ['x', 'ü', '文'].map((one) => one.repeat(length)));

describe.each([
  ['client', 'server'],
  ['server', 'client'],
] as const)('a %s writes', (role, reader) => {
  test('texts of every length as frames with the shortest header', () => {
    for (const text of edgeTexts) {
      const writer = new FrameWriter(role === 'client');
      writer.text(text);
      const { bytes } = writer;
      const output = writer.take();
      expect(output.reduce((sum, part) => sum + part.length, 0)).toBe(bytes);
      expect(decoded(output, reader)).toEqual(expected([text]));
    }
  });

  test('what several connections write in turn stays apart and in order, and is never written again', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom(...edgeTexts),
      fc.constantFrom(15_000, 16_384, 20_000).map((length) => new Uint8Array(length).fill(length)),
    );
    const step = fc.oneof(
      { weight: 9, arbitrary: fc.record({ who: fc.nat(2), piece }) },
      { weight: 2, arbitrary: fc.record({ who: fc.nat(2), piece: fc.constant(undefined) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const connections = [0, 1, 2].map(() => ({
          writer: new FrameWriter(role === 'client'),
          given: [] as Piece[],
          taken: [] as Uint8Array[],
        }));
        for (const { who, piece } of steps) {
          const { writer, given, taken } = connections[who]!;
          if (piece === undefined) taken.push(...writer.take());
          else {
            write(writer, piece);
            given.push(piece);
          }
        }
        for (const { writer, given, taken } of connections) {
          expect(decoded([...taken, ...writer.take()], reader)).toEqual(expected(given));
          expect(writer.bytes).toBe(0);
        }
      }),
    );
  });
});
