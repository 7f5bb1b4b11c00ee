import { type HeaderChanges, requestText } from '../peer/http.ts';
import type { Group, RequestRow } from '../row.ts';

type Options = Partial<Omit<RequestRow, 'id' | 'clause' | 'rule' | 'request' | 'kind'>>;
type Request = Parameters<typeof requestText>[0] | string;

function row(
  id: string,
  clause: string,
  rule: string,
  status: number,
  request: Request,
  extra: Options = {},
): RequestRow {
  const whole = typeof request === 'string' ? request : requestText(request);
  return { kind: 'request', id, clause: `RFC ${clause}`, rule, status, request: whole, ...extra };
}

const opens = (id: string, clause: string, rule: string, request: Request = {}, extra: Options = {}) =>
  row(id, clause, rule, 101, request, extra);

/** A header that is missing, empty, doubled, and whatever else `bad` has, gets `status`. */
function refusesHeader(
  name: string,
  item: number,
  status: number,
  bad: Readonly<Record<string, string | readonly string[] | undefined>>,
  headers: Options['headers'] = {},
): RequestRow[] {
  return Object.entries(bad).map(([what, value]) =>
    row(
      `4.2.1-${name.toLowerCase()}-${what.replaceAll(' ', '-')}`,
      `6455 §4.2.1 item ${item}`,
      `${name} that is ${what} gets ${status}.`,
      status,
      { change: { [name]: value } as HeaderChanges },
      { headers },
    ),
  );
}

const upgradeRequired = { Upgrade: /websocket/i, 'Sec-WebSocket-Version': '13' };
const good = requestText();
const lines = good.split('\r\n');
const keyLine = lines.findIndex((line) => line.startsWith('Sec-WebSocket-Key'));
const replaced = (from: string, to: string) => good.replace(from, to);
const protocols = { protocols: ['chat', 'superchat'] };
const manyFields = (count: number) => Array.from({ length: count }, (_, i) => `X-${i}: y\r\n`).join('');

