import { acceptOf, answerText, type HeaderChanges, type HeardHead, sampleKey, valuesOf } from '../peer/http.ts';
import type { AnswerRow, Group } from '../row.ts';

type Extra = Partial<Omit<AnswerRow, 'id' | 'clause' | 'rule' | 'kind'>>;
type Changes = Parameters<typeof answerText>[1] | ((key: string) => string);

function row(
  id: string,
  clause: string,
  rule: string,
  outcome: AnswerRow['outcome'],
  changes: Changes,
  extra: Extra = {},
): AnswerRow {
  const answer = typeof changes === 'function' ? changes : (key: string) => answerText(key, changes);
  return { kind: 'answer', id, clause: `RFC ${clause}`, rule, outcome, answer, ...extra };
}

const opens = (id: string, clause: string, rule: string, changes: Changes = {}, extra: Extra = {}) =>
  row(id, clause, rule, 'opens', changes, extra);
const rejects = (id: string, clause: string, rule: string, error: string, changes: Changes, extra: Extra = {}) =>
  row(id, clause, rule, { error }, changes, extra);

/** What the request has to be like. */
function asks(
  id: string,
  clause: string,
  rule: string,
  request: NonNullable<AnswerRow['request']>,
  extra: Extra = {},
): AnswerRow {
  return opens(id, clause, rule, {}, { request, deliveries: ['in one write'], ...extra });
}

const one = (head: HeardHead, name: string, wanted: string | RegExp): string | undefined => {
  const values = valuesOf(head, name);
  const fits = values.length === 1 && (typeof wanted === 'string' ? values[0] === wanted : wanted.test(values[0]!));
  return fits ? undefined : `${name}: ${values.join(' | ') || '(absent)'}, expected ${wanted}`;
};
const none = (head: HeardHead, name: string) =>
  valuesOf(head, name).length === 0 ? undefined : `${name}: ${valuesOf(head, name)}`;

const keysSeen = new Set<string>();

const request: AnswerRow[] = [
  asks('4.1-line', '6455 §4.1 items 1–3', 'The request is a GET of the path, in HTTP/1.1.', ({ line }) =>
    line === 'GET / HTTP/1.1' ? undefined : line,
  ),
  asks(
    '4.1-resource',
    '6455 §4.1 item 3',
    'It asks for path and query, as they stand in the URL.',
    ({ line }) => (line === 'GET /chat/%C3%A4?x=1&y=%20 HTTP/1.1' ? undefined : line),
    { path: '/chat/ä?x=1&y=%20' },
  ),
  asks('4.1-host', '6455 §4.1 item 4', 'Host names host and port, once.', (head, url) => one(head, 'Host', url.host)),
  asks('4.1-upgrade', '6455 §4.1 item 5', 'Upgrade says websocket.', (head) => one(head, 'Upgrade', /^websocket$/i)),
  asks('4.1-connection', '6455 §4.1 item 6', 'Connection says Upgrade.', (head) =>
    one(head, 'Connection', /^upgrade$/i),
  ),
  asks('4.1-key', '6455 §4.1 item 7', 'The key is 16 bytes in base64.', (head) =>
    one(head, 'Sec-WebSocket-Key', /^[A-Za-z0-9+/]{21}[AQgw]==$/),
  ),
  asks(
    '4.1-key-fresh',
    '6455 §4.1 item 7',
    'Every connection has a key of its own.',
    (head) => {
      const [key = ''] = valuesOf(head, 'Sec-WebSocket-Key');
      if (keysSeen.has(key)) return `the key ${key} again`;
      keysSeen.add(key);
      return undefined;
    },
    { deliveries: Array.from({ length: 20 }, () => 'in one write' as const) },
  ),
  asks('4.1-version', '6455 §4.1 item 9', 'The version is 13.', (head) => one(head, 'Sec-WebSocket-Version', '13')),
  asks(
    '4.1-no-body',
    '7230 §3.3',
    'It has no body.',
    (head) => none(head, 'Content-Length') ?? none(head, 'Transfer-Encoding'),
  ),
  asks('4.1-no-origin', '6455 §4.1 item 8', 'A client that is no browser sends no Origin by itself.', (head) =>
    none(head, 'Origin'),
  ),
  asks('4.1-no-protocol', '6455 §4.1 item 10', 'Without subprotocols there is no such field.', (head) =>
    none(head, 'Sec-WebSocket-Protocol'),
  ),
  asks(
    '4.1-protocols',
    '6455 §4.1 item 10',
    'Subprotocols stand in their order.',
    (head) => one(head, 'Sec-WebSocket-Protocol', /^superchat, ?chat$/),
    { options: { protocols: ['superchat', 'chat'] } },
  ),
  asks(
    '4.1-headers',
    '6455 §4.1 item 12',
    'Further fields are sent as they were given.',
    (head) => one(head, 'X-Own', 'a, b') ?? one(head, 'Origin', 'https://example.com'),
    {
      options: {
        headers: [
          ['X-Own', 'a, b'],
          ['Origin', 'https://example.com'],
        ],
      },
    },
  ),
  asks('4.1-crlf', '7230 §3.5', 'Every name is a token, every field stands on one line.', ({ fields }) => {
    const bad = fields.find(([name, value]) => !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) || /[\r\n\0]/.test(value));
    return bad ? bad.join(': ') : undefined;
  }),
];

