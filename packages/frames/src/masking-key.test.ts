import { afterEach, expect, test, vi } from 'vitest';

afterEach(() => {
  vi.restoreAllMocks();
  vi.resetModules();
});

/** §5.3 "derived from a strong source of entropy", §10.3 "a cryptographically strong random number generator". */
test('every byte of every key is one of crypto.getRandomValues, none is used twice or left out', async () => {
  const given: number[] = [];
  const real = globalThis.crypto.getRandomValues.bind(globalThis.crypto);
  vi.spyOn(globalThis.crypto, 'getRandomValues').mockImplementation((array) => {
    const filled = real(array);
    given.push(...new Uint8Array(filled!.buffer, filled!.byteOffset, filled!.byteLength));
    return filled;
  });
  // A module of its own, which has drawn nothing yet.
  vi.resetModules();
  const { createMaskingKey } = await import('./masking-key.ts');

  const keys = Array.from({ length: 5000 }, () => [...createMaskingKey()]);

  expect(keys.flat()).toEqual(given.slice(0, 20_000));
});

test('a program that fills a key it was given with something else changes no later one', async () => {
  const { createMaskingKey } = await import('./masking-key.ts');
  for (let i = 0; i < 3; i++) createMaskingKey().fill(0);
  const keys = Array.from({ length: 100 }, () => createMaskingKey().join());
  expect(keys.filter((key) => key === '0,0,0,0')).toEqual([]);
});
