import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bar, bytes, cutMiddle, duration, hideUserInfo, minute, percent, RateMeter, rate, timeLeft } from './format.ts';

describe('a size, a rate and a time as people read them', () => {
  test('sizes in decimal units', () => {
    expect([bytes(0), bytes(1), bytes(12_345), bytes(5 * 1024 ** 3)]).toEqual(['0 B', '1 B', '12.3 kB', '5.37 GB']);
  });

  test('no rate where nothing moved or no time passed', () => {
    expect([rate(undefined), rate(0), rate(Number.NaN), rate(Number.POSITIVE_INFINITY)]).toEqual(['', '', '', '']);
    expect(rate(1_500_000)).toBe('1.5 MB/s');
  });

  test('the time left is rounded up to seconds, so that it never says 0 too early', () => {
    expect(timeLeft(1, 1_000_000)).toBe('1s left');
    expect(timeLeft(100, 1)).toBe('1m 40s left');
    expect(timeLeft(100, undefined)).toBe('');
    expect(timeLeft(0, 5)).toBe('');
  });

  test('no transfer takes 0 ms', () => {
    expect([duration(0.02), duration(12), duration(3456), duration(125_000)]).toEqual(['1ms', '12ms', '3.4s', '2m 5s']);
  });

  test('a moment in UTC, and nothing for one that no calendar has', () => {
    expect([minute(0), minute(1_764_134_215_000)]).toEqual(['1970-01-01 00:00', '2025-11-26 05:16']);
    expect(minute(253_402_300_800_000)).toBe('+010000-01-01 00:00');
    expect([minute(1e16), minute(-1e16), minute(Number.NaN)]).toEqual(['', '', '']);
  });

  test('100 % only when all is there', () => {
    expect([percent(0), percent(0.999), percent(1)]).toEqual(['  0%', ' 99%', '100%']);
    expect(bar(0.5, 10)).toBe('█████░░░░░');
  });
});

test('a long name is cut in the middle: its beginning and its extension stay', () => {
  const cut = cutMiddle('holiday-in-the-mountains-with-everybody-2026.tar.gz', 20);
  expect(cut).toHaveLength(20);
  expect(cut.startsWith('holiday')).toBe(true);
  expect(cut.endsWith('.tar.gz')).toBe(true);
  expect(cutMiddle('short.txt', 20)).toBe('short.txt');
});

test('a cut name never takes more columns than it was given', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[ -~]*$/), fc.integer({ min: 0, max: 60 }), (name, columns) => {
      expect(cutMiddle(name, columns).length).toBeLessThanOrEqual(columns);
    }),
  );
});

describe('the rate', () => {
  test('follows the last three seconds, not the average since the start', () => {
    const meter = new RateMeter(3000);
    for (let second = 0; second <= 10; second++) meter.add(second * 1000, Math.min(second, 5) * 1000);
    expect(meter.bytesPerSecond(10_000)).toBe(0);
  });

  test('is unknown before two moments are known', () => {
    const meter = new RateMeter();
    expect(meter.bytesPerSecond(5)).toBeUndefined();
    meter.add(0, 0);
    expect(meter.bytesPerSecond(5)).toBeUndefined();
    meter.add(1000, 500);
    expect(meter.bytesPerSecond(1000)).toBe(500);
  });
});

test.each([
  ['wss://u:secret@files.example/a@b', 'wss://***@files.example/a@b'],
  ['ws://files.example/a@b', 'ws://files.example/a@b'],
  ['ws://secret@[::1]:6455', 'ws://***@[::1]:6455'],
  ['ws://u:p@secret@h/', 'ws://***@h/'],
  ['ws:u:secret@h', 'ws:***@h'],
  ['ws://u:sec/ret@h', 'ws://***@h'],
  ['u:secret@h', 'u:***@h'],
  ['secret@h', '***@h'],
  ['nonsense', 'nonsense'],
])('of %s nothing secret is shown', (url, shown) => {
  expect(hideUserInfo(url)).toBe(shown);
});
