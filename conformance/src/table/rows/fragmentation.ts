import { answers, binary, fails, failsFast, frame, type Group, notLast, pong, type Row, text, upTo } from '../row.ts';

const clause = 'RFC 6455 §5.4';

const inPieces = (payload: string, size: number) => {
  const pieces = payload.match(new RegExp(`.{1,${size}}`, 'gs')) ?? [''];
  return pieces.map((piece, i) => {
    const more = i === pieces.length - 1 ? {} : notLast;
    return i === 0 ? frame.text(piece, more) : frame.more(piece, more);
  });
};

const interrupted: Row[] = [
  answers(
    '5.4-ping-between',
    clause,
    'A ping between two fragments is answered, and the message is whole.',
    [frame.text('fragment1', notLast), frame.ping('ping payload'), frame.more('fragment2')],
    [pong('ping payload'), text('fragment1fragment2')],
  ),
  answers(
    '5.4-ping-at-once',
    'RFC 6455 §5.5.2',
    'A ping between fragments is answered before the message goes on.',
    [
      frame.text('fragment1', notLast),
      frame.more('fragment2', notLast),
      frame.ping('pongme 1!'),
      { heard: 1 },
      frame.more('fragment3', notLast),
      frame.more('fragment4', notLast),
      frame.ping('pongme 2!'),
      { heard: 2 },
      frame.more('fragment5'),
    ],
    [pong('pongme 1!'), pong('pongme 2!'), text('fragment1fragment2fragment3fragment4fragment5')],
  ),
  answers(
    '5.4-pong-between',
    clause,
    'A pong between two fragments changes nothing.',
    [frame.binary('a', notLast), frame.pong('unasked'), frame.more('b')],
    [binary('ab')],
  ),
  answers(
    '5.4-everything-between',
    clause,
    'Empty fragments, a character cut in two and pings between them still make one message.',
    [
      frame.text(Uint8Array.of(0x61, 0xe2), notLast),
      frame.ping('1'),
      frame.more('', notLast),
      frame.ping('2'),
      frame.more(Uint8Array.of(0x82), notLast),
      frame.more(Uint8Array.of(0xac)),
    ],
    [pong('1'), pong('2'), text('a€')],
  ),
];

const orphans: Row[] = ([true, false] as const).flatMap((fin) => {
  const name = fin ? 'final' : 'open';
  return [
    fails(
      `5.4-orphan-${name}`,
      clause,
      `A continuation (FIN ${fin ? 1 : 0}) of no message fails the connection.`,
      1002,
      [frame.more('non-continuation payload', { fin }), frame.text('Hello, world!')],
    ),
    fails(`5.4-orphan-${name}-empty`, clause, `The same holds for an empty one (FIN ${fin ? 1 : 0}).`, 1002, [
      frame.more('', { fin }),
    ]),
    fails(
      `5.4-orphan-${name}-after-message`,
      clause,
      `A continuation (FIN ${fin ? 1 : 0}) behind a finished message fails the connection; the message still comes back.`,
      1002,
      [
        frame.text('fragment1', notLast),
        frame.more('fragment2'),
        frame.more('fragment3', { fin }),
        frame.text('fragment4'),
      ],
      { answers: [text('good'), text('fragment1fragment2')] },
    ),
    fails(
      `5.4-orphan-${name}-then-message`,
      clause,
      `A continuation (FIN ${fin ? 1 : 0}) before a message in fragments fails the connection.`,
      1002,
      [frame.more('fragment1', { fin }), frame.text('fragment2', notLast), frame.more('fragment3')],
    ),
    failsFast(`5.4-orphan-${name}-fast`, clause, `Its header is enough (FIN ${fin ? 1 : 0}).`, 1002, [
      upTo(frame.more('x'.repeat(99), { fin }), 0),
    ]),
  ];
});

const nested: Row[] = (['text', 'binary'] as const).flatMap((inner) =>
  ([true, false] as const).map((fin) =>
    fails(
      `5.4-nested-${inner}-${fin ? 'whole' : 'open'}`,
      clause,
      `A new ${inner} message (FIN ${fin ? 1 : 0}) inside a message in fragments fails the connection.`,
      1002,
      [frame.text('fragment1', notLast), frame[inner]('fragment2', { fin }), frame.more('fragment3')],
    ),
  ),
);

export const fragmentation: Group = {
  title: 'Fragmentation',
  rows: [
    answers(
      '5.4-two',
      clause,
      'A text in two fragments is one message.',
      [frame.text('fragment1', notLast), frame.more('fragment2')],
      [text('fragment1fragment2')],
    ),
    answers(
      '5.4-two-binary',
      clause,
      'A binary message in two fragments is one message.',
      [frame.binary('a', notLast), frame.more('b')],
      [binary('ab')],
    ),
    answers(
      '5.4-empty-three',
      clause,
      'Three empty fragments are an empty text.',
      [frame.text('', notLast), frame.more('', notLast), frame.more()],
      [text('')],
    ),
    answers(
      '5.4-empty-around',
      clause,
      'Empty fragments before and behind are nothing.',
      [frame.text('', notLast), frame.more('middle frame payload', notLast), frame.more()],
      [text('middle frame payload')],
    ),
    answers(
      '5.4-empty-last',
      clause,
      'The last fragment may be empty.',
      [frame.text('x', notLast), frame.more()],
      [text('x')],
    ),
    answers(
      '5.4-single-bytes',
      clause,
      'Thousand fragments of one byte are one message.',
      inPieces('x'.repeat(1000), 1),
      [text('x'.repeat(1000))],
    ),
    answers(
      '5.4-several',
      clause,
      'Messages in fragments follow each other.',
      [...inPieces('first', 2), ...inPieces('second', 3), frame.text('third')],
      [text('first'), text('second'), text('third')],
    ),
    answers(
      '5.4-auto',
      clause,
      'A text of 65,536 bytes in fragments of 1,300 is one message.',
      inPieces('*'.repeat(65_536), 1300),
      [text('*'.repeat(65_536))],
    ),
    ...interrupted,
    ...orphans,
    ...nested,
    failsFast('5.4-nested-fast', clause, 'The header of a nested message is enough.', 1002, [
      frame.text('a', notLast),
      upTo(frame.text('x'.repeat(99)), 0),
    ]),
    fails(
      '5.4-nested-after-ping',
      clause,
      'A ping in between does not hide that a message was open.',
      1002,
      [frame.text('a', notLast), frame.ping('p'), frame.text('b')],
      { answers: [text('good'), pong('p')] },
    ),
  ],
};
