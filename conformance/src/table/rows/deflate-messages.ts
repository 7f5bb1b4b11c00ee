import { Deflater } from '../peer/deflate.ts';
import {
  answers,
  binary,
  type ConversationRow,
  fails,
  frame,
  type Group,
  type Heard,
  notLast,
  pong,
  type Sent,
  text,
  type WireFrame,
} from '../row.ts';

const clause = 'RFC 7692 §7.2';
const plain = { offer: 'permessage-deflate', answer: 'permessage-deflate' };
const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const rsv1 = { reserved: 4 } as const;

/** A compressed message, whole or cut: RSV1 on its first frame alone (§6). */
function compressed(type: 'text' | 'binary', payload: Buffer, fragmentBytes = payload.length || 1): WireFrame[] {
  const count = Math.max(1, Math.ceil(payload.length / fragmentBytes));
  return Array.from({ length: count }, (_, i) => {
    const part = payload.subarray(i * fragmentBytes, (i + 1) * fragmentBytes);
    const more = i === count - 1 ? {} : notLast;
    return i === 0 ? frame[type](part, { ...rsv1, ...more }) : frame.more(part, more);
  });
}

type Extra = Partial<Omit<ConversationRow, 'id' | 'clause' | 'rule' | 'kind'>>;
const takes = (id: string, rule: string, send: readonly Sent[], expected: readonly Heard[], extra: Extra = {}) =>
  answers(`7692-${id}`, clause, rule, send, expected, { extensions: plain, ...extra });
const refuses = (id: string, rule: string, close: number, send: readonly Sent[], extra: Extra = {}) =>
  fails(`7692-${id}`, clause, rule, close, send, { extensions: plain, ...extra });

const hello = 'f248cdc9c90700';
const words = 'the quick brown fox jumps over the lazy dog; '.repeat(30);

const examples: ConversationRow[] = [
  takes('example-hello', 'The RFC’s "Hello", compressed (§7.2.3.1).', compressed('text', bytes(hello)), [
    text('Hello'),
  ]),
  takes(
    'example-fragments',
    'The same in two fragments.',
    [frame.text(bytes('f248cd'), { ...rsv1, fin: false }), frame.more(bytes('c9c90700'))],
    [text('Hello')],
  ),
  takes(
    'example-takeover',
    'The second "Hello" refers to the first (§7.2.3.2).',
    [...compressed('text', bytes(hello)), ...compressed('text', bytes('f200110000'))],
    [text('Hello'), text('Hello')],
  ),
  takes('example-stored', 'A stored block (§7.2.3.3).', compressed('text', bytes('000500faff48656c6c6f00')), [
    text('Hello'),
  ]),
  takes(
    'example-final',
    'A block with BFINAL (§7.2.3.4), and a message behind it.',
    [...compressed('text', bytes('f348cdc9c9070000')), ...compressed('text', bytes(hello))],
    [text('Hello'), text('Hello')],
  ),
  takes('example-two-blocks', 'Two blocks (§7.2.3.5).', compressed('text', bytes('f248050000 00ffff cac9c90700')), [
    text('Hello'),
  ]),
  takes('empty', 'An empty message (§7.2.3.6).', compressed('text', bytes('00')), [text('')]),
  takes('empty-binary', 'An empty binary message.', compressed('binary', bytes('00')), [binary('')]),
  takes('empty-fixed', 'An empty message in a fixed block.', compressed('text', bytes('0200')), [text('')]),
  takes(
    'tail-left-on',
    'A message whose 00 00 ff ff was left on is an empty block longer, and valid.',
    compressed('text', bytes(`${hello}0000ffff00`)),
    [text('Hello')],
  ),
];

const kinds = (['stored', 'fixed', 'any', 'no copies'] as const).map((blocks) => {
  const deflater = new Deflater({ blocks });
  return takes(
    `blocks-${blocks.replace(' ', '-')}`,
    `Blocks of the kind "${blocks}".`,
    [...compressed('text', deflater.message(words)), ...compressed('binary', deflater.message(words))],
    [text(words), binary(words)],
  );
});

function mixed(): ConversationRow[] {
  const deflater = new Deflater();
  const [first, second, third] = [
    deflater.message(words),
    deflater.message(words.slice(40)),
    deflater.message(words.slice(80)),
  ];
  return [
    takes(
      'uncompressed',
      'After the agreement a message may still be sent uncompressed (§6).',
      [frame.text('Hello')],
      [text('Hello')],
    ),
    takes(
      'uncompressed-between',
      'An uncompressed message between compressed ones does not enter their window.',
      [
        ...compressed('text', first),
        frame.text('between'),
        ...compressed('text', second),
        frame.binary('x', notLast),
        frame.more('y'),
        ...compressed('text', third),
      ],
      [text(words), text('between'), text(words.slice(40)), binary('xy'), text(words.slice(80))],
    ),
    takes(
      'ping-between',
      'A ping between compressed messages, and inside one, is answered.',
      [
        ...compressed('text', first),
        frame.ping('1'),
        ...compressed('text', second, 3).flatMap((one, i) => (i === 1 ? [frame.ping('2'), one] : [one])),
      ],
      [text(words), pong('1'), pong('2'), text(words.slice(40))],
    ),
    takes('fragments-1', 'A compressed message in fragments of one byte.', compressed('text', first, 1), [text(words)]),
    takes(
      'fragments-empty',
      'Empty fragments of a compressed message.',
      [frame.text('', { ...rsv1, fin: false }), frame.more(first, notLast), frame.more()],
      [text(words)],
    ),
    takes(
      'fragments-flushed',
      'Fragments that each end in a flush of their own.',
      [frame.text(bytes('f248050000 00ffff'), { ...rsv1, fin: false }), frame.more(bytes('cac9c90700'))],
      [text('Hello')],
    ),
    takes(
      'utf8-cut',
      'Compressed text of many bytes a character, cut anywhere.',
      compressed('text', new Deflater().message('κόσμε €𤭢 '.repeat(20)), 7),
      [text('κόσμε €𤭢 '.repeat(20))],
    ),
    takes(
      'close-inside',
      'A Close inside a compressed message ends the conversation.',
      [frame.text(first.subarray(0, 9), { ...rsv1, fin: false })],
      [],
    ),
  ];
}

