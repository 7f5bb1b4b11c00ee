import { requestText } from '../peer/http.ts';
import type { RequestRow } from '../row.ts';
import { manyFields, opens, row } from './request-row.ts';

const good = requestText();
const lines = good.split('\r\n');
const keyLine = lines.findIndex((line) => line.startsWith('Sec-WebSocket-Key'));
const replaced = (from: string, to: string) => good.replace(from, to);
const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n';
const malformed: readonly (readonly [id: string, rule: string, request: string])[] = [
  [
    'content-length',
    'A body gets 400: frames would begin inside it.',
    requestText({ change: { 'Content-Length': String(smuggled.length) } }) + smuggled,
  ],
  ['content-length-twice', 'Two lengths get 400.', requestText({ change: { 'Content-Length': ['0', '5'] } })],
  [
    'content-length-same-twice',
    'So does the same length twice.',
    requestText({ change: { 'Content-Length': ['0', '0'] } }),
  ],
  ['content-length-list', 'So does a list of lengths.', requestText({ change: { 'Content-Length': '0, 0' } })],
  ['content-length-negative', 'So does a negative length.', requestText({ change: { 'Content-Length': '-1' } })],
  ['content-length-signed', 'So does one with a sign.', requestText({ change: { 'Content-Length': '+0' } })],
  ['content-length-hex', 'So does one in hex.', requestText({ change: { 'Content-Length': '0x0' } })],
  ['content-length-empty', 'So does an empty one.', requestText({ change: { 'Content-Length': '' } })],
  ['chunked', 'A chunked body gets 400.', `${requestText({ change: { 'Transfer-Encoding': 'chunked' } })}0\r\n\r\n`],
  [
    'chunked-and-length',
    'Both kinds of length get 400.',
    requestText({ change: { 'Transfer-Encoding': 'chunked', 'Content-Length': '4' } }),
  ],
  [
    'transfer-encoding-odd',
    'Any transfer coding gets 400, known or not.',
    requestText({ change: { 'Transfer-Encoding': 'xchunked' } }),
  ],
  ['transfer-encoding-identity', 'So does "identity".', requestText({ change: { 'Transfer-Encoding': 'identity' } })],
  ['space-before-colon', 'White space before the colon gets 400.', replaced('Host:', 'Host :')],
  ['tab-before-colon', 'So does a tab.', replaced('Host:', 'Host\t:')],
  ['obs-fold', 'A folded line gets 400.', replaced('Connection: Upgrade', 'Connection:\r\n Upgrade')],
  [
    'obs-fold-tab',
    'So does one folded with a tab.',
    replaced('Upgrade: websocket\r\n', 'Upgrade: websocket\r\n\tx\r\n'),
  ],
  ['fold-first', 'So does a first field that begins with a space.', replaced('\r\nHost', '\r\n Host')],
  [
    'bare-lf',
    'A line that ends in a line feed alone gets 400.',
    replaced('Upgrade: websocket\r\n', 'Upgrade: websocket\n'),
  ],
  ['bare-lf-request-line', 'So does the request line.', replaced('HTTP/1.1\r\n', 'HTTP/1.1\n')],
  ['bare-lf-all', 'So does a whole head of them.', good.replaceAll('\r\n', '\n')],
  ['bare-cr', 'A carriage return inside a line gets 400.', replaced('Upgrade: websocket', 'Upgrade: websocket\rX: y')],
  ['cr-cr-lf', 'So does a doubled one.', replaced('Upgrade: websocket\r\n', 'Upgrade: websocket\r\r\n')],
  ['nul-in-value', 'A NUL in a value gets 400.', replaced('Upgrade: websocket', 'Upgrade: websocket\r\nX: a\0b')],
  [
    'control-in-value',
    'So does any other control character.',
    replaced('Upgrade: websocket', 'Upgrade: websocket\r\nX: a\x07b'),
  ],
  ['del-in-value', 'So does DEL.', replaced('Upgrade: websocket', 'Upgrade: websocket\r\nX: a\x7fb')],
  ['nul-in-name', 'So does one in a name.', replaced('Upgrade: websocket', 'Upgrade: websocket\r\nX\0: y')],
  ['empty-name', 'An empty name gets 400.', replaced('Upgrade: websocket', 'Upgrade: websocket\r\n: y')],
  ['no-colon', 'A line without a colon gets 400.', replaced('Upgrade: websocket', 'Upgrade: websocket\r\nnonsense')],
  [
    'name-with-separator',
    'A name that is no token gets 400.',
    replaced('Upgrade: websocket', 'Upgrade: websocket\r\nX(y): z'),
  ],
  ['name-not-ascii', 'So does one beyond ASCII.', replaced('Upgrade: websocket', 'Upgrade: websocket\r\nXé: z')],
  ['two-spaces', 'Two spaces in the request line get 400.', replaced('GET / ', 'GET  / ')],
  ['tab-in-line', 'So does a tab.', replaced('GET / ', 'GET\t/ ')],
  ['space-in-target', 'So does a space in the target.', replaced('GET / ', 'GET /a b ')],
  ['no-version', 'A request line without a version gets 400.', replaced(' HTTP/1.1', '')],
  ['bad-version', 'So does a version that is none.', replaced('HTTP/1.1', 'HTTP/1.1.1')],
  ['lower-http', 'So does "http" in lower case.', replaced('HTTP/1.1', 'http/1.1')],
  ['space-behind-line', 'So does a space behind it.', replaced('HTTP/1.1\r\n', 'HTTP/1.1 \r\n')],
  ['space-first', 'So does one in front.', ` ${good}`],
  ['two-empty-lines', 'A second empty line in front gets 400.', `\r\n\r\n${good}`],
  ['fragment-in-target', 'A fragment in the target gets 400.', replaced('GET / ', 'GET /#x ')],
  ['target-no-slash', 'A target that begins with no slash gets 400.', replaced('GET / ', 'GET chat ')],
  ['target-star', 'So does an asterisk.', replaced('GET / ', 'GET * ')],
  ['target-authority', 'So does an authority.', replaced('GET / ', 'GET 127.0.0.1:80 ')],
  [
    'target-other-host',
    'An absolute target for another host than Host gets 400.',
    replaced('GET / ', 'GET http://other/ '),
  ],
  ['target-not-ascii', 'A target beyond ASCII gets 400.', replaced('GET / ', 'GET /é ')],
  ['tls-hello', 'What is not HTTP at all gets 400.', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'],
  ['http2-preface', 'The preface of HTTP/2 gets 400.', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
];

/** Bytes in which two readers could see two different requests, or none at all. */
export const smuggling: RequestRow[] = malformed.map(([id, rule, request]) =>
  row(`4.2.1-malformed-${id}`, '7230 §3', rule, 400, request),
);

/** Heads above a limit, and heads that never end. */
export const tooMuch: RequestRow[] = [
  row(
    '431-line',
    '6585 §5',
    'A field of 9,000 bytes gets 431.',
    431,
    { change: { 'X-Long': 'x'.repeat(9000) } },
    { deliveries: ['in one write', 'in chops of 700 bytes'] },
  ),
  row('431-line-endless', '6585 §5', 'So does a line that does not end.', 431, `GET /${'x'.repeat(9000)}`, {
    followed: false,
    deliveries: ['in one write', 'in chops of 700 bytes'],
  }),
  row(
    '431-fields',
    '6585 §5',
    'More than 100 fields get 431.',
    431,
    { more: manyFields(100) },
    { deliveries: ['in one write', 'in chops of 700 bytes'] },
  ),
  row(
    '431-head',
    '6585 §5',
    'A head above 16 KiB gets 431.',
    431,
    { more: `A: ${'x'.repeat(7000)}\r\nB: ${'x'.repeat(7000)}\r\nC: ${'x'.repeat(7000)}\r\n` },
    { deliveries: ['in one write', 'in chops of 700 bytes'] },
  ),
  opens(
    '431-fields-100',
    '6585 §5',
    '100 fields are taken.',
    { more: manyFields(95) },
    { deliveries: ['in one write', 'in chops of 700 bytes'] },
  ),
  row(
    '408-slow',
    '7231 §6.5.7',
    'A head that is not whole in time gets 408.',
    408,
    lines.slice(0, keyLine).join('\r\n'),
    { followed: false, options: { handshakeTimeoutMs: 1000 }, deliveries: ['in one write'] },
  ),
  row('408-silent', '7231 §6.5.7', 'So does a client that says nothing.', 408, '', {
    followed: false,
    options: { handshakeTimeoutMs: 1000 },
    deliveries: ['in one write'],
  }),
];
