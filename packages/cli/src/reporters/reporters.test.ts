import { describe, expect, test } from 'vitest';
import { jsonReporter, logReporter } from './json.ts';
import { plainReporter } from './plain.ts';
import { quietReporter } from './quiet.ts';
import { type CliEvent, wantsColor } from './reporter.ts';

const nasty = 'a\u001b[31m\u009b2J\u202egpj.exe\n';

const events: CliEvent[] = [
  { event: 'receiver', url: 'ws://127.0.0.1:1', dir: '/tmp/received', embedded: true, reason: 'nobody listens' },
  { event: 'connected', url: 'ws://127.0.0.1:1', files: 2, bytes: 20 },
  { event: 'offered', id: 1, name: nasty, size: 10 },
  { event: 'comparing', id: 1, name: nasty, compared: 5, size: 10 },
  { event: 'progress', id: 1, name: nasty, stored: 5, size: 10 },
  {
    event: 'stored',
    id: 1,
    name: nasty,
    storedAs: `/tmp/received/${nasty}`,
    size: 10,
    md5: 'd41d8cd98f00b204e9800998ecf8427e',
    durationMs: 5,
    bytesPerSecond: 2000,
    existing: false,
  },
  { event: 'failed', id: 2, name: nasty, code: 'NO_SPACE', message: `refused: ${nasty}` },
  { event: 'warning', message: 'careful' },
  { event: 'waiting', ms: 30_000 },
  { event: 'stopping', signal: 'SIGINT' },
  { event: 'error', code: 'X', message: nasty, exitCode: 3 },
  { event: 'done', stored: 1, failed: 1, exitCode: 4 },
];

function output(isTTY = false) {
  const written: string[] = [];
  return { isTTY, write: (text: string) => written.push(text), text: () => written.join('') };
}

/** Everything that a terminal would act on, line ends aside. */
const controls = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

describe('names and messages from anywhere', () => {
  test('plain lines carry no control character, and a name cannot start a new line', () => {
    const [out, err] = [output(), output()];
    const reporter = plainReporter(out, err);
    for (const event of events) reporter.report(event);
    expect(out.text()).not.toMatch(controls);
    expect(err.text()).not.toMatch(controls);
    expect(out.text().split('\n')).toHaveLength(7);
    expect(err.text().split('\n')).toHaveLength(4);
  });

  test('JSON lines carry none either, and still the true name', () => {
    const out = output();
    const reporter = jsonReporter(out, () => 1_700_000_000_123);
    for (const event of events) reporter.report(event);
    expect(out.text()).not.toMatch(controls);
    const lines = out.text().trimEnd().split('\n');
    const timed = events.map((event) => ({ time: '2023-11-14T22:13:20.123Z', ...event }));
    expect(lines.map((line) => JSON.parse(line))).toEqual(timed);
  });
});

test('a log keeps what happened, and no progress', () => {
  const out = output();
  const reporter = logReporter(out);
  for (const event of events) reporter.report(event);
  const kept = out.text().trimEnd().split('\n');
  const expected = events.map(({ event }) => event).filter((event) => event !== 'progress' && event !== 'comparing');
  expect(kept.map((line) => JSON.parse(line).event)).toEqual(expected);
});

test.each<[Extract<CliEvent, { event: 'refused' }>, string]>([
  [{ event: 'refused', remote: '192.0.2.1', code: 'REFUSED', status: 401, message: nasty }, 'refused 192.0.2.1: '],
  [{ event: 'refused', code: 'ORIGIN_REFUSED', status: 403, message: 'why' }, 'refused somebody: why (403)\n'],
  [{ event: 'refused', remote: '192.0.2.1', code: 'REFUSED', status: 429, message: 'wait' }, ''],
  [{ event: 'refused', remote: '192.0.2.1', code: 'BAD_REQUEST_LINE', status: 400, message: 'noise' }, ''],
  [{ event: 'refused', remote: '192.0.2.1', code: 'CONNECTION_LOST', message: 'gone' }, ''],
])('of who was not let in a terminal shows what one can act on: %j', (event, line) => {
  const err = output();
  plainReporter(output(), err).report(event);
  expect(err.text().startsWith(line)).toBe(true);
  expect(err.text() === '').toBe(line === '');
  expect(err.text()).not.toMatch(controls);
});

test('quiet says what went wrong, and nothing else', () => {
  const err = output();
  const reporter = quietReporter(err);
  for (const event of events) reporter.report(event);
  expect(err.text().trimEnd().split('\n')).toHaveLength(3);
});

test('a log hears of a long transfer every ten seconds', () => {
  let now = 0;
  const out = output();
  const reporter = plainReporter(out, output(), () => now);
  reporter.report({ event: 'offered', id: 1, name: 'big', size: 100 });
  for (now = 0; now <= 25_000; now += 1000)
    reporter.report({ event: 'progress', id: 1, name: 'big', stored: now / 1000, size: 100 });
  expect(out.text()).toBe('big: 10 B of 100 B stored\nbig: 20 B of 100 B stored\n');
});

test('a log hears of a long comparison too', () => {
  let now = 0;
  const out = output();
  const reporter = plainReporter(out, output(), () => now);
  reporter.report({ event: 'offered', id: 1, name: 'big', size: 100 });
  for (now = 0; now <= 15_000; now += 1000)
    reporter.report({ event: 'comparing', id: 1, name: 'big', compared: now / 1000, size: 100 });
  expect(out.text()).toBe('big: 10 B of 100 B compared with what is there\n');
});

test('colour is for terminals that know it, and NO_COLOR wins', () => {
  expect(wantsColor({ write: () => {}, isTTY: true }, {})).toBe(true);
  expect(wantsColor({ write: () => {}, isTTY: true }, { NO_COLOR: '1' })).toBe(false);
  expect(wantsColor({ write: () => {}, isTTY: true }, { TERM: 'dumb' })).toBe(false);
  expect(wantsColor({ write: () => {} }, { CI: 'true', FORCE_COLOR: '1' })).toBe(false);
});

test('who reads a log is told which file the other side holds back', () => {
  const [out, err] = [output(), output()];
  const reporter = plainReporter(out, err);
  reporter.report({ event: 'paused', by: 'peer', id: 1, name: 'a' });
  reporter.report({ event: 'continued', by: 'peer', id: 1, name: 'a' });
  expect(out.text()).toBe('a: paused by the other side\na: goes on\n');
});
