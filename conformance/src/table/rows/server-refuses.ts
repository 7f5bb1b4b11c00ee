import type { HeaderChanges } from '../peer/http.ts';
import type { RequestRow } from '../row.ts';
import { type Options, opens, row } from './request-row.ts';

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

/** Requests that are HTTP, and no opening handshake. */
export const refused: RequestRow[] = [
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
  ...['1.0', '0.9', '2.0', '3.0'].map((version) =>
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
