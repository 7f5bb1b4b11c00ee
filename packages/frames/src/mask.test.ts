import fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyMask } from './mask.ts';
import { createMaskingKey } from './masking-key.ts';

const KEY = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);

/** §5.3 to the letter. */
function maskByBytes(bytes: Uint8Array, key: Uint8Array, offset: number): Uint8Array {
  return bytes.map((byte, i) => byte ^ key[(offset + i) % 4]!);
}

test('masking equals the byte loop of §5.3 at every length, alignment and offset', () => {
  for (const length of [...Array(80).keys(), 255, 256, 257, 258, 259, 260, 287, 288, 289, 1023, 1024]) {
    for (let alignment = 0; alignment < 8; alignment++) {
      for (const offset of [0, 1, 2, 3, 5, 2 ** 31 + 1, 2 ** 33 + 3]) {
        const around = Uint8Array.from({ length: alignment + length + 5 }, (_, i) => i * 31);
        const expected = Uint8Array.from(around);
        expected.set(maskByBytes(expected.subarray(alignment, alignment + length), KEY, offset), alignment);
        applyMask(around.subarray(alignment, alignment + length), KEY, offset);
        // Also the bytes on either side, which must stay as they were.
        if (Buffer.compare(around, expected) !== 0)
          expect({ length, alignment, offset, around }).toBe('as the byte loop');
      }
    }
  }
});

test('masking any bytes in any parts is masking them whole, and twice is not at all', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 2000 }),
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.nat(2000),
      fc.nat(16),
      (bytes, key, cut, offset) => {
        const whole = Uint8Array.from(bytes);
        applyMask(whole, key, offset);
        expect(whole).toEqual(maskByBytes(bytes, key, offset));
        const parts = Uint8Array.from(bytes);
        const at = Math.min(cut, bytes.length);
        applyMask(parts.subarray(0, at), key, offset);
        applyMask(parts.subarray(at), key, offset + at);
        expect(parts).toEqual(whole);
        applyMask(whole, key, offset);
        expect(whole).toEqual(bytes);
      },
    ),
  );
});

test('a masking key that has not four bytes is the caller’s mistake', () => {
  expect(() => applyMask(new Uint8Array(1), new Uint8Array(3))).toThrow(RangeError);
});

test('masking keys are fresh across refills of the pool, and lead to no others', () => {
  const keys = Array.from({ length: 5000 }, createMaskingKey);
  const before = keys.map((key) => key.join());
  createMaskingKey();
  expect(new Set(before).size).toBeGreaterThan(4990);
  for (const key of keys) expect(key.buffer.byteLength).toBe(4);
  expect(keys.map((key) => key.join())).toEqual(before);
});
