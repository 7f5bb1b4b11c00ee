import { type Frame, FrameDecoder, lentMemory, Opcode, type Role } from '@wsferry/frames';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Slab } from './frame-memory.ts';
import { FrameWriter } from './frame-writer.ts';
import { reusedMemory } from './reused-memory.ts';

type Piece = string | Uint8Array;
const asFrame = (piece: Piece): Frame =>
  typeof piece === 'string'
    ? { fin: true, opcode: Opcode.Text, payload: new TextEncoder().encode(piece) }
    : { fin: true, opcode: Opcode.Binary, payload: piece };

function write(writer: FrameWriter, piece: Piece): void {
  if (typeof piece === 'string') writer.text(piece);
  else writer.frame(Opcode.Binary, piece);
}

/** Holds what was written against what should be: as frames, and to the byte. */
function expectFrames(bytes: readonly Uint8Array[], reader: Role, pieces: readonly Piece[]): void {
  const decoder = new FrameDecoder({ role: reader });
  for (const part of bytes) decoder.push(part.slice());
  for (const piece of pieces) {
    const { opcode, payload } = asFrame(piece);
    const frame = decoder.next()!;
    expect(frame.opcode).toBe(opcode);
    // toEqual() takes seconds for large ones.
    if (Buffer.compare(frame.payload, payload) !== 0) expect(frame.payload).toEqual(payload);
  }
  expect(decoder.next()).toBeUndefined();
}

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
      expectFrames(output, reader, [text]);
    }
  });

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

  test('what several connections write in turn stays apart and in order, and is never written again', () => {
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
          expectFrames([...taken, ...writer.take()], reader, given);
          expect(writer.bytes).toBe(0);
        }
      }),
    );
  });

  test('in memory that is used again it stays as it is until it is given back, in whatever order', () => {
    const memory = lentMemory()!;
    fc.assert(
      fc.property(fc.array(fc.oneof(step, fc.record({ giveBack: fc.nat(50) })), { maxLength: 60 }), (steps) => {
        const slab = new Slab(reusedMemory);
        const connections = [0, 1, 2].map(() => ({
          writer: new FrameWriter(role === 'client', slab),
          given: [] as Piece[],
          output: [] as Uint8Array[],
        }));
        const taken: { part: Uint8Array; copy: Uint8Array }[] = [];
        const giveBack = (index: number) => {
          const [{ part, copy }] = taken.splice(index % taken.length, 1) as [(typeof taken)[0]];
          expect(Buffer.compare(part, copy)).toBe(0);
          reusedMemory.giveBack(part);
        };
        const take = ({ writer, output }: (typeof connections)[0]) => {
          for (const part of writer.take()) {
            const copy = Uint8Array.from(part);
            taken.push({ part, copy });
            output.push(copy);
          }
        };
        for (const one of steps) {
          if ('giveBack' in one) {
            if (taken.length > 0) giveBack(one.giveBack);
            continue;
          }
          const connection = connections[one.who]!;
          if (one.piece === undefined) take(connection);
          else {
            write(connection.writer, one.piece);
            connection.given.push(one.piece);
          }
        }
        for (const connection of connections) {
          take(connection);
          expectFrames(connection.output, reader, connection.given);
        }
        while (taken.length > 0) giveBack(taken.length - 1);
        // All that is lent now is the slab, which nobody but it holds.
        expect(memory.lentBytes).toBe(slab.bytes.length);
        reusedMemory.giveBack(slab.bytes);
        expect(memory.lentBytes).toBe(0);
      }),
    );
  });

  test('one answer after the other, each written at once, is written into the same few bytes', () => {
    const slab = new Slab(reusedMemory);
    const places = new Set<number>();
    for (let n = 0; n < 1000; n++) {
      const writer = new FrameWriter(role === 'client', slab);
      write(writer, `answer ${n}`);
      const [part] = writer.take() as [Uint8Array];
      places.add(part.byteOffset);
      reusedMemory.giveBack(part);
    }
    expect(places.size).toBe(1);
    reusedMemory.giveBack(slab.bytes);
  });
});
