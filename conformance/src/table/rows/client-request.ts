import { type HeardHead, valuesOf } from '../peer/http.ts';
import type { AnswerRow } from '../row.ts';
import { type Extra, opens } from './answer-row.ts';

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

/** What our client sends. */
export const request: AnswerRow[] = [
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
