import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HandshakeError, parseExtensions, tokens } from './index.ts';

test.each<[string, ReturnType<typeof parseExtensions>]>([
  ['a', [{ name: 'a', params: [] }]],
  [
    ' \ta ;\tb = "c" ; d , e',
    [
      {
        name: 'a',
        params: [
          ['b', 'c'],
          ['d', true],
        ],
      },
      { name: 'e', params: [] },
    ],
  ],
  [
    ',a,,b,',
    [
      { name: 'a', params: [] },
      { name: 'b', params: [] },
    ],
  ],
  ['a; b="\\c\\d"', [{ name: 'a', params: [['b', 'cd']] }]],
  [
    'a; b; b=1',
    [
      {
        name: 'a',
        params: [
          ['b', true],
          ['b', '1'],
        ],
      },
    ],
  ],
])('%j is read as the list it is', (value, offers) => {
  expect(parseExtensions(value)).toEqual(offers);
});

test.each(['', ' ', ',', ';', 'a;', 'a;;b', 'a; b=', 'a; =b', 'a b', 'a; b c', 'a; b="', 'a; b="\\', 'a; b=""'])(
  '%j is BAD_EXTENSIONS, 400',
  (value) => {
    expect(() => parseExtensions(value)).toThrow(expect.objectContaining({ code: 'BAD_EXTENSIONS', status: 400 }));
  },
);

test.each(['a; b="c d"', 'a; b="c,d"', 'a; b="c;d"', 'a; b="c"d', 'a; b=c"d"', 'a/b', 'a; b=\0', '"a"', 'ä'])(
  '%j is BAD_EXTENSIONS: what is quoted must be a token too (RFC 6455 §9.1)',
  (value) => {
    expect(() => parseExtensions(value)).toThrow(expect.objectContaining({ code: 'BAD_EXTENSIONS' }));
  },
);

test('any text is a list or BAD_EXTENSIONS', () => {
  const text = fc.string({ unit: fc.constantFrom(...'ab,;= \t"\\') });
  fc.assert(
    fc.property(text, (value) => {
      try {
        expect(parseExtensions(value).length).toBeGreaterThan(0);
      } catch (error) {
        expect(error).toBeInstanceOf(HandshakeError);
      }
    }),
  );
});

test('what is written as a list is read back', () => {
  const token = fc.string({ unit: fc.constantFrom(...'abZ09-_.!'), minLength: 1, maxLength: 8 });
  const param = fc.tuple(token, fc.oneof(token, fc.constant(true as const)));
  const offers = fc.array(fc.record({ name: token, params: fc.array(param, { maxLength: 4 }) }), { minLength: 1 });
  fc.assert(
    fc.property(offers, fc.boolean(), (list, quoted) => {
      const write = (value: string | true) => (value === true ? '' : quoted ? `="${value}"` : `=${value}`);
      const text = list
        .map(({ name, params }) => [name, ...params.map(([key, value]) => key + write(value))].join('; '))
        .join(', ');
      expect(parseExtensions(text)).toEqual(list);
    }),
  );
});

test.each([' ', ',', 'a,', 'a;b,', 'a; b="c",', '\\', 'a;'])('a megabyte of %j is read in linear time', (part) => {
  const value = `a; b="c" ${part.repeat(1_000_000 / part.length)}`;
  const started = performance.now();
  try {
    parseExtensions(value);
  } catch (error) {
    expect(error).toMatchObject({ code: 'BAD_EXTENSIONS' });
  }
  expect(performance.now() - started).toBeLessThan(5000);
});

test('a token list loses white space and empty elements', () => {
  expect(tokens(' a,, b\t,c ,')).toEqual(['a', 'b', 'c']);
});