const changed = (
  name: string,
  bad: Readonly<Record<string, string | readonly string[] | undefined>>,
  error: string,
  check: number,
) =>
  Object.entries(bad).map(([what, value]) =>
    rejects(
      `4.1-${name.toLowerCase()}-${what.replaceAll(' ', '-')}`,
      `6455 §4.1 check ${check}`,
      `${name} that is ${what} fails the connection.`,
      error,
      { change: { [name]: value } as HeaderChanges },
    ),
  );

const body = (line: string, more = '') => `${line}\r\n${more}Content-Length: 4\r\n\r\nbody`;
const offer = { protocols: ['chat', 'superchat'] };

const answers: AnswerRow[] = [
  opens('4.1-good', '6455 §4.1', 'A good answer opens the connection; frames may follow in the same segment.'),
  opens(
    '4.1-answer-case',
    '6455 §4.1 checks 2, 3',
    'Names and the values of Upgrade and Connection are compared without case.',
    { change: { Upgrade: 'WebSocket', Connection: 'UPGRADE' } },
  ),
  opens('4.1-answer-names-lower', '7230 §3.2', 'Names may be in lower case.', (key) =>
    answerText(key).replace(/^[A-Z][^: \r\n]*:/gm, (name) => name.toLowerCase()),
  ),
  opens('4.1-answer-connection-list', '6455 §4.1 check 3', 'Connection is a list.', {
    change: { Connection: 'keep-alive, Upgrade' },
  }),
  opens('4.1-answer-connection-twice', '7230 §3.2.2', 'A list may be spread over several fields.', {
    change: { Connection: ['keep-alive', 'Upgrade'] },
  }),
  opens('4.1-answer-space', '6455 §4.1 check 4', 'White space around the accept key is ignored.', (key) =>
    answerText(key, { change: { 'Sec-WebSocket-Accept': ` \t${acceptOf(key)}\t ` } }),
  ),
  opens('4.1-answer-other-fields', '7231', 'Other fields are nothing to it.', {
    change: { Server: 'x', Date: 'now', 'Set-Cookie': ['a=b', 'c=d'] },
  }),
  opens('4.1-answer-reason', '7230 §3.1.2', 'The reason phrase may be anything, or nothing.', {
    line: 'HTTP/1.1 101 ',
  }),
  opens('4.1-answer-reason-odd', '7230 §3.1.2', 'It may be in Latin-1.', { line: 'HTTP/1.1 101 Grüß Gott' }),
  opens(
    '4.1-answer-interim',
    '7231 §6.2',
    'An interim answer before it is skipped.',
    (key) => `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${answerText(key)}`,
  ),
  opens(
    '4.1-protocol-chosen',
    '6455 §4.1 check 6',
    'One of the offered subprotocols is taken.',
    { change: { 'Sec-WebSocket-Protocol': 'superchat' } },
    { options: offer },
  ),
  opens('4.1-protocol-none-chosen', '6455 §4.1 check 6', 'A server need not choose one.', {}, { options: offer }),
  ...[200, 201, 204, 301, 302, 307, 308, 400, 401, 403, 404, 407, 426, 429, 500, 502, 503].map((status) =>
    rejects(
      `4.1-status-${status}`,
      '6455 §4.1 check 1',
      `Status ${status} fails the connection.`,
      'UNEXPECTED_STATUS',
      () => body(`HTTP/1.1 ${status} X`, status < 400 && status > 300 ? 'Location: /elsewhere\r\n' : ''),
    ),
  ),
  rejects(
    '4.1-status-200-else-good',
    '6455 §4.1 check 1',
    'Status 200 fails it, even with all the fields of a 101.',
    'UNEXPECTED_STATUS',
    { line: 'HTTP/1.1 200 OK' },
  ),
  rejects('4.1-http-1.0', '6455 §4.1', 'A 101 in HTTP/1.0 fails it.', 'BAD_HTTP_VERSION', {
    line: 'HTTP/1.0 101 Switching Protocols',
  }),
  rejects('4.1-http-2.0', '6455 §4.1', 'So does one in HTTP/2.0.', 'BAD_HTTP_VERSION', {
    line: 'HTTP/2.0 101 Switching Protocols',
  }),
  ...changed(
    'Upgrade',
    {
      missing: undefined,
      empty: '',
      another: 'h2c',
      'almost it': 'websockets',
      'a list': 'websocket, h2c',
      doubled: ['websocket', 'websocket'],
    },
    'BAD_UPGRADE',
    2,
  ),
  ...changed(
    'Connection',
    { missing: undefined, empty: '', close: 'close', 'keep-alive': 'keep-alive', 'almost it': 'Upgraded' },
    'BAD_CONNECTION',
    3,
  ),
  ...changed(
    'Sec-WebSocket-Accept',
    {
      missing: undefined,
      empty: '',
      'for another key': acceptOf(sampleKey),
      'the key itself': sampleKey,
      'not base64': '****************************',
    },
    'BAD_ACCEPT',
    4,
  ),
  rejects('4.1-accept-doubled', '6455 §11.3.3', 'Two accept keys fail it, even equal ones.', 'BAD_ACCEPT', (key) =>
    answerText(key, { change: { 'Sec-WebSocket-Accept': [acceptOf(key), acceptOf(key)] } }),
  ),
  rejects('4.1-accept-case', '6455 §4.1 check 4', 'An accept key in another case fails it.', 'BAD_ACCEPT', (key) =>
    answerText(key, { change: { 'Sec-WebSocket-Accept': swapCase(acceptOf(key)) } }),
  ),
  rejects('4.1-accept-cut', '6455 §4.1 check 4', 'So does one without its padding.', 'BAD_ACCEPT', (key) =>
    answerText(key, { change: { 'Sec-WebSocket-Accept': acceptOf(key).replace('=', '') } }),
  ),
  rejects(
    '4.1-accept-plain',
    '6455 §4.1 check 4',
    'So does the hash of the key without the GUID.',
    'BAD_ACCEPT',
    (key) => answerText(key, { change: { 'Sec-WebSocket-Accept': Buffer.from(key).toString('base64').slice(0, 28) } }),
  ),
  rejects(
    '4.1-extension-not-offered',
    '6455 §4.1 check 5',
    'An extension that was not offered fails it.',
    'UNREQUESTED_EXTENSION',
    { change: { 'Sec-WebSocket-Extensions': 'x-unknown' } },
  ),
  rejects('4.1-extension-malformed', '6455 §9.1', 'So does one that does not follow the grammar.', 'BAD_EXTENSIONS', {
    change: { 'Sec-WebSocket-Extensions': 'a; =' },
  }),
  rejects('4.1-extension-empty', '6455 §9.1', 'So does an empty field.', 'BAD_EXTENSIONS', {
    change: { 'Sec-WebSocket-Extensions': '' },
  }),
  rejects(
    '4.1-protocol-not-offered',
    '6455 §4.1 check 6',
    'A subprotocol that was not offered fails it.',
    'UNREQUESTED_PROTOCOL',
    { change: { 'Sec-WebSocket-Protocol': 'other' } },
    { options: offer },
  ),
  rejects('4.1-protocol-unasked', '6455 §4.1 check 6', 'So does any when none was offered.', 'UNREQUESTED_PROTOCOL', {
    change: { 'Sec-WebSocket-Protocol': 'chat' },
  }),
  rejects(
    '4.1-protocol-case',
    '6455 §4.1 check 6',
    'So does one in another case.',
    'UNREQUESTED_PROTOCOL',
    { change: { 'Sec-WebSocket-Protocol': 'CHAT' } },
    { options: offer },
  ),
  rejects(
    '4.1-protocol-list',
    '6455 §11.3.4',
    'So do two in one field.',
    'UNREQUESTED_PROTOCOL',
    { change: { 'Sec-WebSocket-Protocol': 'chat, superchat' } },
    { options: offer },
  ),
  rejects(
    '4.1-protocol-twice',
    '6455 §11.3.4',
    'So do two fields.',
    'BAD_PROTOCOL',
    { change: { 'Sec-WebSocket-Protocol': ['chat', 'chat'] } },
    { options: offer },
  ),
  rejects(
    '4.1-protocol-empty',
    '6455 §4.1 check 6',
    'So does an empty one.',
    'UNREQUESTED_PROTOCOL',
    { change: { 'Sec-WebSocket-Protocol': '' } },
    { options: offer },
  ),
];

