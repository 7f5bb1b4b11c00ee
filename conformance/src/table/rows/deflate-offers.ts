import { type Agreement, parseAgreement } from '../peer/deflate.ts';
import { requestText } from '../peer/http.ts';
import type { RequestRow } from '../row.ts';

const BITS = [8, 9, 10, 11, 12, 13, 14, 15];

/** An offer that our server takes, and what its answer has to be like. */
function takes(
  id: string,
  clause: string,
  rule: string,
  offer: string | readonly string[],
  wanted: (agreement: Agreement, answer: string) => boolean = () => true,
): RequestRow {
  return {
    kind: 'request',
    id,
    clause: `RFC 7692 ${clause}`,
    rule,
    request: requestText({ change: { 'Sec-WebSocket-Extensions': offer } }),
    status: 101,
    headers: {
      'Sec-WebSocket-Extensions': (answer) => {
        try {
          return wanted(parseAgreement(answer), answer) ? undefined : 'an answer as the rule says';
        } catch (error) {
          return (error as Error).message;
        }
      },
    },
  };
}

/** An offer that our server declines: the connection opens without it. */
function declines(id: string, clause: string, rule: string, offer: string): RequestRow {
  return {
    kind: 'request',
    id,
    clause: `RFC 7692 ${clause}`,
    rule,
    request: requestText({ change: { 'Sec-WebSocket-Extensions': offer } }),
    status: 101,
    headers: { 'Sec-WebSocket-Extensions': undefined },
  };
}

