import { byteByByte, everySplit } from '@wsferry/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeRequestHead, encodeResponseHead, parseRequestHead, parseResponseHead } from './head.ts';
import { HandshakeError } from './index.ts';

const bytesOf = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const request = (...fields: string[]) => bytesOf(['GET / HTTP/1.1', ...fields, '', ''].join('\r\n'));

/** What a reader says: the outcome as plain data, so that outcomes can be compared. */
function verdict(parse: () => unknown): unknown {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error;
    return { code: error.code, status: error.status, message: error.message };
  }
}

/** What somebody says who reads after every chunk: the first outcome that is not "not enough yet". */
function verdictOfChunks(chunks: Uint8Array[], parse: (bytes: Uint8Array) => unknown): unknown {
  let soFar = new Uint8Array();
  for (const chunk of chunks) {
    soFar = Uint8Array.from([...soFar, ...chunk]);
    const found = verdict(() => parse(soFar));
    if (found !== undefined) return found;
  }
  return undefined;
}

describe('a request head', () => {
  test('is read with its fields in order and case, and says where the frames begin', () => {
    const bytes = bytesOf('GET /a?b HTTP/1.1\r\nHost:x\r\nx-Two: \t a b \t\r\nx-Two:\r\n\r\n\x81\x00');
    expect(parseRequestHead(bytes)).toEqual({
      head: {
        method: 'GET',
        target: '/a?b',
        version: '1.1',
        headers: [
          ['Host', 'x'],
          ['x-Two', 'a b'],
          ['x-Two', ''],
        ],
      },
      byteLength: bytes.length - 2,
    });
  });

  test('may follow one empty line, not two (RFC 7230 §3.5)', () => {
    expect(parseRequestHead(bytesOf('\r\nGET / HTTP/1.1\r\n\r\n'))?.byteLength).toBe(20);
    expect(verdict(() => parseRequestHead(bytesOf('\r\n\r\nGET / HTTP/1.1\r\n\r\n')))).toMatchObject({
      code: 'BAD_REQUEST_LINE',
      status: 400,
    });
  });

  test.each([
    ['bare LF behind the request line', 'GET / HTTP/1.1\nHost: x\r\n\r\n'],
    ['bare CR in the request line', 'GET /\r HTTP/1.1\r\n\r\n'],
    ['NUL in the target', 'GET /\0 HTTP/1.1\r\n\r\n'],
    ['two spaces', 'GET  / HTTP/1.1\r\n\r\n'],
    ['a tab for a space', 'GET\t/ HTTP/1.1\r\n\r\n'],
    ['a trailing space', 'GET / HTTP/1.1 \r\n\r\n'],
    ['a leading space', ' GET / HTTP/1.1\r\n\r\n'],
    ['a fragment', 'GET /#a HTTP/1.1\r\n\r\n'],
    ['a byte beyond ASCII in the target', 'GET /\xe9 HTTP/1.1\r\n\r\n'],
    ['no version (HTTP/0.9)', 'GET /\r\n\r\n'],
    ['a version in lower case', 'GET / http/1.1\r\n\r\n'],
    ['a version with more digits', 'GET / HTTP/1.10\r\n\r\n'],
    ['a method that is no token', 'G(T / HTTP/1.1\r\n\r\n'],
    ['the HTTP of a TLS hello', '\x16\x03\x01\x02\x00\n'],
    ['an empty line with LF alone', '\nGET / HTTP/1.1\r\n\r\n'],
  ])('with %s is BAD_REQUEST_LINE, 400', (_what, text) => {
    expect(verdict(() => parseRequestHead(bytesOf(text)))).toMatchObject({ code: 'BAD_REQUEST_LINE', status: 400 });
  });

  test.each([
    ['a space before the colon', 'Content-Length : 5'],
    ['a folded line', 'A: b\r\n c'],
    ['a fold at the first field', ' A: b'],
    ['a tab fold', 'A: b\r\n\tc'],
    ['no colon', 'Host'],
    ['an empty name', ': x'],
    ['a name with a control', 'A\x01: x'],
    ['a name beyond ASCII', 'Ä: x'],
    ['a name with brackets', 'A(b): x'],
    ['NUL in a value', 'A: b\0c'],
    ['bare CR in a value', 'A: b\rB: c'],
    ['bare CR at the end of a value', 'A: b\r'],
    ['bare LF in a value', 'A: b\nB: c'],
    ['DEL in a value', 'A: \x7f'],
    ['an escape in a value', 'A: \x1b[2J'],
    ['a vertical tab around a value', 'A: \x0bchunked'],
  ])('with %s is BAD_HEADER, 400', (_what, field) => {
    expect(verdict(() => parseRequestHead(request('Host: x', field)))).toMatchObject({
      code: 'BAD_HEADER',
      status: 400,
    });
  });

  test('keeps bytes beyond ASCII in a value as Latin-1, there and back', () => {
    const bytes = request('A: \x80\x9f\xa0\xff');
    const parsed = parseRequestHead(bytes)!;
    expect(parsed.head.headers).toEqual([['A', '\x80\x9f\xa0\xff']]);
    expect(encodeRequestHead(parsed.head)).toEqual(bytes);
  });

  test('has limits on line, count and total: at the limit it passes, one above it is 431', () => {
    const limits = { maxLineBytes: 20, maxHeaders: 2, maxHeadBytes: 60 };
    const outcome = (...fields: string[]) => verdict(() => parseRequestHead(request(...fields), limits));
    expect(outcome(`A: ${'x'.repeat(15)}`)).toHaveProperty('head');
    expect(outcome(`A: ${'x'.repeat(16)}`)).toMatchObject({ code: 'LINE_TOO_LONG', status: 431 });
    expect(outcome('A:', 'B:')).toHaveProperty('head');
    expect(outcome('A:', 'B:', 'C:')).toMatchObject({ code: 'TOO_MANY_HEADERS', status: 431 });
    expect(verdict(() => parseRequestHead(request('A: 67890'), { maxHeadBytes: 28 }))).toHaveProperty('head');
    expect(verdict(() => parseRequestHead(request('A: 678901'), { maxHeadBytes: 28 }))).toMatchObject({
      code: 'HEAD_TOO_LARGE',
      status: 431,
    });
  });

  test('above a limit is refused before its line ends: nobody makes us wait for an LF that never comes', () => {
    const endless = new Uint8Array(8193).fill(0x61);
    expect(parseRequestHead(endless.subarray(1))).toBeUndefined();
    expect(verdict(() => parseRequestHead(endless))).toMatchObject({ code: 'LINE_TOO_LONG' });
  });

  test.each([
    ['a good head', request('Host: x', 'A: b')],
    ['a bad request line', bytesOf('GET  / HTTP/1.1\r\nA: b\r\n\r\n')],
    ['a bad header before a long line', request('A : b', 'x'.repeat(60))],
    ['a long line before a bad header', request(`A: ${'x'.repeat(60)}`, 'A : b')],
    ['a head too large', request('A: bbbbbbbbbbbbbbbb', 'A: bbbbbbbbbbbbbbbbb', 'A: bbbbbbbbbbbbbb', 'A: b')],
  ])('gets the same verdict however it is cut: %s', (_what, bytes) => {
    const parse = (input: Uint8Array) => parseRequestHead(input, { maxLineBytes: 40, maxHeaders: 5, maxHeadBytes: 70 });
    const whole = verdict(() => parse(bytes));
    expect(whole).toBeDefined();
    for (const chunks of [...everySplit(bytes), byteByByte(bytes)])
      expect(verdictOfChunks(chunks, parse)).toEqual(whole);
  });

  test('any bytes are "not yet", a head, or a HandshakeError, and the same in any two pieces', () => {
    const soup = fc
      .array(
        fc.oneof(
          fc.constantFrom(
            'GET / HTTP/1.1',
            'HTTP/1.1 101 ',
            '\r\n',
            '\r',
            '\n',
            ': ',
            'A',
            ' ',
            '\0',
            '\t',
            '\r\n\r\n',
          ),
          fc.uint8Array({ maxLength: 4 }).map((bytes) => String.fromCharCode(...bytes)),
        ),
        { maxLength: 24 },
      )
      .map((parts) => bytesOf(parts.join('')));
    const limits = { maxLineBytes: 30, maxHeaders: 3, maxHeadBytes: 60 };
    fc.assert(
      fc.property(soup, fc.constantFrom(parseRequestHead, parseResponseHead), (bytes, parser) => {
        const parse = (input: Uint8Array) => parser(input, limits);
        const whole = verdict(() => parse(bytes));
        expect(verdictOfChunks(byteByByte(bytes), parse)).toEqual(whole);
      }),
      { numRuns: 2000 },
    );
  });

  test('takes time in proportion to its length, also with white space everywhere', () => {
    const limits = { maxLineBytes: 1 << 22, maxHeadBytes: 1 << 22 };
    const blank = ' \t'.repeat(500_000);
    const heads = [request(`A: b${blank}c`), request(`A:${blank}`)];
    const started = performance.now();
    for (const head of heads) parseRequestHead(head, limits);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe('a response head', () => {
  test('is read with and without a reason', () => {
    const head = (line: string) => parseResponseHead(bytesOf(`${line}\r\n\r\n`))?.head;
    expect(head('HTTP/1.1 101 Switching Protocols')).toMatchObject({ status: 101, reason: 'Switching Protocols' });
    expect(head('HTTP/1.0 404 ')).toMatchObject({ version: '1.0', status: 404, reason: '' });
    expect(head('HTTP/1.1 404')).toMatchObject({ status: 404, reason: '' });
  });

  test.each(['SSH-2.0-OpenSSH_9.6', 'HTTP/1.1 1010 x', 'HTTP/1.1 01 x', 'HTTP/1.1  101 x', 'HTTP/2 101 x', '', 'a\0'])(
    'that begins with "%s" is BAD_STATUS_LINE, and has no status to answer',
    (line) => {
      expect(verdict(() => parseResponseHead(bytesOf(`${line}\r\n\r\n`)))).toMatchObject({
        code: 'BAD_STATUS_LINE',
        status: undefined,
      });
    },
  );
});

describe('encoding', () => {
  const token = fc.string({ unit: fc.constantFrom(..."!#$%&'*+-.^_`|~09AZaz"), minLength: 1, maxLength: 12 });
  const latin1 = fc.integer({ min: 0x21, max: 0xff }).filter((code) => code !== 0x7f);
  const value = fc.array(latin1, { maxLength: 20 }).map((codes) => String.fromCharCode(...codes));
  const headers = fc.array(fc.tuple(token, value), { maxLength: 8 });

  test('and reading gives back the same head', () => {
    const target = fc.string({ unit: fc.constantFrom(...'/?=&%aZ0~"'), minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(token, target, headers, (method, target, headers) => {
        const head = { method, target, version: '1.1', headers };
        const bytes = encodeRequestHead(head);
        expect(parseRequestHead(bytes)).toEqual({ head, byteLength: bytes.length });
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 999 }), value, headers, (status, reason, headers) => {
        const head = { version: '1.1', status, reason, headers };
        const bytes = encodeResponseHead(head);
        expect(parseResponseHead(bytes)).toEqual({ head, byteLength: bytes.length });
      }),
    );
  });

  test.each(['\r', '\n', '\0', '\r\nX: y', '\u010d\u010a', '\x7f'])('refuses %j anywhere in a head', (bad) => {
    const request = { method: 'GET', target: '/', version: '1.1', headers: [] };
    const response = { version: '1.1', status: 200, reason: '', headers: [] };
    const code = (encode: () => unknown) => (verdict(encode) as { code?: string }).code;
    expect(code(() => encodeRequestHead({ ...request, method: `G${bad}` }))).toBe('BAD_REQUEST_LINE');
    expect(code(() => encodeRequestHead({ ...request, target: `/${bad}` }))).toBe('BAD_REQUEST_LINE');
    expect(code(() => encodeRequestHead({ ...request, version: `1.1${bad}` }))).toBe('BAD_REQUEST_LINE');
    expect(code(() => encodeRequestHead({ ...request, headers: [[`A${bad}`, 'x']] }))).toBe('BAD_HEADER');
    expect(code(() => encodeRequestHead({ ...request, headers: [['A', `x${bad}y`]] }))).toBe('BAD_HEADER');
    expect(code(() => encodeRequestHead({ ...request, headers: [['A', bad]] }))).toBe('BAD_HEADER');
    expect(code(() => encodeResponseHead({ ...response, reason: `x${bad}` }))).toBe('BAD_STATUS_LINE');
    expect(code(() => encodeResponseHead({ ...response, headers: [['A', `x${bad}y`]] }))).toBe('BAD_HEADER');
  });
});
