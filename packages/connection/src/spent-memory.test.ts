import { encodeFrame, lentMemory, Opcode, type Role } from '@wsferry/frames';
import { randomSplits } from '@wsferry/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ConnectionEvent, ConnectionProtocol } from './index.ts';
import { freeSpent } from './spent-memory.ts';

const key = Uint8Array.of(1, 2, 3, 4);

describe.each<Role>(['server', 'client'])('%s', (role) => {
  test('what was received stays as it was when spent chunks are used for something else at once', () => {
    const frame = fc.record({
      opcode: fc.constantFrom(Opcode.Binary, Opcode.Text, Opcode.Ping, Opcode.Pong),
      length: fc.integer({ min: 0, max: 125 }),
      times: fc.constantFrom(1, 1, 30),
      fragments: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(
        fc.array(frame, { minLength: 1, maxLength: 6 }),
        fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
        (frames, numbers) => {
          const wire = Buffer.concat(frames.flatMap((each) => encoded(role, each)));
          const chunks = randomSplits(wire, () => numbers.next().value!);
          const overwrite = (chunk: Uint8Array) => chunk.fill(0xff);
          expect(events(new ConnectionProtocol({ role, spent: overwrite }), chunks)).toEqual(
            events(new ConnectionProtocol({ role }), [wire]),
          );
        },
      ),
    );
  });
});

test('a chunk that is all of its memory is freed, a part of one or a small one is not', () => {
  const whole = new Uint8Array(65_536);
  freeSpent(whole);
  expect(whole.buffer.byteLength).toBe(0);
  const part = new Uint8Array(65_536).subarray(1);
  freeSpent(part);
  expect(part.length).toBe(65_535);
  const small = new Uint8Array(100);
  freeSpent(small);
  expect(small.length).toBe(100);
});

test('memory that cannot be taken away is left alone', () => {
  const { buffer } = lentMemory()!.lend(64)!;
  const { byteLength } = buffer;
  freeSpent(new Uint8Array(buffer));
  expect(buffer.byteLength).toBe(byteLength);
  freeSpent(new Uint8Array(new SharedArrayBuffer(65_536)));
});

interface Sent {
  readonly opcode: Opcode;
  readonly length: number;
  /** Data frames are longer than control frames may be. */
  readonly times: number;
  readonly fragments: number;
}

function encoded(role: Role, { opcode, length, times, fragments }: Sent): Uint8Array[] {
  const control = opcode >= Opcode.Close;
  const payload = new Uint8Array(control ? length : length * times).fill(97);
  const count = control ? 1 : fragments;
  const cut = (index: number) => Math.floor((payload.length * index) / count);
  return Array.from({ length: count }, (_, index) =>
    encodeFrame(
      {
        fin: index === count - 1,
        opcode: index === 0 ? opcode : Opcode.Continuation,
        payload: payload.subarray(cut(index), cut(index + 1)),
      },
      role === 'server' ? key : undefined,
    ),
  );
}

function events(machine: ConnectionProtocol, chunks: Iterable<Uint8Array>): ConnectionEvent[] {
  const found: ConnectionEvent[] = [];
  for (const chunk of chunks) {
    machine.receive(Uint8Array.from(chunk));
    for (let event = machine.nextEvent(); event; event = machine.nextEvent()) found.push(event);
  }
  return found;
}
