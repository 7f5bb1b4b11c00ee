import { expect, test } from 'vitest';
import { Rate } from '../page/rate.ts';

test('the rate is not told before there is something to tell', () => {
  const rate = new Rate();
  expect(rate.bytesPerSecond).toBeUndefined();
  rate.add(0, 0);
  rate.add(100, 5000);
  expect(rate.bytesPerSecond).toBeUndefined();
});

test('a steady transfer shows its rate', () => {
  const rate = new Rate();
  for (let ms = 0; ms <= 10_000; ms += 100) rate.add(ms, ms * 3);
  expect(rate.bytesPerSecond).toBeCloseTo(3000);
});

test('what was long ago no longer counts', () => {
  const rate = new Rate(1000);
  rate.add(0, 0);
  rate.add(100, 1_000_000);
  for (let ms = 5000; ms <= 8000; ms += 100) rate.add(ms, 1_000_000);
  expect(rate.bytesPerSecond).toBe(0);
});
