import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameDecoder } from './decoder.ts';
import { encodeFrame, type Frame } from './encode.ts';
import { FrameError } from './errors.ts';
import { fragmentMessage } from './fragment.ts';
import { createMaskingKey } from './masking-key.ts';
import { type Message, MessageAssembler } from './message-assembler.ts';
import { Opcode } from './opcode.ts';

const { Text, Binary, Continuation } = Opcode;
const utf8 = (text: string) => new TextEncoder().encode(text);
const frame = (opcode: Opcode, payload: Uint8Array, fin = true, rsv1 = false): Frame => ({
  fin,
  rsv1,
  opcode,
  payload,
});
const refusal = (code: string, closeCode: number) => expect.objectContaining({ code, closeCode });

test('any message in fragments of any size is put together again', () => {
  const anyMessage = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 200 }), fc.uint8Array({ maxLength: 500 }));
  fc.assert(
    fc.property(fc.array(anyMessage, { maxLength: 4 }), fc.integer({ min: 1, max: 50 }), (messages, fragmentBytes) => {
      const assembler = new MessageAssembler();
      const arrived: Message[] = [];
      for (const message of messages) {
        for (const part of fragmentMessage(message, fragmentBytes)) {
          expect(part.payload.length).toBeLessThanOrEqual(fragmentBytes);
          const whole = assembler.add(part);
          if (whole !== undefined) arrived.push(whole);
        }
      }
      expect(arrived).toEqual(messages);
      expect(assembler.pendingBytes).toBe(0);
    }),
  );
});

test('messages that come masked and in any pieces are gathered right, in whatever memory there is, and show nothing of what was in it', () => {
  const POISON = 0xee;
  const bytes = (maxLength: number) => fc.uint8Array({ maxLength, max: POISON - 1 });
  const anyMessage = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 100 }), bytes(300), bytes(3000));
  const poisoned = (length: number) => new Uint8Array(length).fill(POISON);
  fc.assert(
    fc.property(
      fc.array(anyMessage, { minLength: 1, maxLength: 4 }),
      fc.constantFrom(1, 7, 100, 1500, Number.POSITIVE_INFINITY),
      fc.array(fc.integer({ min: 1, max: 2000 }), { minLength: 1, maxLength: 10 }),
      fc.boolean(),
      (messages, fragmentBytes, cuts, reuses) => {
        const decoder = new FrameDecoder({ role: 'server', pieces: true, masked: true });
        const memory = {
          allocate: poisoned,
          reuse: (length: number) => (reuses ? poisoned(length) : undefined),
        };
        const assembler = new MessageAssembler({ memory });
        const wire = Buffer.concat(
          messages.flatMap((message) =>
            fragmentMessage(message, fragmentBytes).map((part) => encodeFrame(part, createMaskingKey())),
          ),
        );
        const arrived: Message[] = [];
        const chunks = new Set<ArrayBufferLike>();
        for (let at = 0, turn = 0; at < wire.length; turn++) {
          const length = cuts[turn % cuts.length]!;
          const chunk = Uint8Array.from(wire.subarray(at, at + length));
          chunks.add(chunk.buffer);
          decoder.push(chunk);
          at += length;
          for (let piece = decoder.next(); piece !== undefined; piece = decoder.next()) {
            const message = assembler.add(piece);
            if (message !== undefined) arrived.push(message);
          }
        }
        expect(arrived).toEqual(messages);
        for (const message of arrived) {
          if (typeof message === 'string') continue;
          const { buffer, byteOffset, length } = message;
          const around = [new Uint8Array(buffer, 0, byteOffset), new Uint8Array(buffer, byteOffset + length)];
          // What came whole is a view of its chunk, where there are headers, keys and masked data around it: any bytes.
          if (!chunks.has(buffer)) for (const rest of around) expect(rest).not.toContain(POISON);
        }
      },
    ),
  );
});

