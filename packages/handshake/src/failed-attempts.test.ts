import { FakeClock } from '@wsferry/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FailedAttempts } from './failed-attempts.ts';

const counting = (options: Partial<ConstructorParameters<typeof FailedAttempts>[0]> = {}) => {
  const clock = new FakeClock();
  return { clock, failed: new FailedAttempts({ now: () => clock.now(), ...options }) };
};

test('ten failures in a row, then one every six seconds; nobody else waits', () => {
  const { clock, failed } = counting();
  for (let i = 0; i < 10; i++) {
    expect(failed.waitMs('192.0.2.1')).toBe(0);
    failed.add('192.0.2.1');
  }
  expect(failed.waitMs('192.0.2.1')).toBe(6000);
  expect(failed.waitMs('192.0.2.2')).toBe(0);
  clock.advance(5999);
  expect(failed.waitMs('192.0.2.1')).toBe(1);
  clock.advance(1);
  expect(failed.waitMs('192.0.2.1')).toBe(0);
  failed.add('192.0.2.1');
  expect(failed.waitMs('192.0.2.1')).toBe(6000);
  clock.advance(60_000);
  for (let i = 0; i < 9; i++) failed.add('192.0.2.1');
  expect(failed.waitMs('192.0.2.1')).toBe(0);
});

test.each([
  ['2001:db8::1', '2001:db8::ffff:ffff', true],
  ['2001:db8::1', '2001:db8:0:1::1', false],
  ['192.0.2.1', '::ffff:192.0.2.1', true],
  ['192.0.2.1', '192.0.2.2', false],
])('%s and %s are counted as one: %s', (one, other, same) => {
  const { failed } = counting({ maxFailures: 1 });
  failed.add(one);
  expect(failed.waitMs(other) > 0).toBe(same);
});

test('those without an address share a bucket', () => {
  const { failed } = counting({ maxFailures: 1 });
  failed.add(undefined);
  expect(failed.waitMs(undefined)).toBe(60_000);
});

test('a crowd of addresses takes no more memory than maxAddresses, and forgets the one that failed longest ago', () => {
  const { failed } = counting({ maxFailures: 1, maxAddresses: 100 });
  for (let i = 0; i < 1000; i++) failed.add(`10.0.${i >> 8}.${i & 255}`);
  expect(failed.size).toBe(100);
  expect(failed.waitMs('10.0.0.0')).toBe(0);
  expect(failed.waitMs(`10.0.${999 >> 8}.${999 & 255}`)).toBeGreaterThan(0);
});

test('whatever the times, within any minute no address fails more often than twice maxFailures', () => {
  const steps = fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 200 });
  fc.assert(
    fc.property(steps, (pauses) => {
      const { clock, failed } = counting();
      const times: number[] = [];
      for (const pause of pauses) {
        clock.advance(pause);
        if (failed.waitMs('::1') > 0) continue;
        failed.add('::1');
        times.push(clock.now());
      }
      for (const start of times) {
        expect(times.filter((at) => at >= start && at < start + 60_000).length).toBeLessThanOrEqual(20);
      }
    }),
  );
});

test.each([
  { maxFailures: 0 },
  { forgetMs: Number.NaN },
  { maxAddresses: -1 },
  { maxFailures: Number.POSITIVE_INFINITY },
])('%j is a RangeError', (options) => {
  expect(() => new FailedAttempts(options)).toThrow(RangeError);
});
