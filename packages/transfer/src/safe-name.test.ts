import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { printable, safeName, TransferError } from './index.ts';

describe('safeName', () => {
  test.each([
    'a',
    'README.md',
    'a b.tar.gz',
    '.bashrc',
    '第一章：开始.txt',
    'console.log',
    'communion',
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

  test('any string becomes one path component that stays one, or BAD_NAME', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string()), (name) => {
        try {
          const safe = safeName(name);
          expect(safeName(safe)).toBe(safe);
          expect(safe).not.toMatch(/[/\\\0]|^\.{0,2}$/);
        } catch (error) {
          expect(error).toMatchObject({ code: 'BAD_NAME' });
        }
      }),
      { numRuns: 500 },
    );
  });
});

test('printable shows what a terminal would obey, and leaves the rest alone', () => {
  expect(printable('日本 é 😀.txt')).toBe('日本 é 😀.txt');
  expect(printable('\u001b[2Ja\r\nb')).toBe('\\u{1b}[2Ja\\u{d}\\u{a}b');
  expect(printable('gpj.\u202etxt.exe')).toBe('gpj.\\u{202e}txt.exe');
  expect(printable('\ud800')).toBe('\\u{d800}');
});