test('memory that is there is only taken for a message whose length is known, and once an eighth of it has come', () => {
  const asked: number[] = [];
  const memory = {
    allocate: (length: number) => new Uint8Array(length),
    reuse: (length: number) => {
      asked.push(length);
      return new Uint8Array(length);
    },
  };
  const assembler = new MessageAssembler({ memory });
  const piece = { fin: true, opcode: Binary, payload: Uint8Array.of(1), payloadLength: 1_000_000, offset: 0 };
  assembler.add({ ...piece, fin: false, payloadLength: 2 });
  assembler.add({ ...piece, fin: false, payloadLength: 2, offset: 1 });
  expect(asked).toEqual([]);
  expect(assembler.pendingBytes).toBeLessThanOrEqual(256);
  // A peer that declares much and sends little is lent nothing.
  assembler.add({ ...piece, opcode: Continuation });
  expect(asked).toEqual([]);
  expect(assembler.pendingBytes).toBeLessThanOrEqual(256);
  assembler.add({ ...piece, opcode: Continuation, payload: new Uint8Array(150_000), offset: 1 });
  expect(asked).toEqual([1_000_002]);
  expect(assembler.pendingBytes).toBe(1_000_002);
});

test('an empty message is one empty frame, and a whole message is one frame', () => {
  expect(fragmentMessage('', 5)).toEqual([{ fin: true, opcode: Text, payload: new Uint8Array(0) }]);
  expect(fragmentMessage(new Uint8Array(0), 5)).toEqual([{ fin: true, opcode: Binary, payload: new Uint8Array(0) }]);
  expect(fragmentMessage('hello', 5)).toHaveLength(1);
  expect(fragmentMessage('hello', Number.POSITIVE_INFINITY)).toHaveLength(1);
  expect(fragmentMessage('hello', 2).map((part) => part.fin)).toEqual([false, false, true]);
  for (const bad of [0, -1, 1.5, Number.NaN]) expect(() => fragmentMessage('x', bad)).toThrow(RangeError);
});

test('empty fragments are fragments too', () => {
  const assembler = new MessageAssembler();
  expect(assembler.add(frame(Text, utf8(''), false))).toBeUndefined();
  expect(assembler.add(frame(Continuation, utf8('a'), false))).toBeUndefined();
  expect(assembler.add(frame(Continuation, utf8(''), true))).toBe('a');
  expect(assembler.add(frame(Binary, utf8(''), false))).toBeUndefined();
  expect(assembler.add(frame(Continuation, utf8(''), true))).toEqual(new Uint8Array(0));
});

test('an unfragmented binary message is the payload itself; a BOM stays in a text', () => {
  const assembler = new MessageAssembler();
  const payload = new Uint8Array(10);
  expect(assembler.add(frame(Binary, payload))).toBe(payload);
  expect(assembler.add(frame(Text, utf8('\ufeffhi')))).toBe('\ufeffhi');
  for (const part of fragmentMessage('\ufeffhi', 1)) {
    const message = assembler.add(part);
    if (part.fin) expect(message).toBe('\ufeffhi');
  }
});

test('fragments are copied: a later write to the chunk does not change the message', () => {
  const assembler = new MessageAssembler();
  const chunk = Uint8Array.of(1, 2);
  assembler.add(frame(Binary, chunk, false));
  chunk.fill(9);
  expect(assembler.add(frame(Continuation, chunk))).toEqual(Uint8Array.of(1, 2, 9, 9));
});

test('100,000 fragments of one byte retain their bytes, at most doubled', () => {
  const assembler = new MessageAssembler();
  assembler.add(frame(Binary, Uint8Array.of(1), false));
  for (let i = 1; i < 100_000; i++) assembler.add(frame(Continuation, Uint8Array.of(i), false));
  expect(assembler.pendingBytes).toBeLessThanOrEqual(200_000);
  expect(assembler.add(frame(Continuation, new Uint8Array(0)))).toHaveLength(100_000);
  expect(assembler.pendingBytes).toBe(0);
});

