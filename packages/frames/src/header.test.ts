import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeFrame } from './encode.ts';
import { encodeFrameHeader, type FrameHeader, parseFrameHeader } from './header.ts';

const plain = { fin: true, rsv1: false, rsv2: false, rsv3: false, opcode: 2, maskingKey: undefined };

test.each([
  [0, [0x82, 0]],
  [125, [0x82, 125]],
  [126, [0x82, 126, 0, 126]],
  [65535, [0x82, 126, 0xff, 0xff]],
  [65536, [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]],
  [2 ** 31, [0x82, 127, 0, 0, 0, 0, 0x80, 0, 0, 0]],
  [2 ** 32 + 5, [0x82, 127, 0, 0, 0, 1, 0, 0, 0, 5]],
  [Number.MAX_SAFE_INTEGER, [0x82, 127, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
])('a payload of %d bytes has the shortest form of its length', (payloadLength, bytes) => {
  expect([...encodeFrameHeader({ ...plain, payloadLength })]).toEqual(bytes);
  expect(parseFrameHeader(Uint8Array.from(bytes))).toEqual({
    header: { ...plain, payloadLength },
    byteLength: bytes.length,
  });
});

const anyHeader: fc.Arbitrary<FrameHeader> = fc.record({
  fin: fc.boolean(),
  rsv1: fc.boolean(),
  rsv2: fc.boolean(),
  rsv3: fc.boolean(),
  opcode: fc.nat(15),
  maskingKey: fc.option(fc.uint8Array({ minLength: 4, maxLength: 4 }), { nil: undefined }),
  payloadLength: fc.oneof(fc.nat(130), fc.nat(70000), fc.maxSafeNat()),
});

test('any header goes there and back from any offset, and a part of one consumes nothing', () => {
  fc.assert(
    fc.property(anyHeader, fc.nat(5), (header, offset) => {
      const bytes = encodeFrameHeader(header);
      const placed = new Uint8Array(offset + bytes.length + 3);
      placed.set(bytes, offset);
      expect(parseFrameHeader(placed, offset)).toEqual({ header, byteLength: bytes.length });
      for (let cut = 0; cut < bytes.length; cut++) expect(parseFrameHeader(bytes.subarray(0, cut))).toBeUndefined();
    }),
  );
});

describe('refused lengths', () => {
  test.each([
    ['125 in 16 bits', [0x82, 126, 0, 125], 'LENGTH_NOT_MINIMAL', 1002],
    ['65535 in 64 bits', [0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff], 'LENGTH_NOT_MINIMAL', 1002],
    ['the top bit of 64', [0x82, 127, 0x80, 0, 0, 0, 0, 1, 0, 0], 'LENGTH_TOO_LARGE', 1002],
    ['2^53', [0x82, 127, 0, 0x20, 0, 0, 0, 0, 0, 0], 'TOO_BIG', 1009],
  ])('%s', (_name, bytes, code, closeCode) => {
    expect(() => parseFrameHeader(Uint8Array.from(bytes))).toThrow(expect.objectContaining({ code, closeCode }));
  });
});

test('the caller’s mistakes are RangeErrors', () => {
  expect(() => encodeFrameHeader({ ...plain, payloadLength: 0, opcode: 16 })).toThrow(RangeError);
  expect(() => encodeFrameHeader({ ...plain, payloadLength: -1 })).toThrow(RangeError);
  expect(() => encodeFrameHeader({ ...plain, payloadLength: 2 ** 53 })).toThrow(RangeError);
  expect(() => encodeFrameHeader({ ...plain, payloadLength: 0, maskingKey: new Uint8Array(5) })).toThrow(RangeError);
  expect(() => encodeFrame({ fin: true, opcode: 1, payload: new Uint8Array(0) }, new Uint8Array(0))).toThrow(
    RangeError,
  );
});

test('encoding never touches the caller’s payload', () => {
  for (const length of [5, 300, 70000]) {
    const payload = new Uint8Array(length).fill(7);
    encodeFrame({ fin: true, opcode: 2, payload }, Uint8Array.of(1, 2, 3, 4));
    expect(payload.every((byte) => byte === 7)).toBe(true);
  }
});

test('a control frame that no peer may accept is not encoded', () => {
  expect(() => encodeFrame({ fin: true, opcode: 9, payload: new Uint8Array(126) })).toThrow(
    expect.objectContaining({ code: 'CONTROL_TOO_LONG', closeCode: 1002 }),
  );
  expect(() => encodeFrame({ fin: false, opcode: 8, payload: new Uint8Array(0) })).toThrow(
    expect.objectContaining({ code: 'FRAGMENTED_CONTROL', closeCode: 1002 }),
  );
  expect(encodeFrame({ fin: true, opcode: 10, payload: new Uint8Array(125) })).toHaveLength(127);
});