const good = (key: string) => answerText(key);
const malformed: readonly (readonly [id: string, rule: string, error: string, answer: (key: string) => string])[] = [
  ['not-http', 'What is not HTTP fails the connection.', 'BAD_STATUS_LINE', () => 'SSH-2.0-OpenSSH_9\r\n\r\n'],
  ['http-0.9', 'So does a body without a head.', 'BAD_STATUS_LINE', () => '<html></html>\r\n\r\n'],
  ['frames-at-once', 'So do frames without an answer.', 'BAD_STATUS_LINE', () => '\x81\x02hi\r\n'],
  [
    'status-two-digits',
    'A status of two digits fails it.',
    'BAD_STATUS_LINE',
    (key) => good(key).replace('101 ', '10 '),
  ],
  ['status-four-digits', 'So does one of four.', 'BAD_STATUS_LINE', (key) => good(key).replace('101 ', '1010 ')],
  ['empty-line-first', 'So does an empty line in front.', 'BAD_STATUS_LINE', (key) => `\r\n${good(key)}`],
  [
    'bare-lf',
    'So does a line that ends in a line feed alone.',
    'BAD_HEADER',
    (key) => good(key).replace('websocket\r\n', 'websocket\n'),
  ],
  ['bare-lf-status', 'So does a status line that does.', 'BAD_STATUS_LINE', (key) => good(key).replace('\r\n', '\n')],
  ['obs-fold', 'So does a folded line.', 'BAD_HEADER', (key) => good(key).replace('Connection: ', 'Connection:\r\n ')],
  [
    'space-before-colon',
    'So does white space before a colon.',
    'BAD_HEADER',
    (key) => good(key).replace('Upgrade:', 'Upgrade :'),
  ],
  [
    'no-colon',
    'So does a line without a colon.',
    'BAD_HEADER',
    (key) => good(key).replace('\r\n\r\n', '\r\nnonsense\r\n\r\n'),
  ],
  ['nul', 'So does a NUL.', 'BAD_HEADER', (key) => good(key).replace('\r\n\r\n', '\r\nX: a\0\r\n\r\n')],
  [
    'bare-cr',
    'So does a carriage return inside a line.',
    'BAD_HEADER',
    (key) => good(key).replace('\r\n\r\n', '\r\nX: a\rY: b\r\n\r\n'),
  ],
];