describe('refused sequences', () => {
  test.each<[string, Frame[], string, number]>([
    ['a continuation of nothing', [frame(Continuation, utf8('x'))], 'UNEXPECTED_CONTINUATION', 1002],
    [
      'a continuation after the message ended',
      [frame(Text, utf8('x')), frame(Continuation, utf8('y'))],
      'UNEXPECTED_CONTINUATION',
      1002,
    ],
    ['a text within a text', [frame(Text, utf8('x'), false), frame(Text, utf8('y'))], 'EXPECTED_CONTINUATION', 1002],
    [
      'a binary within an empty first fragment',
      [frame(Text, utf8(''), false), frame(Binary, utf8('y'))],
      'EXPECTED_CONTINUATION',
      1002,
    ],
    ['a message above the limit', [frame(Binary, new Uint8Array(11))], 'TOO_BIG', 1009],
    [
      'fragments that together pass the limit',
      [frame(Binary, new Uint8Array(6), false), frame(Continuation, new Uint8Array(5), false)],
      'TOO_BIG',
      1009,
    ],
    ['a text that is not UTF-8', [frame(Text, Uint8Array.of(0xff))], 'INVALID_UTF8', 1007],
    ['a text that ends within a code point', [frame(Text, Uint8Array.of(0xe2, 0x82))], 'INVALID_UTF8', 1007],
    [
      'a fragmented text that ends within a code point',
      [frame(Text, Uint8Array.of(0xe2), false), frame(Continuation, Uint8Array.of(0x82))],
      'INVALID_UTF8',
      1007,
    ],
    ['a first fragment with a surrogate', [frame(Text, Uint8Array.of(0xed, 0xa0), false)], 'INVALID_UTF8', 1007],
    ['RSV1 without an extension', [frame(Text, utf8('x'), true, true)], 'RESERVED_BITS', 1002],
  ])('%s; and it stays refused', (_name, frames, code, closeCode) => {
    const assembler = new MessageAssembler({ maxMessageBytes: 10 });
    const last = frames.pop()!;
    for (const part of frames) assembler.add(part);
    expect(() => assembler.add(last)).toThrow(refusal(code, closeCode));
    expect(() => assembler.add(frame(Text, utf8('ok')))).toThrow(refusal(code, closeCode));
    expect(assembler.pendingBytes).toBe(0);
  });
});

test('exactly the limit is let through, whole and in fragments', () => {
  const assembler = new MessageAssembler({ maxMessageBytes: 10 });
  expect(assembler.add(frame(Binary, new Uint8Array(10)))).toHaveLength(10);
  assembler.add(frame(Binary, new Uint8Array(9), false));
  expect(assembler.add(frame(Continuation, new Uint8Array(1)))).toHaveLength(10);
});

test('a control frame is the caller’s mistake, and harms no message', () => {
  const assembler = new MessageAssembler();
  assembler.add(frame(Text, utf8('a'), false));
  expect(() => assembler.add(frame(Opcode.Ping, utf8('')))).toThrow(RangeError);
  expect(assembler.add(frame(Continuation, utf8('b')))).toBe('ab');
});

test('in pieces, a wrong byte and a limit are found in the middle of a frame', () => {
  const decoder = new FrameDecoder({ role: 'client', pieces: true });
  const assembler = new MessageAssembler();
  const bytes = encodeFrame(frame(Text, new Uint8Array(1000).fill(0xff)));
  decoder.push(bytes.slice(0, 5));
  expect(() => assembler.add(decoder.next()!)).toThrow(refusal('INVALID_UTF8', 1007));

  const tight = new MessageAssembler({ maxMessageBytes: 999 });
  const other = new FrameDecoder({ role: 'client', pieces: true });
  other.push(bytes.slice(0, 5));
  // On the declared size: one byte of the payload is here.
  expect(() => tight.add(other.next()!)).toThrow(refusal('TOO_BIG', 1009));
});

