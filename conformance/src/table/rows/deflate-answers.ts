import { parseAgreement } from '../peer/deflate.ts';
import { answerText, type HeardHead, valuesOf } from '../peer/http.ts';
import type { AnswerRow } from '../row.ts';

const BITS = [8, 9, 10, 11, 12, 13, 14, 15];

function answered(
  id: string,
  clause: string,
  rule: string,
  answer: string | readonly string[],
  outcome: AnswerRow['outcome'],
): AnswerRow {
  return {
    kind: 'answer',
    id,
    clause: `RFC 7692 ${clause}`,
    rule,
    outcome,
    answer: (key) => answerText(key, { change: { 'Sec-WebSocket-Extensions': answer } }),
  };
}

const failed = { error: '' };

/** §7.1: an offer of ours is valid, and says nothing twice. */
function judgeOffer(head: HeardHead): string | undefined {
  const values = valuesOf(head, 'Sec-WebSocket-Extensions');
  if (values.length === 0) return 'no offer';
  for (const offer of values.join(', ').split(',')) {
    try {
      // In an offer client_max_window_bits may stand without a value.
      parseAgreement(offer.trim().replace(/client_max_window_bits(?= *(?:;|$))/, 'client_max_window_bits=15'));
    } catch (error) {
      return (error as Error).message;
    }
  }
  return undefined;
}

/** What our client makes of an answer. */
export const replies: AnswerRow[] = [
  {
    ...answered(
      '7692-client-offers',
      '§7.1',
      'The client’s offer is permessage-deflate with valid parameters; a server that takes none opens without.',
      [],
      'opens',
    ),
    request: judgeOffer,
  },
  answered('7692-answer-plain', '§7.1', 'A plain answer is taken.', 'permessage-deflate', 'opens'),
  answered(
    '7692-answer-server-takeover',
    '§7.1.1.1',
    'A server may do without context takeover, asked or not.',
    'permessage-deflate; server_no_context_takeover',
    'opens',
  ),
  answered(
    '7692-answer-client-takeover',
    '§7.1.1.2',
    'It may ask the client to do without.',
    'permessage-deflate; client_no_context_takeover',
    'opens',
  ),
  ...BITS.map((bits) =>
    answered(
      `7692-answer-server-bits-${bits}`,
      '§7.1.2.1',
      `A server may say that its window has ${bits} bits, asked or not.`,
      `permessage-deflate; server_max_window_bits=${bits}`,
      'opens',
    ),
  ),
  ...BITS.map((bits) =>
    answered(
      `7692-answer-client-bits-${bits}`,
      '§7.1.2.2',
      `A client that offered the parameter takes a window of ${bits} bits.`,
      `permessage-deflate; client_max_window_bits=${bits}`,
      'opens',
    ),
  ),
  answered(
    '7692-answer-all-four',
    '§7.1',
    'All four parameters together are taken.',
    'permessage-deflate; client_no_context_takeover; client_max_window_bits=10; server_max_window_bits=9; server_no_context_takeover',
    'opens',
  ),
  answered(
    '7692-answer-quoted',
    '6455 §9.1',
    'A value may stand in quotes.',
    'permessage-deflate; server_max_window_bits="12"',
    'opens',
  ),
  ...[
    ['bits-7', 'server_max_window_bits=7'],
    ['bits-16', 'server_max_window_bits=16'],
    ['bits-08', 'server_max_window_bits=08'],
    ['bits-none', 'server_max_window_bits'],
    ['bits-word', 'server_max_window_bits=x'],
    ['bits-twice', 'server_max_window_bits=10; server_max_window_bits=10'],
    ['client-bits-7', 'client_max_window_bits=7'],
    ['client-bits-16', 'client_max_window_bits=16'],
    ['client-bits-none', 'client_max_window_bits'],
    ['client-bits-012', 'client_max_window_bits=012'],
    ['client-bits-twice', 'client_max_window_bits=10; client_max_window_bits=11'],
    ['takeover-value', 'server_no_context_takeover=1'],
    ['takeover-twice', 'server_no_context_takeover; server_no_context_takeover'],
    ['client-takeover-value', 'client_no_context_takeover=true'],
    ['client-takeover-twice', 'client_no_context_takeover; client_no_context_takeover'],
    ['unknown', 'unknown'],
    ['unknown-value', 'mode=fast'],
    ['case', 'SERVER_NO_CONTEXT_TAKEOVER'],
  ].map(([id, params]) =>
    answered(
      `7692-answer-bad-${id}`,
      '§7.1',
      `An answer with "${params}" fails the connection.`,
      `permessage-deflate; ${params}`,
      failed,
    ),
  ),
  answered(
    '7692-answer-twice',
    '6455 §9.1',
    'The extension answered twice fails the connection.',
    'permessage-deflate, permessage-deflate',
    failed,
  ),
  answered(
    '7692-answer-two-fields',
    '6455 §9.1',
    'So it does in two fields.',
    ['permessage-deflate', 'permessage-deflate'],
    failed,
  ),
  answered(
    '7692-answer-another',
    '6455 §4.1 check 5',
    'Another extension beside it fails the connection.',
    'permessage-deflate, x-unknown',
    failed,
  ),
  answered(
    '7692-answer-instead',
    '6455 §4.1 check 5',
    'So does another one instead of it.',
    'x-webkit-deflate-frame',
    failed,
  ),
  answered(
    '7692-answer-name-case',
    '6455 §4.1 check 5',
    'So does its name in another case: nobody could tell whether it is in use.',
    'Permessage-Deflate',
    failed,
  ),
];