const inflated = (payload: string | Uint8Array) => new Deflater().message(payload);
const small = { options: { maxMessageBytes: 100_000 } };

const violations: ConversationRow[] = [
  refuses('rsv1-continuation', 'RSV1 on a continuation of a compressed message fails the connection (§6.1).', 1002, [
    frame.text(bytes('f248cd'), { ...rsv1, fin: false }),
    frame.more(bytes('c9c90700'), rsv1),
  ]),
  refuses('rsv1-continuation-plain', 'RSV1 on a continuation of an uncompressed message does too.', 1002, [
    frame.text('a', notLast),
    frame.more('b', rsv1),
  ]),
  ...([8, 9, 10] as const).map((opcode) =>
    refuses(`rsv1-control-${opcode}`, `RSV1 on the control frame ${opcode} fails the connection.`, 1002, [
      { opcode, ...rsv1 },
    ]),
  ),
  ...[1, 2, 3, 5, 6, 7].map((reserved) =>
    refuses(
      `rsv-${reserved}`,
      `Reserved bits ${reserved.toString(2).padStart(3, '0')} fail it: only RSV1 has a meaning.`,
      1002,
      [frame.text(bytes(hello), { reserved })],
    ),
  ),
  refuses('rsv1-nested', 'A compressed message inside an open one fails the connection.', 1002, [
    frame.text('a', notLast),
    ...compressed('text', bytes(hello)),
  ]),
  refuses(
    'invalid-kind',
    'A block of the reserved kind fails the connection with 1007.',
    1007,
    compressed('text', bytes('07')),
  ),
  refuses(
    'invalid-bytes',
    'Bytes that are no deflate data do too.',
    1007,
    compressed('binary', Buffer.alloc(40, 0xff)),
  ),
  refuses(
    'invalid-text',
    'So does plain text that claims to be compressed.',
    1007,
    compressed('text', Buffer.from('Hello, world! This is not compressed.')),
  ),
  refuses(
    'invalid-stored',
    'So does a stored block whose length does not fit its complement.',
    1007,
    compressed('text', bytes('000500fbff48656c6c6f00')),
  ),
  refuses(
    'invalid-distance',
    'So does a copy from before the beginning.',
    1007,
    compressed('text', bytes('f200110000')),
  ),
  refuses(
    'invalid-dynamic',
    'So do Huffman codes that no code can be.',
    1007,
    compressed('binary', bytes('fdff ffff ffff ffff ffff')),
  ),
  refuses('invalid-second-fragment', 'So does an invalid block in a later fragment.', 1007, [
    frame.text(bytes('f248050000 00ffff'), { ...rsv1, fin: false }),
    frame.more(bytes('07')),
  ]),
  refuses('cut-short', 'So does data that ends inside a block.', 1007, compressed('text', bytes('f248cd'))),
  refuses(
    'cut-short-stored',
    'So does a stored block with too few bytes.',
    1007,
    compressed('text', bytes('00ff0000ff48656c')),
  ),
  refuses(
    'utf8',
    'Compressed text that is not UTF-8 fails the connection with 1007.',
    1007,
    compressed('text', inflated(bytes('cebae1bdb9eda08065'))),
  ),
  refuses(
    'utf8-cut-short',
    'So does compressed text that ends inside a character.',
    1007,
    compressed('text', inflated(bytes('61e282'))),
  ),
  refuses(
    'bomb',
    'A message that inflates above the limit fails the connection with 1009.',
    1009,
    compressed('binary', inflated(Buffer.alloc(10_000_000))),
    small,
  ),
  refuses('bomb-text', 'So does text.', 1009, compressed('text', inflated(Buffer.alloc(100_001, 0x61))), small),
  refuses(
    'bomb-fragments',
    'So does one in fragments.',
    1009,
    compressed('binary', inflated(Buffer.alloc(1_000_000)), 50),
    small,
  ),
  refuses(
    'bomb-takeover',
    'So does one that gets its size from earlier messages.',
    1009,
    (() => {
      const deflater = new Deflater();
      return [
        ...compressed('text', deflater.message('a'.repeat(50_000))),
        ...compressed('text', deflater.message('a'.repeat(200_000))),
      ];
    })(),
    { ...small, answers: [text('good'), text('a'.repeat(50_000))] },
  ),
  takes(
    'limit-exactly',
    'A message that inflates to exactly the limit is taken.',
    compressed('text', inflated('b'.repeat(100_000))),
    [text('b'.repeat(100_000))],
    small,
  ),
  refuses(
    'wire-too-big',
    'A compressed payload that is longer than any message within the limit could become fails the connection.',
    1009,
    [frame.binary('', { ...rsv1, declaredLength: 101_000n })],
    small,
  ),
];

export const deflateMessages: Group = {
  title: 'permessage-deflate, messages',
  rows: [...examples, ...kinds, ...mixed(), ...violations],
};