test('in pieces, a header alone shows a continuation of nothing, a new message within one, and a limit', () => {
  const judge = (header: number[], before: Frame[] = []) => {
    const decoder = new FrameDecoder({ role: 'client', pieces: true });
    const assembler = new MessageAssembler({ maxMessageBytes: 100 });
    for (const part of before) assembler.add(part);
    decoder.push(Uint8Array.from(header));
    return () => assembler.add(decoder.next()!);
  };
  expect(judge([0x80, 5])).toThrow(refusal('UNEXPECTED_CONTINUATION', 1002));
  expect(judge([0x81, 5], [frame(Text, utf8('x'), false)])).toThrow(refusal('EXPECTED_CONTINUATION', 1002));
  expect(judge([0x82, 101])).toThrow(refusal('TOO_BIG', 1009));
  expect(judge([0x80, 100], [frame(Text, utf8('x'), false)])).toThrow(refusal('TOO_BIG', 1009));
});

test('any messages through encoder, decoder and assembler are the same whole, in pieces, and however they are cut', () => {
  const anyMessage = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 100 }), fc.uint8Array({ maxLength: 300 }));
  fc.assert(
    fc.property(
      fc.array(anyMessage, { maxLength: 4 }),
      fc.integer({ min: 1, max: 200 }),
      fc.nat(60),
      (messages, size, cut) => {
        const key = Uint8Array.of(size, cut, 3, 4);
        const frames = messages.flatMap((message) => fragmentMessage(message, size));
        const bytes = Buffer.concat(frames.map((part) => encodeFrame(part, key)));
        for (const pieces of [false, true]) {
          const decoder = new FrameDecoder({ role: 'server', pieces });
          const assembler = new MessageAssembler();
          const arrived: Message[] = [];
          for (let at = 0; at < bytes.length; at += cut + 1) {
            decoder.push(Uint8Array.from(bytes.subarray(at, at + cut + 1)));
            for (let part = decoder.next(); part !== undefined; part = decoder.next()) {
              const message = assembler.add(part);
              if (message !== undefined) arrived.push(message);
            }
          }
          expect(arrived).toEqual(messages);
        }
      },
    ),
  );
});

test('the inflate hook gets a compressed message whole, with the limit, and its text is validated after it', () => {
  const calls: Array<[number, number]> = [];
  const inflate = (bytes: Uint8Array, maxBytes: number) => {
    calls.push([bytes.length, maxBytes]);
    return bytes.map((byte) => byte ^ 0xff);
  };
  const assembler = new MessageAssembler({ maxMessageBytes: 10, inflate });
  const hidden = utf8('hi').map((byte) => byte ^ 0xff);
  expect(assembler.add(frame(Text, hidden, true, true))).toBe('hi');
  assembler.add(frame(Text, hidden, false, true));
  expect(assembler.add(frame(Continuation, hidden))).toBe('hihi');
  expect(assembler.add(frame(Text, utf8('plain')))).toBe('plain');
  expect(calls).toEqual([
    [2, 10],
    [4, 10],
  ]);
  expect(() => assembler.add(frame(Text, Uint8Array.of(0x00), true, true))).toThrow(refusal('INVALID_UTF8', 1007));
});

test('what inflate throws reaches the caller as it is', () => {
  const inflate = () => {
    throw new FrameError('TOO_BIG', 'expected less');
  };
  const assembler = new MessageAssembler({ inflate });
  expect(() => assembler.add(frame(Binary, utf8('x'), true, true))).toThrow(refusal('TOO_BIG', 1009));
});

test.each([-1, 1.5, Number.NaN])('a limit of %d bytes is the caller’s mistake', (maxMessageBytes) => {
  expect(() => new MessageAssembler({ maxMessageBytes })).toThrow(RangeError);
});