const broken: AnswerRow[] = [
  ...malformed.map(([id, rule, error, answer]) => rejects(`4.1-malformed-${id}`, '7230 §3', rule, error, answer)),
  rejects(
    '4.1-line-too-long',
    '6455 §10.4',
    'A line of 9,000 bytes fails it.',
    'LINE_TOO_LONG',
    { change: { 'X-Long': 'x'.repeat(9000) } },
    { deliveries: ['in one write', 'in chops of 700 bytes'] },
  ),
  rejects(
    '4.1-too-many-fields',
    '6455 §10.4',
    'So do more than 100 fields.',
    'TOO_MANY_HEADERS',
    { more: 'X: y\r\n'.repeat(100) },
    { deliveries: ['in one write', 'in chops of 700 bytes'] },
  ),
  rejects(
    '4.1-head-too-large',
    '6455 §10.4',
    'So does a head above 16 KiB.',
    'HEAD_TOO_LARGE',
    { more: `X: ${'y'.repeat(5000)}\r\n`.repeat(4) },
    { deliveries: ['in one write', 'in chops of 700 bytes'] },
  ),
  rejects(
    '4.1-interim-endless',
    '7231 §6.2',
    'Interim answers without end fail it.',
    'UNEXPECTED_STATUS',
    () => 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(50),
    { deliveries: ['in one write'] },
  ),
  rejects(
    '4.1-end-before-answer',
    '6455 §4.1',
    'TCP that ends before the answer fails it.',
    'CONNECTION_LOST',
    () => '',
    { thenEnds: true, deliveries: ['in one write'] },
  ),
  rejects(
    '4.1-end-inside-answer',
    '6455 §4.1',
    'So does TCP that ends inside it.',
    'CONNECTION_LOST',
    (key) => good(key).slice(0, 40),
    { thenEnds: true, deliveries: ['in one write'] },
  ),
  rejects('4.1-silence', '6455 §4.1', 'So does a server that says nothing for too long.', 'TIMEOUT', () => '', {
    options: { handshakeTimeoutMs: 100 },
    deliveries: ['in one write'],
  }),
  rejects(
    '4.1-slow',
    '6455 §4.1',
    'So does one whose answer is never whole.',
    'TIMEOUT',
    (key) => good(key).slice(0, -2),
    { options: { handshakeTimeoutMs: 150 }, deliveries: ['in one write'] },
  ),
];

function swapCase(value: string): string {
  return value.replace(/[a-z]/gi, (letter) =>
    letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase(),
  );
}

export const clientHandshake: Group = { title: 'Opening handshake, client', rows: [...request, ...answers, ...broken] };
