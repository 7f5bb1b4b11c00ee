import { InvalidArgumentError } from 'commander';
import { describe, expect, test } from 'vitest';
import { parseBytes, parseDuration, parseRate } from './quantities.ts';

describe('a time', () => {
  test.each([
    ['0', 0],
    ['500ms', 500],
    ['10s', 10_000],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
  ])('%s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each(['', '10', '-1s', '1 s', 's', '1e3s', '10sec', 'Infinity', '1m30s'])('is not %j', (text) => {
    expect(() => parseDuration(text)).toThrow(InvalidArgumentError);
  });
});

describe('a size', () => {
  test.each([
    ['0', 0],
    ['1000', 1000],
    ['12B', 12],
    ['64KiB', 65_536],
    ['64kib', 65_536],
    ['1.5MB', 1_500_000],
    ['10 GB', 10_000_000_000],
    ['2TiB', 2_199_023_255_552],
    ['0.5b', 0],
  ])('%s', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  test.each(['', '-1', '1K', '10 megabytes', '1e9', 'NaN', '9999999999TB'])('is not %j', (text) => {
    expect(() => parseBytes(text)).toThrow(InvalidArgumentError);
  });
});

describe('a rate', () => {
  test.each([
    ['1', 1],
    ['1000', 1000],
    ['500K', 500_000],
    ['1.5m', 1_500_000],
    ['2MB', 2_000_000],
    ['64KiB', 65_536],
    ['2 MiB/s', 2_097_152],
    ['3G/s', 3_000_000_000],
  ])('%s', (text, bytes) => {
    expect(parseRate(text)).toBe(bytes);
  });

  test.each(['', '0', '0.5', '-1', 'K', '/s', '10 megabytes', '1e9', 'NaN', '9999999999T'])('is not %j', (text) => {
    expect(() => parseRate(text)).toThrow(InvalidArgumentError);
  });
});
