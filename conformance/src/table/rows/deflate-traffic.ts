import { Deflater, type DeflaterOptions } from '../peer/deflate.ts';
import { answers, type ConversationRow, frame, type Group, notLast, type Peer, text, type WireFrame } from '../row.ts';

const clause = 'RFC 7692 §7.2';

/** Prose that does not repeat itself too soon: words by a fixed generator, so that copies reach as far as they may. */
function prose(bytes: number, seed: number): string {
  const syllables = [
    'ka',
    'lo',
    'mi',
    'ru',
    'ten',
    'sha',
    'vor',
    'bel',
    'qui',
    'dra',
    'nox',
    'fe',
    'gul',
    'ist',
    'pum',
    'ry',
  ];
  let state = seed >>> 0;
  let words = '';
  while (words.length < bytes) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words += syllables[state >>> 28]! + ((state >>> 20) % 5 === 0 ? ' ' : '');
  }
  return words.slice(0, bytes);
}

/** A stretch that comes again at every distance up to the window's end and beyond it. */
function repeating(window: number): string {
  const block = prose(200, window);
  return [
    block,
    prose(window - 300, 1),
    block, // inside the window
    prose(window - 100, 2),
    block, // just beyond it
    prose(window * 2, 3),
    block, // far beyond it
  ].join('');
}

const json = JSON.stringify(
  Array.from({ length: 1400 }, (_, i) => ({
    id: i,
    name: `item ${i * 7919}`,
    tags: ['a', 'b', String(i % 13)],
    price: (i * 37) / 100,
  })),
);

/** Compressed messages in fragments of `fragmentBytes`, or whole ones. */
function frames(payloads: readonly string[], deflater: Deflater, fragmentBytes?: number): WireFrame[] {
  return payloads.flatMap((payload) => {
    const bytes = deflater.message(payload);
    const size = fragmentBytes ?? Math.max(1, bytes.length);
    const count = Math.max(1, Math.ceil(bytes.length / size));
    return Array.from({ length: count }, (_, i) => {
      const part = bytes.subarray(i * size, (i + 1) * size);
      const more = i === count - 1 ? {} : notLast;
      return i === 0 ? frame.text(part, { reserved: 4, ...more }) : frame.more(part, more);
    });
  });
}

const compressedSome = ({ compressedMessages }: Peer) =>
  compressedMessages > 0 ? undefined : 'no message was compressed';

interface Traffic {
  readonly id: string;
  readonly rule: string;
  readonly offer: string;
  readonly answer: string;
  /** How we compress. */
  readonly ours?: DeflaterOptions;
  readonly payloads: readonly string[];
  readonly fragmentBytes?: number;
  readonly check?: ConversationRow['check'];
}

function traffic({
  id,
  rule,
  offer,
  answer,
  ours,
  payloads,
  fragmentBytes,
  check = compressedSome,
}: Traffic): ConversationRow {
  return answers(`7692-${id}`, clause, rule, frames(payloads, new Deflater(ours), fragmentBytes), payloads.map(text), {
    extensions: { offer, answer },
    deliveries: ['in one write'],
    timeoutMs: 20_000,
    check,
  });
}

const name = 'permessage-deflate';

/** What is sent keeps to the agreed window: the peer's inflater refuses any copy from farther back. */
const windows = [8, 9, 10, 11, 12, 13, 14, 15].flatMap((bits) => {
  const payload = repeating(1 << bits);
  return [
    traffic({
      id: `window-${bits}`,
      rule: `With a window of ${bits} bits no copy reaches farther back, inside a message and across messages.`,
      offer: `${name}; server_max_window_bits=${bits}`,
      answer: `${name}; client_max_window_bits=${bits}`,
      payloads: [payload, payload.slice(0, 3000), payload],
      check: bits === 8 ? () => undefined : compressedSome,
    }),
    traffic({
      id: `window-${bits}-no-takeover`,
      rule: `The same without context takeover: every message stands alone.`,
      offer: `${name}; server_max_window_bits=${bits}; server_no_context_takeover`,
      answer: `${name}; client_max_window_bits=${bits}; client_no_context_takeover`,
      payloads: [payload, payload, payload],
      check: bits === 8 ? () => undefined : compressedSome,
    }),
    traffic({
      id: `window-${bits}-taken`,
      rule: `What the other side compressed with a window of ${bits} bits is understood.`,
      offer: `${name}; client_max_window_bits=${bits}`,
      answer: `${name}; server_max_window_bits=${bits}`,
      ours: bits === 8 ? { blocks: 'no copies' } : { bits },
      payloads: [payload, payload.slice(100, 900), payload],
    }),
  ];
});

