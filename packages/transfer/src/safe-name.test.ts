import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkWindowsName, printable, safeName, TransferError } from './index.ts';

describe('safeName', () => {
  test.each([
    'a',
    'README.md',
    'a b.tar.gz',
    '.bashrc',
    '第一章：开始.txt',
    'console.log',
    'communion',
    '第一章：开始？.txt',
    'what?.txt',
    '2026-01-01T12:00:00.log',
    'a<b>|"c"*.txt',
    '½ of it … and more.txt',
    '.ﬁle',
    'x'.repeat(255),
  ])('takes %s as it is', (name) => {
    expect(safeName(name)).toBe(name);
  });

  test.each([
    ['an empty name', '', 'empty'],
    ['.', '.', '. or ..'],
    ['..', '..', '. or ..'],
    ['a way up', '../../x', '/'],
    ['a way up inside', 'a/../../b', '/'],
    ['an absolute path', '/etc/passwd', '/'],
    ['a path of Windows', 'a\\b', '\\'],
    ['a drive with a path', 'C:\\x', '\\'],
    ['a drive', 'c:x', 'drive'],
    ['NUL', 'a\0b', 'control'],
    ['a line feed', 'a\nb', 'control'],
    ['an escape sequence', '\u001b[31mred', 'control'],
    ['a C1 control character', 'a\u009bb', 'control'],
    ['half a surrogate pair', 'a\ud800', 'surrogate'],
    ['a trailing dot', 'a.', 'dot or a space'],
    ['a trailing space', 'a ', 'dot or a space'],
    ['a device', 'NUL', 'device'],
    ['a device with an extension', 'con.txt', 'device'],
    ['a device with two', 'Com1.tar.gz', 'device'],
    ['a device with a superscript', 'LPT².x', 'device'],
    ['a device before a space and a dot', 'aux .txt', 'device'],
    ['the directory of unfinished files', '.wsferry', '.wsferry'],
    ['the same in capitals', '.WSFERRY-x', '.wsferry'],
    ['5,000 characters', 'x'.repeat(5000), 'longer'],
    ['256 bytes in fewer characters', 'é'.repeat(128), 'longer'],
    ['a two dot leader', '‥', '. or .. (in another way of writing it)'],
    ['full-width dots', '．．', '. or ..'],
    ['small dots', '﹒﹒', '. or ..'],
    ['a full-width slash', 'a／b', '/'],
    ['a full-width backslash', 'a＼b', '\\'],
    ['a slash inside a sign', 'a℀b', '/'],
    ['a full-width colon of a drive', 'C：x', 'drive'],
    ['a full-width letter of a drive', 'Ｃ:x', 'drive'],
    ['a full-width letter of a device', 'ａux', 'device'],
    ['a circled digit of a device', 'com①', 'device'],
    ['a long s in the directory of unfinished files', '.wſferry', '.wsferry'],
    ['a trailing full-width dot', 'a．', 'dot or a space'],
    ['a trailing ellipsis', 'wait…', 'dot or a space'],
    ['a trailing no-break space', 'a\u00a0', 'dot or a space'],
  ])('refuses %s', (_what, name, reason) => {
    let refusal: unknown;
    try {
      safeName(name);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(TransferError);
    expect(refusal).toMatchObject({ code: 'BAD_NAME', message: expect.stringContaining(reason) });
  });

  test('normalises to NFC before it judges, so that a decomposed name may be 255 bytes when composed', () => {
    expect(safeName('e\u0301'.repeat(127))).toBe('é'.repeat(127));
  });

  test('stores NFC, though it judges the compatible form too, and asks only what is stored for its length', () => {
    expect(safeName('ﬁle №１.txt')).toBe('ﬁle №１.txt');
    // One sign of three bytes that becomes 33 in the compatible form.
    expect(safeName('\ufdfa'.repeat(80))).toHaveLength(80);
  });

  test('any string becomes one path component that stays one, or BAD_NAME', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string()), (name) => {
        try {
          const safe = safeName(name);
          expect(safeName(safe)).toBe(safe);
          for (const form of ['NFC', 'NFD', 'NFKC', 'NFKD'] as const) {
            expect(safe.normalize(form)).not.toMatch(/[/\\\0]|^\.{0,2}$|^\.wsferry/i);
          }
        } catch (error) {
          expect(error).toMatchObject({ code: 'BAD_NAME' });
        }
      }),
      { numRuns: 500 },
    );
  });
});

test.each(['<', '>', ':', '"', '|', '?', '*'])('Windows cannot hold a name with %s', (character) => {
  const name = safeName(`what${character}.txt`);
  expect(() => checkWindowsName(name)).toThrow(
    expect.objectContaining({ code: 'BAD_NAME', message: expect.stringContaining(character) }),
  );
});

test('Windows can hold what only looks like such a name', () => {
  checkWindowsName(safeName('what？：.txt'));
});

test('printable shows what a terminal would obey, and leaves the rest alone', () => {
  expect(printable('日本 é 😀.txt')).toBe('日本 é 😀.txt');
  expect(printable('\u001b[2Ja\r\nb')).toBe('\\u{1b}[2Ja\\u{d}\\u{a}b');
  expect(printable('gpj.\u202etxt.exe')).toBe('gpj.\\u{202e}txt.exe');
  expect(printable('\ud800')).toBe('\\u{d800}');
});