/** What our server answers. */
export const offers: RequestRow[] = [
  takes(
    '7692-offer-plain',
    '§7.1',
    'A plain offer is taken; nothing is said of the client’s window, which it did not mention.',
    'permessage-deflate',
    ({ clientBits }, answer) => clientBits === 15 && !answer.includes('client_max'),
  ),
  takes('7692-offer-browser', '§7.1.2.2', 'A browser’s offer is taken.', 'permessage-deflate; client_max_window_bits'),
  takes(
    '7692-offer-server-takeover',
    '§7.1.1.1',
    'A server that is asked for no context takeover says so.',
    'permessage-deflate; server_no_context_takeover',
    ({ serverTakeover }) => !serverTakeover,
  ),
  takes(
    '7692-offer-client-takeover',
    '§7.1.1.2',
    'A client’s hint that it has no context takeover is taken.',
    'permessage-deflate; client_no_context_takeover',
  ),
  ...BITS.map((bits) =>
    takes(
      `7692-offer-server-bits-${bits}`,
      '§7.1.2.1',
      `A server that is asked for a window of ${bits} bits promises no more.`,
      `permessage-deflate; server_max_window_bits=${bits}`,
      ({ serverBits }, answer) => serverBits <= bits && answer.includes('server_max_window_bits'),
    ),
  ),
  ...BITS.map((bits) =>
    takes(
      `7692-offer-client-bits-${bits}`,
      '§7.1.2.2',
      `A client’s hint of ${bits} bits is taken; an answer does not name more.`,
      `permessage-deflate; client_max_window_bits=${bits}`,
      ({ clientBits }, answer) => !answer.includes('client_max') || clientBits <= bits,
    ),
  ),
  takes(
    '7692-offer-all-four',
    '§7.1',
    'All four parameters together are taken, in any order.',
    'permessage-deflate; client_max_window_bits=12; server_no_context_takeover; server_max_window_bits=11; client_no_context_takeover',
    ({ serverTakeover, serverBits }) => !serverTakeover && serverBits <= 11,
  ),
  takes(
    '7692-offer-quoted',
    '6455 §9.1',
    'A value may stand in quotes.',
    'permessage-deflate; server_max_window_bits="10"',
    ({ serverBits }) => serverBits <= 10,
  ),
  takes(
    '7692-offer-spaces',
    '6455 §9.1',
    'White space between the parts is nothing.',
    ' permessage-deflate ;server_max_window_bits = 10 ',
    ({ serverBits }) => serverBits <= 10,
  ),
  takes(
    '7692-offer-tight',
    '6455 §9.1',
    'There need not be any.',
    'permessage-deflate;server_no_context_takeover;server_max_window_bits=10',
    ({ serverBits, serverTakeover }) => serverBits <= 10 && !serverTakeover,
  ),
  takes(
    '7692-fallback-first',
    '§7.1',
    'The first offer that can be taken is taken.',
    'permessage-deflate; server_no_context_takeover; server_max_window_bits=8, permessage-deflate; server_no_context_takeover, permessage-deflate',
    ({ serverTakeover, serverBits }) => !serverTakeover && serverBits === 8,
  ),
  takes(
    '7692-fallback-second',
    '§7.1',
    'A bad offer does not spoil a good one behind it.',
    'permessage-deflate; server_max_window_bits=7, permessage-deflate; server_no_context_takeover',
    ({ serverTakeover, serverBits }) => !serverTakeover && serverBits === 15,
  ),
  takes(
    '7692-fallback-third',
    '§7.1',
    'Nor do two.',
    'permessage-deflate; unknown, permessage-deflate; server_max_window_bits, permessage-deflate; server_max_window_bits=9',
    ({ serverBits }) => serverBits === 9,
  ),
  takes(
    '7692-fallback-fields',
    '6455 §9.1',
    'Offers may stand in several fields.',
    ['permessage-deflate; unknown=1', 'permessage-deflate; server_max_window_bits=12'],
    ({ serverBits }) => serverBits <= 12,
  ),
  takes(
    '7692-fallback-unknown',
    '§5',
    'Other extensions around it are not answered.',
    'x-first; a=1, permessage-deflate, x-last',
  ),
  ...[
    ['too-small', 'server_max_window_bits=7'],
    ['too-large', 'server_max_window_bits=16'],
    ['zero', 'server_max_window_bits=0'],
    ['leading-zero', 'server_max_window_bits=08'],
    ['leading-zero-10', 'server_max_window_bits=010'],
    ['signed', 'server_max_window_bits=+8'],
    ['negative', 'server_max_window_bits=-8'],
    ['fraction', 'server_max_window_bits=9.5'],
    ['hex', 'server_max_window_bits=0xa'],
    ['word', 'server_max_window_bits=max'],
    ['huge', 'server_max_window_bits=99999999999999999999'],
    ['no-value', 'server_max_window_bits'],
    ['twice', 'server_max_window_bits=10; server_max_window_bits=10'],
    ['client-too-small', 'client_max_window_bits=7'],
    ['client-too-large', 'client_max_window_bits=16'],
    ['client-leading-zero', 'client_max_window_bits=09'],
    ['client-word', 'client_max_window_bits=x'],
    ['client-twice', 'client_max_window_bits; client_max_window_bits=10'],
    ['takeover-value', 'server_no_context_takeover=true'],
    ['takeover-value-1', 'server_no_context_takeover=1'],
    ['takeover-twice', 'server_no_context_takeover; server_no_context_takeover'],
    ['client-takeover-value', 'client_no_context_takeover=0'],
    ['client-takeover-twice', 'client_no_context_takeover; client_no_context_takeover'],
    ['unknown', 'unknown'],
    ['unknown-value', 'unknown=1'],
    ['case', 'Server_No_Context_Takeover'],
  ].map(([id, params]) =>
    declines(`7692-decline-${id}`, '§7.1', `An offer with "${params}" is declined.`, `permessage-deflate; ${params}`),
  ),
  ...[
    'x-webkit-deflate-frame',
    'deflate-frame',
    'permessage-bzip2',
    'permessage-compress; method=deflate',
    'permessage-deflat',
    'permessage-deflate2',
  ].map((name) =>
    declines(`7692-decline-${name.split(';')[0]}`, '§5', `"${name}" is another extension, and declined.`, name),
  ),
];
