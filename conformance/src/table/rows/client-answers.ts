import { acceptOf, answerText, type HeaderChanges, sampleKey } from '../peer/http.ts';
import type { AnswerRow } from '../row.ts';
import { opens, rejects } from './answer-row.ts';

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

/** The numbered checks at the end of §4.1. */
export const answers: AnswerRow[] = [
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

function swapCase(value: string): string {
  return value.replace(/[a-z]/gi, (letter) =>
    letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase(),
  );
}
