import {
  answers,
  binary,
  type ConversationRow,
  fails,
  failsFast,
  frame,
  type Group,
  notLast,
  pong,
  type Row,
  text,
  upTo,
} from '../row.ts';

const clause = 'RFC 6455 §10.4';
const small = { options: { maxMessageBytes: 100_000 } };
const KiB = 1024;

const sized = (bytes: number) => (bytes >= KiB * KiB ? `${bytes / KiB / KiB} MiB` : `${bytes / KiB} KiB`);
const types = ['text', 'binary'] as const;
const echo = (type: 'text' | 'binary', payload: string) => (type === 'text' ? text(payload) : binary(payload));

const large: Row[] = types.flatMap((type) =>
  [64, 256, 1024, 4096].map((kib) =>
    answers(
      `10.4-${type}-${kib}k`,
      clause,
      `A ${type} message of ${sized(kib * KiB)} comes back.`,
      [frame[type]('*'.repeat(kib * KiB))],
      [echo(type, '*'.repeat(kib * KiB))],
      { deliveries: ['in one write'], timeoutMs: 20_000 },
    ),
  ),
);

const inFragments: Row[] = types.flatMap((type) =>
  [64, 256, 1024, 4096, 16_384, 65_536].map((size) => {
    const payload = '*'.repeat(256 * KiB);
    const count = payload.length / size;
    const frames = Array.from({ length: count }, (_, i) => {
      const part = payload.slice(0, size);
      const more = i === count - 1 ? {} : notLast;
      return i === 0 ? frame[type](part, more) : frame.more(part, more);
    });
    return answers(
      `10.4-${type}-fragments-${size}`,
      clause,
      `A ${type} message of 256 KiB in fragments of ${size} bytes comes back.`,
      frames,
      [echo(type, payload)],
      { deliveries: ['in one write'], timeoutMs: 20_000 },
    );
  }),
);

const inChops: Row[] = types.flatMap((type) =>
  [64, 128, 256, 512, 1024, 2048].map((size) =>
    answers(
      `10.4-${type}-chops-${size}`,
      clause,
      `A ${type} message of 128 KiB comes back when TCP brings it in chops of ${size} bytes.`,
      [frame[type]('*'.repeat(128 * KiB))],
      [echo(type, '*'.repeat(128 * KiB))],
      { deliveries: [`in chops of ${size} bytes`], timeoutMs: 20_000 },
    ),
  ),
);

const roundTrips: Row[] = types.flatMap((type) =>
  [0, 16, 64, 256, 1024, 4096].map((size) => {
    const payload = '*'.repeat(size);
    return answers(
      `10.4-${type}-turns-${size}`,
      clause,
      `100 ${type} messages of ${size} bytes come back, each before the next is sent.`,
      Array.from({ length: 100 }, (_, i) => [frame[type](payload), { heard: i + 1 }]).flat(),
      Array.from({ length: 100 }, () => echo(type, payload)),
      { deliveries: ['in one write'] },
    );
  }),
);

const half = Buffer.alloc(60_000);
const tooBig: ConversationRow[] = [
  failsFast(
    '10.4-declared',
    clause,
    'A frame that declares more than the limit is refused by its header.',
    1009,
    [frame.binary('', { declaredLength: 100_001n })],
    small,
  ),
  failsFast(
    '10.4-declared-text',
    clause,
    'The same for text.',
    1009,
    [frame.text('', { declaredLength: 100_001n })],
    small,
  ),
  failsFast(
    '10.4-declared-1tib',
    clause,
    'A frame that declares a tebibyte is refused, and nothing is set aside for it.',
    1009,
    [frame.binary('', { declaredLength: 1n << 40n })],
  ),
  failsFast('10.4-declared-2^53', clause, 'A length that JavaScript cannot count exactly is refused.', 1009, [
    frame.binary('', { declaredLength: (1n << 53n) + 1n }),
  ]),
  failsFast('10.4-declared-2^63-1', clause, 'The largest valid length is refused as too big.', 1009, [
    frame.binary('', { declaredLength: (1n << 63n) - 1n }),
  ]),
  failsFast(
    '10.4-fragments',
    clause,
    'Fragments that together exceed the limit are refused by the header of the one that does.',
    1009,
    [frame.binary(half, notLast), upTo(frame.more(half, notLast), 0)],
    small,
  ),
  fails(
    '10.4-fragments-whole',
    clause,
    'The same when that fragment comes whole.',
    1009,
    [frame.text(half, notLast), frame.more(half)],
    small,
  ),
  fails(
    '10.4-many-fragments',
    clause,
    'Many small fragments count together.',
    1009,
    [
      frame.binary(Buffer.alloc(1000), notLast),
      ...Array.from({ length: 100 }, () => frame.more(Buffer.alloc(1000), notLast)),
    ],
    small,
  ),
];

export const limits: Group = {
  title: 'Limits',
  rows: [
    answers(
      '10.4-exactly',
      clause,
      'A message of exactly the limit is taken, in one frame and in two.',
      [
        frame.binary(Buffer.alloc(100_000)),
        frame.binary(Buffer.alloc(50_000), notLast),
        frame.more(Buffer.alloc(50_000)),
      ],
      [binary(Buffer.alloc(100_000)), binary(Buffer.alloc(100_000))],
      { ...small, deliveries: ['in one write'] },
    ),
    ...tooBig,
    answers(
      '10.4-limit-is-one-message',
      clause,
      'Messages that together exceed the limit are not one message.',
      [frame.binary(half), frame.binary(half), frame.ping('p'), frame.binary(half)],
      [binary(half), binary(half), pong('p'), binary(half)],
      { ...small, deliveries: ['in one write'] },
    ),
    fails(
      '10.4-violation-behind-large',
      'RFC 6455 §7.1.7',
      'A violation right behind a message of a megabyte: the echo comes whole, then the Close.',
      1002,
      [frame.text('*'.repeat(KiB * KiB)), { opcode: 3 }],
      { answers: [text('good'), text('*'.repeat(KiB * KiB))], deliveries: ['in one write'] },
    ),
    ...large,
    ...inFragments,
    ...inChops,
    ...roundTrips,
  ],
};
