import { expect, test } from 'vitest';
import { eachConcurrently } from './each-concurrently.ts';

const KIB = 1024;

/** Begins all that may begin, and ends what it is told to. */
function underWay(sizes: readonly (number | undefined)[]) {
  const begun: number[] = [];
  const ends = new Map<number, () => void>();
  const all = eachConcurrently(
    sizes.entries(),
    ([, size]) => size,
    async ([index]) => {
      begun.push(index);
      await new Promise<void>((resolve) => void ends.set(index, resolve));
    },
  );
  return { begun, all, end: (index: number) => ends.get(index)?.() };
}

const settled = () => new Promise<void>((resolve) => void setImmediate(resolve));

test('16 large files move at once, begun in their order; another begins when one ends', async () => {
  const { begun, all, end } = underWay(Array.from({ length: 18 }, () => 64 * KIB + 1));
  await settled();
  expect(begun).toEqual([...Array(16).keys()]);

  end(3);
  await settled();
  expect(begun).toEqual([...Array(17).keys()]);

  for (const index of [0, 1]) end(index);
  await settled();
  for (const index of begun) end(index);
  await all;
  expect(begun).toHaveLength(18);
});

test('64 small files move at once', async () => {
  const { begun, all, end } = underWay(Array.from({ length: 70 }, () => 64 * KIB));
  await settled();
  expect(begun).toHaveLength(64);
  while (begun.length < 70) {
    for (const index of begun) end(index);
    await settled();
  }
  for (const index of begun) end(index);
  await all;
});

test('small files do not wait behind large ones', async () => {
  const { begun, end, all } = underWay([...Array.from({ length: 20 }, () => KIB ** 3), 1, 2, 3]);
  await settled();
  expect(begun).toEqual([...Array(16).keys(), 20, 21, 22]);
  while (begun.length < 23) {
    for (const index of begun) end(index);
    await settled();
  }
  for (const index of begun) end(index);
  await all;
});

test('a file of which nobody knows how large it is counts as large', async () => {
  const { begun, end, all } = underWay(Array.from({ length: 17 }, () => undefined));
  await settled();
  expect(begun).toHaveLength(16);
  end(0);
  await settled();
  for (const index of begun) end(index);
  await all;
});

test('one that fails ends it all', async () => {
  const failing = eachConcurrently(
    [1, 2],
    (size) => size,
    (size) => (size === 1 ? Promise.reject(new Error('no')) : Promise.resolve()),
  );
  await expect(failing).rejects.toThrow('no');
});
