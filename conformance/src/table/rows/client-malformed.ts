import { answerText } from '../peer/http.ts';
import type { AnswerRow } from '../row.ts';
import { rejects } from './answer-row.ts';

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

/** Answers that are no HTTP, too long, late or cut. */
export const broken: AnswerRow[] = [
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
    options: { handshakeTimeoutMs: 1000 },
    deliveries: ['in one write'],
  }),
  rejects(
    '4.1-slow',
    '6455 §4.1',
    'So does one whose answer is never whole.',
    'TIMEOUT',
    (key) => good(key).slice(0, -2),
    { options: { handshakeTimeoutMs: 1000 }, deliveries: ['in one write'] },
  ),
];
