import { describe, expect, test } from 'vitest';
import { judgeLifetime } from './certificate.ts';
import { judgeSize } from './message-size.ts';
import { judgeDelay } from './small-messages.ts';
import { judgeVersions } from './version.ts';

describe('a certificate', () => {
  const at = (day: number) => Date.UTC(2026, 0, 1 + day);
  const gmt = (day: number) => new Date(at(day)).toUTCString();

  test.each([
    ['of 90 days', 0, 90, 60, 'ok'],
    ['in its last 14 days', 0, 90, 77, 'warning'],
    ['of 6 days, on its first', 0, 6, 0, 'ok'],
    ['of 6 days, on its fifth', 0, 6, 5, 'warning'],
  ])('%s is %s', (_, from, to, today, severity) => {
    expect(judgeLifetime(gmt(from), gmt(to), at(today))).toMatchObject({ severity });
  });

  test('tells its day and how many are left', () => {
    expect(judgeLifetime(gmt(0), gmt(90), at(80)).summary).toBe('the certificate holds until 2026-04-01, 10 days more');
    expect(judgeLifetime(gmt(0), gmt(90), at(89) + 43_200_000).summary).toBe(
      'the certificate holds until 2026-04-01, 12 hours more',
    );
  });
});

test.each([
  [undefined, 'ok'],
  ['wsferry/1.2.3', 'ok'],
  ['wsferry/1.9.0', 'ok'],
  ['wsferry/2.0.0', 'warning'],
  ['wsferry/0.9.0', 'warning'],
  ['other/7', 'ok'],
])('a receiver that is %s, seen by 1.2.3, is %s', (theirs, severity) => {
  expect(judgeVersions(theirs, 'wsferry/1.2.3')).toMatchObject({ severity });
});

test.each([
  ['0.1.0', '0.1.9', 'ok'],
  ['0.1.0', '0.2.0', 'warning'],
])('before 1.0.0 the minor version counts: %s and %s are %s', (theirs, ours, severity) => {
  expect(judgeVersions(`wsferry/${theirs}`, `wsferry/${ours}`)).toMatchObject({ severity });
});

test.each([
  [0.3, 0.5, 'ok'],
  [80, 85, 'ok'],
  [0.3, 40.6, 'warning'],
  [80, 120, 'warning'],
])('a ping of %s ms that takes %s ms behind a message is %s', (alone, behind, severity) => {
  expect(judgeDelay(alone, behind)).toMatchObject({ severity });
});

test.each([
  [128 * 1024, 262_160, 'wrong'],
  [262_160, 512 * 1024, 'ok'],
])('a limit between %i and %i bytes is %s', (most, least, severity) => {
  expect(judgeSize(most, least, 'the connection is cut')).toMatchObject({ severity });
});
