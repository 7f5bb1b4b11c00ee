import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { applyMask, copyMasked, maskByWords, wordsOf } from './mask.ts';
import { createMaskKernel } from './mask-kernel.ts';
import { createMaskingKey } from './masking-key.ts';

const KEY = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);

afterEach(() => {
  vi.unstubAllGlobals();
});

/** §5.3 to the letter. */
function maskByBytes(bytes: Uint8Array, key: Uint8Array, offset: number): Uint8Array {
  return bytes.map((byte, i) => byte ^ key[(offset + i) % 4]!);
}

/** Around every length at which another way of masking begins, and what lies around the buffers in which it works. */
const LENGTHS = [
  ...[...Array(150).keys(), 255, 256, 257, 258, 259, 260, 287, 288, 289, 1023, 1024, 1025, 1100],
  ...[65_535, 65_536, 65_537, 65_601, 131_072, 200_001],
];
const OFFSETS = [0, 1, 2, 3, 5, 2 ** 31 + 1, 2 ** 33 + 3];

/** Holds a way of masking against §5.3, and the bytes on either side, which must stay as they were. */
function expectAsByteLoop(mask: (bytes: Uint8Array, key: Uint8Array, offset: number) => void): void {
  for (const length of LENGTHS) {
    const long = length > 2000;
    for (const alignment of long ? [0, 3] : [0, 1, 2, 3, 4, 5, 6, 7]) {
      for (const offset of long ? [2, 2 ** 33 + 3] : OFFSETS) {
        const around = Uint8Array.from({ length: alignment + length + 70 }, (_, i) => i * 31);
        const expected = Uint8Array.from(around);
        expected.set(maskByBytes(expected.subarray(alignment, alignment + length), KEY, offset), alignment);
        mask(around.subarray(alignment, alignment + length), KEY, offset);
        if (Buffer.compare(around, expected) !== 0) expect({ length, alignment, offset }).toBe('as the byte loop');
      }
    }
  }
}

test('masking equals the byte loop of §5.3 at every length, alignment and offset', () => {
  expectAsByteLoop(applyMask);
});

test('so does masking by words', () => {
  expectAsByteLoop((bytes, key, offset) => maskByWords(bytes, wordsOf(bytes), 0, bytes.length, key, offset));
});

test('so does masking on the way into another buffer', () => {
  expectAsByteLoop((bytes, key, offset) => copyMasked(bytes, 0, Uint8Array.from(bytes), key, offset));
});

test('so does the kernel, wherever the bytes lie in its memory', () => {
  const { bytes: memory, xor } = createMaskKernel()!;
  expectAsByteLoop((bytes, key, offset) => {
    const at = bytes.byteOffset + 1000;
    memory.fill(0xa5, at - 64, at + bytes.length + 64);
    memory.set(bytes, at);
    const turned = Array.from({ length: 4 }, (_, i) => key[(offset + i) % 4]!);
    xor(at, at + bytes.length, Buffer.from(turned).readInt32LE());
    for (const around of [memory.subarray(at - 64, at), memory.subarray(at + bytes.length, at + bytes.length + 64)]) {
      expect(around.every((byte) => byte === 0xa5)).toBe(true);
    }
    bytes.set(memory.subarray(at, at + bytes.length));
  });
});

const { WebAssembly: here } = globalThis as unknown as { WebAssembly: object };

test.each([
  ['no WebAssembly', undefined],
  ['a WebAssembly without SIMD, or forbidden', { ...here, Module: () => expect.fail('forbidden') }],
  ['no room for its memory', { ...here, Memory: () => expect.fail('no room') }],
])('where there is %s there is no kernel, and masking goes by words', async (_, there) => {
  vi.resetModules();
  vi.stubGlobal('WebAssembly', there);
  expect(createMaskKernel()).toBeUndefined();
  const { maskKernel } = await import('./mask-kernel.ts');
  const fresh = await import('./mask.ts');
  const { lentMemory } = await import('./lent-memory.ts');
  expect(fresh.applyMask).not.toBe(applyMask);
  expectAsByteLoop(fresh.applyMask);
  expectAsByteLoop((bytes, key, offset) => fresh.copyMasked(bytes, 0, Uint8Array.from(bytes), key, offset));
  expect(maskKernel()).toBeUndefined();
  expect(lentMemory()).toBeUndefined();
});

test('masking any bytes in any parts is masking them whole, and twice is not at all', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 3000 }),
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.nat(3000),
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