const accepted: RequestRow[] = [
  opens(
    '4.2.2-sample',
    '6455 §4.2.2',
    'A good request gets a 101 with the accept key; frames may follow in the same segment.',
    {},
    {
      headers: { 'Sec-WebSocket-Accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=' },
    },
  ),
  opens(
    '4.2.1-names-case',
    '7230 §3.2',
    'Header names are compared without case.',
    good.replace(/^[A-Z][^: \r\n]*:/gm, (name) => name.toUpperCase()),
  ),
  opens(
    '4.2.1-names-lower',
    '7230 §3.2',
    'So they are in lower case.',
    good.replace(/^[A-Z][^: \r\n]*:/gm, (name) => name.toLowerCase()),
  ),
  opens('4.2.1-upgrade-case', '6455 §4.2.1 item 3', 'The value of Upgrade is compared without case.', {
    change: { Upgrade: 'WebSocket' },
  }),
  opens('4.2.1-connection-case', '6455 §4.2.1 item 4', 'The value of Connection is compared without case.', {
    change: { Connection: 'upGRADE' },
  }),
  opens('4.2.1-connection-list', '6455 §4.2.1 item 4', 'Connection is a list: keep-alive may stand beside Upgrade.', {
    change: { Connection: 'keep-alive, Upgrade' },
  }),
  opens('4.2.1-connection-twice', '7230 §3.2.2', 'A list may be spread over several fields.', {
    change: { Connection: ['keep-alive', 'Upgrade'] },
  }),
  opens('4.2.1-connection-empty-elements', '7230 §7', 'Empty elements of a list are nothing.', {
    change: { Connection: ', ,Upgrade,,' },
  }),
  opens('4.2.1-upgrade-list', '7230 §6.7', 'Upgrade is a list too.', { change: { Upgrade: 'h2c, websocket' } }),
  opens(
    '4.2.1-no-space',
    '7230 §3.2',
    'White space around a value is not part of it, and need not be there.',
    good.replaceAll(': ', ':'),
  ),
  opens(
    '4.2.1-much-space',
    '7230 §3.2',
    'There may be much of it.',
    good.replaceAll(': ', ': \t  ').replace('Upgrade\r\n', 'Upgrade \t \r\n'),
  ),
  opens(
    '4.2.1-order',
    '6455 §4.1',
    'The order of the fields means nothing.',
    [lines[0], ...lines.slice(1, -2).reverse(), '', ''].join('\r\n'),
  ),
  opens('4.2.1-other-fields', '6455 §4.1', 'Other fields (cookies, a user agent, unknown ones) are nothing to it.', {
    change: { Cookie: 'a=b; c=d', 'User-Agent': 'x', 'X-Unknown': 'é', Authorization: 'Basic eDp5' },
  }),
  opens('4.2.1-path-query', '6455 §4.2.1 item 1', 'A path and a query may be anything.', {
    line: 'GET /chat/%C3%A4?x=1&y=/../? HTTP/1.1',
  }),
  opens('4.2.1-absolute', '7230 §5.3.2', 'A target in absolute form is taken, when it names the same host.', {
    line: 'GET http://127.0.0.1/chat HTTP/1.1',
  }),
  opens('4.2.1-host-port', '6455 §4.2.1 item 2', 'Host may have a port.', { change: { Host: '127.0.0.1:9001' } }),
  opens('4.2.1-host-ipv6', '6455 §4.2.1 item 2', 'Host may be an IPv6 address.', { change: { Host: '[::1]:9001' } }),
  opens('4.2.1-empty-line-first', '7230 §3.5', 'An empty line before the request line is skipped.', `\r\n${good}`),
  opens('4.2.1-content-length-0', '7230 §3.3.2', 'A body of no bytes is no body.', {
    change: { 'Content-Length': '0' },
  }),
  opens('4.2.1-key-padding-bits', '6455 §4.2.1 item 5', 'The key is not decoded, only answered.', {
    change: { 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAB==' },
  }),
  opens('4.2.1-origin', '6455 §4.2.1 item 7', 'An Origin is taken where any may come in.', {
    change: { Origin: 'https://example.com' },
  }),
  opens('4.2.1-large-head', '6455 §4.2.1', 'A head of 12 KB in 60 fields is taken.', {
    change: { Cookie: 'x'.repeat(4000), 'X-Long': 'y'.repeat(7000) },
    more: manyFields(50),
  }),
  opens('4.2.2-protocol-none', '6455 §4.2.2', 'A subprotocol that the server does not speak is not answered.', {
    change: { 'Sec-WebSocket-Protocol': 'unknown' },
  }),
  opens(
    '4.2.2-protocol',
    '6455 §4.2.2 item 5',
    'A subprotocol that it speaks is answered, that one alone.',
    { change: { 'Sec-WebSocket-Protocol': 'other, superchat' } },
    { options: protocols, headers: { 'Sec-WebSocket-Protocol': 'superchat' } },
  ),
  opens(
    '4.2.2-protocol-preferred',
    '6455 §4.2.2 item 4',
    'Of several the server chooses one.',
    { change: { 'Sec-WebSocket-Protocol': ['superchat', 'chat'] } },
    { options: protocols, headers: { 'Sec-WebSocket-Protocol': 'chat' } },
  ),
  opens(
    '4.2.2-protocol-case',
    '6455 §4.2.2',
    'Subprotocols are compared with case.',
    { change: { 'Sec-WebSocket-Protocol': 'CHAT' } },
    { options: protocols },
  ),
  opens('9.1-unknown-extension', '6455 §9.1', 'An extension that the server does not know is not answered.', {
    change: { 'Sec-WebSocket-Extensions': 'x-unknown; a=1; b="2", x-other' },
  }),
];

const versions: Record<string, string | undefined> = {
  missing: undefined,
  empty: '',
  'version 0': '0',
  'version 7': '7',
  'version 8': '8',
  'version 12': '12',
  'version 14': '14',
  'version 113': '113',
  'version 255': '255',
  'no number': 'x',
  'with a zero': '013',
  'a list': '13, 8',
  signed: '+13',
  'with a fraction': '13.0',
};

const refused: RequestRow[] = [
  ...['POST', 'PUT', 'HEAD', 'OPTIONS', 'DELETE', 'CONNECT', 'get', 'Get', 'XGET'].map((method) =>
    row(
      `4.2.1-method-${method}`,
      '6455 §4.2.1 item 1',
      `The method ${method} gets 405, with the one that is allowed.`,
      405,
      { line: `${method} / HTTP/1.1` },
      { headers: { Allow: 'GET' } },
    ),
  ),
  ...['1.0', '0.9', '2.0', '1.2', '3.0'].map((version) =>
    row(`4.2.1-http-${version}`, '6455 §4.2.1 item 1', `HTTP/${version} cannot be upgraded: 400.`, 400, {
      line: `GET / HTTP/${version}`,
    }),
  ),
  ...refusesHeader('Host', 2, 400, {
    missing: undefined,
    empty: '',
    doubled: ['127.0.0.1', '127.0.0.1'],
    'two hosts': ['a', 'b'],
    'with a space': 'a b',
    'with a path': 'a/b',
    'with a user': 'u@a',
    'a list': 'a, b',
    'a port too large': 'a:65536',
    'a port that is none': 'a:x',
  }),
  ...refusesHeader(
    'Upgrade',
    3,
    426,
    {
      missing: undefined,
      empty: '',
      another: 'h2c',
      'almost it': 'websockets',
      'a part of it': 'web',
      'with a version': 'websocket/13',
    },
    upgradeRequired,
  ),
  ...refusesHeader('Connection', 4, 400, {
    missing: undefined,
    empty: '',
    'keep-alive': 'keep-alive',
    close: 'close',
    'almost it': 'upgraded',
    'a part of it': 'x-upgrade',
  }),
  ...refusesHeader('Sec-WebSocket-Key', 5, 400, {
    missing: undefined,
    empty: '',
    doubled: ['dGhlIHNhbXBsZSBub25jZQ==', 'dGhlIHNhbXBsZSBub25jZQ=='],
    '15 bytes': 'AAAAAAAAAAAAAAAAAAAA',
    '17 bytes': 'AAAAAAAAAAAAAAAAAAAAAAA=',
    'without padding': 'dGhlIHNhbXBsZSBub25jZQ',
    'not base64': 'dGhlIHNhbXBsZSBub25j!Q==',
    'of the URL alphabet': 'dGhlIHNhbXBsZSBub25_-Q==',
    'a word': 'x',
    'with a space': 'dGhlIHNhbXBsZSB ub25jZQ==',
    'a list': 'dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==',
  }),
  ...refusesHeader('Sec-WebSocket-Version', 6, 426, versions, upgradeRequired),
  row('4.2.1-version-doubled', '6455 §11.3.5', 'Two versions, in two fields, get 400.', 400, {
    change: { 'Sec-WebSocket-Version': ['13', '8'] },
  }),
  row('4.2.1-version-same-twice', '6455 §11.3.5', 'So does the same one twice.', 400, {
    change: { 'Sec-WebSocket-Version': ['13', '13'] },
  }),
  row('4.2.1-protocol-twice', '6455 §4.1 item 10', 'A subprotocol offered twice gets 400.', 400, {
    change: { 'Sec-WebSocket-Protocol': 'chat, chat' },
  }),
  row('4.2.1-protocol-empty', '6455 §4.1 item 10', 'No subprotocol at all in the field gets 400.', 400, {
    change: { 'Sec-WebSocket-Protocol': '' },
  }),
  row('4.2.1-protocol-no-token', '6455 §4.1 item 10', 'A subprotocol that is no token gets 400.', 400, {
    change: { 'Sec-WebSocket-Protocol': 'chat, a b' },
  }),
  row('4.2.1-protocol-separator', '6455 §4.1 item 10', 'A separator inside a subprotocol gets 400.', 400, {
    change: { 'Sec-WebSocket-Protocol': 'chat/2' },
  }),
  ...['', ';', 'a;', 'a; b=', 'a; =b', 'a b', 'a; b="', 'a; b="x y"', '"a"', 'a; b c', 'ä', 'a, @'].map((value, i) =>
    row(
      `9.1-malformed-${i}`,
      '6455 §9.1',
      `Extensions that do not follow the grammar get 400: ${JSON.stringify(value)}.`,
      400,
      { change: { 'Sec-WebSocket-Extensions': value } },
    ),
  ),
  row(
    '4.2.2-path',
    '6455 §4.2.2 item 4',
    'A path that is not served gets 404.',
    404,
    { line: 'GET /other HTTP/1.1' },
    { options: { path: '/chat' } },
  ),
  row(
    '10.2-origin-foreign',
    '6455 §10.2',
    'A page of another origin gets 403.',
    403,
    { change: { Origin: 'https://evil.example' } },
    { options: { origins: 'same-origin' } },
  ),
  row(
    '10.2-origin-port',
    '6455 §10.2',
    'Another port is another origin.',
    403,
    { change: { Origin: 'http://127.0.0.1:81' } },
    { options: { origins: 'same-origin' } },
  ),
  row(
    '10.2-origin-null',
    '6455 §10.2',
    'The origin "null" is nobody’s.',
    403,
    { change: { Origin: 'null' } },
    { options: { origins: 'same-origin' } },
  ),
  row(
    '10.2-origin-prefix',
    '6455 §10.2',
    'A host that only begins alike is another one.',
    403,
    { change: { Origin: 'http://127.0.0.1.evil.example' } },
    { options: { origins: 'same-origin' } },
  ),
  row(
    '10.2-origin-user',
    '6455 §10.2',
    'A user in front of the host does not make an origin.',
    403,
    { change: { Origin: 'http://127.0.0.1@evil.example' } },
    { options: { origins: 'same-origin' } },
  ),
  row(
    '10.2-origin-twice',
    '6455 §10.2',
    'Two origins get 403.',
    403,
    { change: { Origin: ['http://127.0.0.1', 'https://evil.example'] } },
    { options: { origins: 'same-origin' } },
  ),
  row(
    '10.2-origin-unlisted',
    '6455 §10.2',
    'An origin that is not in the list gets 403.',
    403,
    { change: { Origin: 'https://b.example' } },
    { options: { origins: ['https://a.example'] } },
  ),
  opens(
    '10.2-origin-same',
    '6455 §10.2',
    'A page of the same origin comes in.',
    { change: { Origin: 'http://127.0.0.1' } },
    { options: { origins: 'same-origin' } },
  ),
  opens(
    '10.2-origin-listed',
    '6455 §10.2',
    'A listed origin comes in, whatever its case.',
    { change: { Origin: 'https://A.example' } },
    { options: { origins: ['https://a.example'] } },
  ),
  opens(
    '10.2-origin-absent',
    '6455 §10.2',
    'A client that is no page has no Origin and comes in.',
    {},
    { options: { origins: 'same-origin' } },
  ),
];

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

const smuggling: RequestRow[] = malformed.map(([id, rule, request]) =>
  row(`4.2.1-malformed-${id}`, '7230 §3', rule, 400, request),
);

const tooMuch: RequestRow[] = [
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
    { followed: false, options: { handshakeTimeoutMs: 150 }, deliveries: ['in one write'] },
  ),
  row('408-silent', '7231 §6.5.7', 'So does a client that says nothing.', 408, '', {
    followed: false,
    options: { handshakeTimeoutMs: 150 },
    deliveries: ['in one write'],
  }),
];

export const serverHandshake: Group = {
  title: 'Opening handshake, server',
  rows: [...accepted, ...refused, ...smuggling, ...tooMuch],
};
