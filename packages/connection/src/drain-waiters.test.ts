import { expect, test } from 'vitest';
import { DrainWaiters } from './drain-waiters.ts';

test('each of those who wait for room waits for as much as it asked for', async () => {
  const waiters = new DrainWaiters();
  const done: number[] = [];
  const waits = [0, 1_000, 500].map((belowBytes) =>
    waiters.wait(belowBytes, undefined).then(() => done.push(belowBytes)),
  );
  for (const bufferedBytes of [1_001, 1_000, 501, 499, 1, 0]) {
    waiters.resolve(bufferedBytes);
    await undefined;
    await undefined;
    expect(done.every((belowBytes) => belowBytes >= bufferedBytes)).toBe(true);
  }
  await Promise.all(waits);
  expect(done).toEqual([1_000, 500, 0]);
  expect(waiters.waiting).toBe(false);
});
