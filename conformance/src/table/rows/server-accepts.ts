import { requestText } from '../peer/http.ts';
import type { RequestRow } from '../row.ts';
import { manyFields, opens } from './request-row.ts';

const good = requestText();
const lines = good.split('\r\n');
const protocols = { protocols: ['chat', 'superchat'] };

/** Requests that open a connection. */
export const accepted: RequestRow[] = [
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
  opens('4.2.1-absolute-port', '3986 §6.2.3', 'So is one that names the default port, which Host leaves out.', {
    line: 'GET http://127.0.0.1:80/ HTTP/1.1',
    change: { Host: '127.0.0.1' },
  }),
  opens('4.2.1-host-port-empty', '3986 §3.2.3', 'The port of Host may be empty.', { change: { Host: '127.0.0.1:' } }),
  opens('4.2.1-host-port', '6455 §4.2.1 item 2', 'Host may have a port.', { change: { Host: '127.0.0.1:9001' } }),
  opens('4.2.1-host-ipv6', '6455 §4.2.1 item 2', 'Host may be an IPv6 address.', { change: { Host: '[::1]:9001' } }),
  opens('4.2.1-empty-line-first', '7230 §3.5', 'An empty line before the request line is skipped.', `\r\n${good}`),
  opens('4.2.1-content-length-0', '7230 §3.3.2', 'A body of no bytes is no body.', {
    change: { 'Content-Length': '0' },
  }),
  opens('4.2.1-key-padding-bits', '6455 §4.2.1 item 5', 'The key is not decoded, only answered.', {
    change: { 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAB==' },
  }),
  opens('4.2.1-http-1.2', '6455 §4.2.1 item 1', '"HTTP/1.1 or higher": a later minor version is spoken as 1.1.', {
    line: 'GET / HTTP/1.2',
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
