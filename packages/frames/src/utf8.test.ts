import { byteByByte } from '@wsferry/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeUtf8, Utf8Validator } from './utf8.ts';

function valid(parts: Iterable<Uint8Array>): boolean {
  const validator = new Utf8Validator();
  for (const part of parts) if (!validator.write(part)) return false;
  return validator.complete;
}

/** Bytes near the borders of UTF-8, where random ones seldom come. */
const nearUtf8 = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }).map((text) => new TextEncoder().encode(text)),
      fc.constantFrom(
        ...[
          0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff,
        ].map((byte) => Uint8Array.of(byte)),
      ),
    ),
    { maxLength: 8 },
  )
  .map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])));

test('the validator agrees with a fatal TextDecoder on any bytes, whole and byte by byte', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 40 }), nearUtf8), (bytes) => {
      const expected = decodeUtf8(bytes) !== undefined;
      expect(valid([bytes])).toBe(expected);
      expect(valid(byteByByte(bytes))).toBe(expected);
    }),
    { numRuns: 3000 },
  );
});

test('every sequence of two bytes, and every code point, gets the verdict of TextDecoder', () => {
  for (let pair = 0; pair < 65536; pair++) {
    const bytes = Uint8Array.of(pair >> 8, pair & 0xff);
    if (valid([bytes]) !== (decodeUtf8(bytes) !== undefined)) expect(bytes).toBe('judged as TextDecoder does');
  }
  const encoder = new TextEncoder();
  for (let point = 0; point <= 0x10ffff; point += point < 0x3000 ? 1 : 61) {
    if (point >= 0xd800 && point <= 0xdfff) continue;
    if (!valid([encoder.encode(String.fromCodePoint(point))])) expect(point).toBe('valid');
  }
});

describe('the first impossible byte is refused, not a later one', () => {
  test.each([
    ['a stray continuation byte', [0x80]],
    ['an overlong slash in two bytes', [0xc0]],
    ['an overlong form in three bytes', [0xe0, 0x9f]],
    ['an overlong form in four bytes', [0xf0, 0x8f]],
    ['a surrogate', [0xed, 0xa0]],
    ['above U+10FFFF', [0xf4, 0x90]],
    ['a first byte of no code point', [0xf5]],
    ['ASCII within a code point', [0xe2, 0x82, 0x41]],
  ])('%s', (_name, bytes) => {
    const validator = new Utf8Validator();
    expect(validator.write(Uint8Array.from(bytes.slice(0, -1)))).toBe(true);
    expect(validator.write(Uint8Array.from(bytes.slice(-1)))).toBe(false);
  });
});

test('a code point that is left half is possible, but not complete', () => {
  const validator = new Utf8Validator();
  expect(validator.write(Uint8Array.of(0xe2, 0x82))).toBe(true);
  expect(validator.complete).toBe(false);
  expect(validator.write(Uint8Array.of(0xac))).toBe(true);
  expect(validator.complete).toBe(true);
});
