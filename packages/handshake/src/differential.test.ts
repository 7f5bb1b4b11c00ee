import http from 'node:http';
import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HandshakeError, type HeaderList, parseRequestHead } from './index.ts';

/** What Node's own HTTP parser makes of the bytes: the header fields it saw, or `undefined` when it refused. */
function nodeReads(bytes: Uint8Array): Promise<{ target: string; headers: HeaderList } | undefined> {
  return new Promise((resolve) => {
    const see = ({ url = '', rawHeaders }: http.IncomingMessage) => {
      const headers: [string, string][] = [];
      for (let i = 0; i < rawHeaders.length; i += 2) headers.push([rawHeaders[i]!, rawHeaders[i + 1]!]);
      resolve({ target: url, headers });
    };
    const server = http.createServer({ requireHostHeader: false }, see);
    server.on('upgrade', see).on('connect', see).on('checkExpectation', see).on('checkContinue', see);
    server.on('clientError', () => resolve(undefined));
    const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    server.emit('connection', stream);
    stream.push(bytes);
    stream.push(null);
    stream.on('end', () => setImmediate(() => resolve(undefined)));
  });
}

test('no bytes are one request to us and another to the HTTP server behind us', async () => {
  const pieces = [
    '\r\n',
    '\n',
    '\r',
    ' ',
    '\t',
    ':',
    ': ',
    '\0',
    '\x0b',
    '\xa0',
    ',',
    '"',
    'a',
    'Host',
    'X-Y',
    'chunked',
  ];
  const odd = fc.constantFrom(...pieces);
  const field = fc.oneof(
    fc.constantFrom(
      'Host: x',
      'Content-Length: 0',
      'Transfer-Encoding: chunked',
      'A:b',
      'A: \t',
      'B: \xe9',
      'C:d e\t ',
    ),
    fc.tuple(fc.constantFrom('A', 'Content-Length', 'Host'), odd, odd, odd).map((parts) => parts.join('')),
  );
  const text = fc
    .tuple(
      fc.constantFrom('', '', '', '\r\n', '\n'),
      fc.oneof(fc.constant('/'), odd),
      fc.array(field, { maxLength: 4 }),
    )
    .map(([before, target, fields]) => [`${before}GET ${target} HTTP/1.1`, ...fields, '', ''].join('\r\n'));
  let bothRead = 0;
  await fc.assert(
    fc.asyncProperty(text, async (text) => {
      const bytes = Buffer.from(text, 'latin1');
      let ours: ReturnType<typeof parseRequestHead>;
      try {
        ours = parseRequestHead(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(HandshakeError);
        return;
      }
      const theirs = await nodeReads(bytes);
      if (ours === undefined || theirs === undefined) return;
      bothRead++;
      expect({ target: ours.head.target, headers: ours.head.headers }).toEqual(theirs);
    }),
    { numRuns: 1500 },
  );
  expect(bothRead).toBeGreaterThan(100);
});
