import { Opcode } from '../peer/wire.ts';
import { answers, fails, failsFast, frame, type Group, notLast, pong, type Row, text, upTo } from '../row.ts';

const clause = 'RFC 6455 §5.5';
const pings = Array.from({ length: 10 }, (_, i) => `payload-${i}`);
const names = { 8: 'Close', 9: 'Ping', 10: 'Pong' } as const;

const broken: Row[] = ([8, 9, 10] as const).flatMap((opcode) => {
  const name = names[opcode];
  return [
    fails(`5.5-${name}-fragmented`, clause, `A ${name} in fragments fails the connection.`, 1002, [
      { opcode, fin: false, payload: opcode === Opcode.Close ? Uint8Array.of(3, 232) : 'a' },
      frame.more('b'),
    ]),
    fails(`5.5-${name}-fragmented-inside`, clause, `The same inside a message in fragments.`, 1002, [
      frame.text('a', notLast),
      { opcode, fin: false },
    ]),
    fails(`5.5-${name}-126`, clause, `A ${name} of 126 bytes fails the connection.`, 1002, [
      { opcode, payload: Buffer.alloc(126, 3) },
    ]),
    fails(`5.5-${name}-65536`, clause, `A ${name} of 65,536 bytes fails the connection.`, 1002, [
      { opcode, payload: Buffer.alloc(65_536, 3) },
    ]),
    fails(
      `5.5-${name}-long-form`,
      'RFC 6455 §5.2',
      `A ${name} of 5 bytes whose length stands in two bytes fails the connection.`,
      1002,
      [{ opcode, payload: '\x03\xe8abc', lengthBytes: 2 }],
    ),
    failsFast(`5.5-${name}-126-fast`, clause, `A ${name} of 126 bytes is refused by its header.`, 1002, [
      upTo({ opcode, payload: Buffer.alloc(126, 3) }, 0),
    ]),
    failsFast(`5.5-${name}-fragmented-fast`, clause, `A ${name} without FIN is refused by its header.`, 1002, [
      upTo({ opcode, fin: false, payload: Buffer.alloc(50, 3) }, 0),
    ]),
  ];
});

export const controlFrames: Group = {
  title: 'Control frames',
  rows: [
    answers('5.5.2-empty', 'RFC 6455 §5.5.2', 'An empty ping gets an empty pong.', [frame.ping()], [pong('')]),
    answers(
      '5.5.2-text',
      'RFC 6455 §5.5.2',
      'A pong carries the ping’s payload.',
      [frame.ping('Hello, world!')],
      [pong('Hello, world!')],
    ),
    answers(
      '5.5.2-binary',
      'RFC 6455 §5.5.2',
      'A ping’s payload may be any bytes.',
      [frame.ping(Uint8Array.of(0, 255, 254, 253, 252, 251, 0, 255))],
      [pong(Uint8Array.of(0, 255, 254, 253, 252, 251, 0, 255))],
    ),
    answers(
      '5.5.2-125',
      'RFC 6455 §5.5.2',
      'A ping of 125 bytes gets a pong of 125 bytes.',
      [frame.ping(Buffer.alloc(125, 0xfe))],
      [pong(Buffer.alloc(125, 0xfe))],
    ),
    answers(
      '5.5.2-125-chopped',
      'RFC 6455 §5.5.2',
      'The same when it comes byte by byte.',
      [frame.ping(Buffer.alloc(125, 0xfe))],
      [pong(Buffer.alloc(125, 0xfe))],
      { deliveries: ['byte by byte', 'in chops of 2 bytes'] },
    ),
    answers(
      '5.5.2-ten',
      'RFC 6455 §5.5.2',
      'Ten pings get ten pongs, in order.',
      pings.map((one) => frame.ping(one)),
      pings.map(pong),
    ),
    answers(
      '5.5.2-each-waits',
      'RFC 6455 §5.5.2',
      'Each ping is answered before the next one comes.',
      pings.flatMap((one, i) => [frame.ping(one), { heard: i + 1 }]),
      pings.map(pong),
    ),
    answers(
      '5.5.2-between-messages',
      'RFC 6455 §5.5.2',
      'Pings between messages are answered in their place.',
      [frame.text('1'), frame.ping('a'), frame.text('2'), frame.ping('b')],
      [text('1'), pong('a'), text('2'), pong('b')],
    ),
    answers(
      '5.5.3-unasked-empty',
      'RFC 6455 §5.5.3',
      'A pong that nobody asked for gets no answer.',
      [frame.pong()],
      [],
    ),
    answers(
      '5.5.3-unasked',
      'RFC 6455 §5.5.3',
      'The same with a payload.',
      [frame.pong('unsolicited pong payload'), frame.text('on')],
      [text('on')],
    ),
    answers(
      '5.5.3-unasked-then-ping',
      'RFC 6455 §5.5.3',
      'A ping behind it is answered.',
      [frame.pong('unsolicited pong payload'), frame.ping('ping payload')],
      [pong('ping payload')],
    ),
    answers(
      '5.5.3-unasked-125',
      'RFC 6455 §5.5.3',
      'A pong of 125 bytes is taken.',
      [frame.pong(Buffer.alloc(125, 0xff)), frame.text('on')],
      [text('on')],
    ),
    ...broken,
  ],
};
