import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CheckEvent } from '../reporters/reporter.ts';
import { checkLine, remedy, verdict, wrap } from './report.ts';

const event = (more: Partial<CheckEvent>): CheckEvent => ({
  event: 'check',
  id: 'idle',
  severity: 'wrong',
  summary: 'cut',
  ...more,
});

test('no words are lost, and no line is longer than its longest word or the width', () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1 }),
      fc.integer({ min: 1, max: 40 }),
      (words, columns) => {
        const lines = wrap(words.join(' '), columns);
        expect(lines.join(' ')).toBe(words.join(' '));
        for (const line of lines) expect(line.length <= columns || !line.includes(' ')).toBe(true);
      },
    ),
  );
});

describe('a line', () => {
  test('stands in columns and is wrapped under its text', () => {
    expect(checkLine(event({ summary: 'a connection is cut' }), 40, false)).toBe(
      'wrong    idle         a connection is\n                      cut',
    );
  });

  test('shows nothing that a terminal would obey', () => {
    const line = checkLine(event({ summary: 'a\u001b[2Jb' }), 80, false);
    expect(line).not.toContain('\u001b');
    expect(
      remedy(event({ because: '\u009b2J', mend: { advice: '\u202e', lines: ['\u0007'], block: 'x' } }), 80, false),
    ).not.toMatch(/[\u0007\u009b\u202e]/);
  });
});

describe('a remedy', () => {
  test('has its lines to be copied, and the block they belong into', () => {
    const mend = { advice: 'It is cut', lines: ['proxy_read_timeout 3600s;'], block: 'the location block' };
    expect(remedy(event({ because: 'It hurts.', mend }), 80, false)).toBe(
      'wrong idle\n  It hurts.\n  It is cut. In nginx, into the location block:\n\n      proxy_read_timeout 3600s;',
    );
  });

  test('is a sentence where there is no line', () => {
    expect(remedy(event({ mend: { advice: 'Wait.' } }), 80, false)).toBe('wrong idle\n  Wait.');
    expect(remedy(event({}), 80, false)).toBe('wrong idle');
  });
});

test.each([
  [0, 0, 'nothing is wrong: files can be sent to ws://a'],
  [0, 1, 'nothing is wrong: files can be sent to ws://a, and 1 warning'],
  [0, 2, 'nothing is wrong: files can be sent to ws://a, and 2 warnings'],
  [1, 0, '1 thing is wrong'],
  [2, 1, '2 things are wrong, and 1 warning'],
])('%i wrong, %i warnings: %s', (wrong, warning, text) => {
  expect(verdict({ ok: 1, skipped: 0, wrong, warning }, 'ws://a')).toBe(text);
});