const usesContext = ({ inflater }: Peer) => {
  const [, second] = inflater?.seen ?? [];
  return second && second.farthest >= second.bytes.length / 2
    ? undefined
    : 'the second message does not refer to the first';
};

const takeover = [
  traffic({
    id: 'takeover-used',
    rule: 'With context takeover a message may refer to the one before, and does.',
    offer: name,
    answer: name,
    payloads: [prose(3000, 5), prose(3000, 5), prose(3000, 5)],
    check: usesContext,
  }),
  traffic({
    id: 'no-takeover-ours',
    rule: 'Messages of a peer that has no context takeover are understood.',
    offer: `${name}; client_no_context_takeover`,
    answer: `${name}; server_no_context_takeover`,
    ours: { takeover: false },
    payloads: [prose(3000, 5), prose(3000, 5), prose(3000, 5)],
  }),
  traffic({
    id: 'no-takeover-both',
    rule: 'Neither side has context takeover.',
    offer: `${name}; client_no_context_takeover; server_no_context_takeover`,
    answer: `${name}; server_no_context_takeover; client_no_context_takeover`,
    ours: { takeover: false },
    payloads: [prose(3000, 5), prose(3000, 5), prose(3000, 5)],
  }),
];

const SIZES: readonly (readonly [bytes: number, fragment?: number])[] = [
  [16],
  [64],
  [256],
  [1024],
  [4096],
  [8192],
  [16_384],
  [32_768],
  [65_536],
  [131_072],
  [8192, 256],
  [16_384, 256],
  [32_768, 256],
  [65_536, 256],
  [131_072, 256],
  [131_072, 1024],
  [131_072, 4096],
  [131_072, 32_768],
];

const agreements: readonly (readonly [id: string, offer: string, answer: string, ours?: DeflaterOptions])[] = [
  ['default', name, name],
  ['no-takeover', `${name}; server_no_context_takeover`, `${name}; client_no_context_takeover`],
  ['bits-8', `${name}; server_max_window_bits=8`, `${name}; client_max_window_bits=8`],
  ['bits-15', `${name}; server_max_window_bits=15`, `${name}; client_max_window_bits=15`],
  [
    'no-takeover-bits-8',
    `${name}; server_no_context_takeover; server_max_window_bits=8`,
    `${name}; client_no_context_takeover; client_max_window_bits=8`,
  ],
  [
    'no-takeover-bits-15',
    `${name}; server_no_context_takeover; server_max_window_bits=15`,
    `${name}; client_no_context_takeover; client_max_window_bits=15`,
  ],
];

/** Messages one after the other through a text, as many as make about 100 KB. */
const cutFrom = (data: string, bytes: number) =>
  Array.from({ length: Math.max(2, Math.min(20, Math.floor(100_000 / bytes))) }, (_, i) => {
    const from = (i * bytes) % data.length;
    return (data + data).slice(from, from + bytes);
  });

const data = { prose: prose(200_000, 11), json: json + json, zeros: '\0'.repeat(200_000) };

const sizes = SIZES.flatMap(([bytes, fragmentBytes]) => {
  const shape = `${bytes} bytes${fragmentBytes ? ` in fragments of ${fragmentBytes}` : ''}`;
  const suffix = `${bytes}${fragmentBytes ? `-${fragmentBytes}` : ''}`;
  const one = (
    id: string,
    what: string,
    offer: string,
    answer: string,
    payloads: readonly string[],
    ours?: DeflaterOptions,
  ) =>
    traffic({
      id: `${id}-${suffix}`,
      rule: `Messages of ${shape} (${what}) come back.`,
      offer,
      answer,
      payloads,
      ...(ours && { ours }),
      ...(fragmentBytes && { fragmentBytes }),
      check: () => undefined,
    });
  return [
    ...Object.entries(data).map(([kind, all]) => one(`data-${kind}`, kind, name, name, cutFrom(all, bytes))),
    ...agreements.map(([id, offer, answer, ours]) =>
      one(`agreed-${id}`, id, offer, answer, cutFrom(data.json, bytes), ours),
    ),
  ];
});

export const deflateTraffic: Group = {
  title: 'permessage-deflate, traffic',
  rows: [...windows, ...takeover, ...sizes],
};
