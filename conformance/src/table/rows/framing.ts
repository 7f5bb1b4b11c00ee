import { answers, binary, fails, failsFast, frame, type Group, pong, type Row, text, upTo } from '../row.ts';

const clause = 'RFC 6455 §5.2';

/** Around every border between the length's three forms. */
const LENGTHS = [0, 1, 124, 125, 126, 127, 128, 255, 256, 65_534, 65_535, 65_536, 65_537];

const echoes: Row[] = LENGTHS.flatMap((length) => [
  answers(
    `5.2-text-${length}`,
    clause,
    `A text of ${length} bytes comes back as it was.`,
    [frame.text('*'.repeat(length))],
    [text('*'.repeat(length))],
  ),
  answers(
    `5.2-binary-${length}`,
    clause,
    `A binary message of ${length} bytes comes back as it was.`,
    [frame.binary(Buffer.alloc(length, 0xfe))],
    [binary(Buffer.alloc(length, 0xfe))],
  ),
]);

const chopped: Row[] = (['text', 'binary'] as const).map((type) =>
  answers(
    `5.2-${type}-65536-in-chops`,
    clause,
    `A ${type} message of 65,536 bytes is the same when TCP brings it in chops of 997 bytes.`,
    [frame[type]('*'.repeat(65_536))],
    [type === 'text' ? text('*'.repeat(65_536)) : binary('*'.repeat(65_536))],
    { deliveries: ['in chops of 997 bytes'] },
  ),
);

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, i) => i));

const lengthForms: Row[] = (
  [
    ['0 in two bytes', 0, 2],
    ['1 in two bytes', 1, 2],
    ['125 in two bytes', 125, 2],
    ['0 in eight bytes', 0, 8],
    ['125 in eight bytes', 125, 8],
    ['126 in eight bytes', 126, 8],
    ['65,535 in eight bytes', 65_535, 8],
  ] as const
).map(([title, length, lengthBytes]) =>
  fails(
    `5.2-length-${length}-in-${lengthBytes}`,
    clause,
    `A length that is not in its shortest form, ${title}, is refused.`,
    1002,
    [frame.binary(Buffer.alloc(length), { lengthBytes })],
  ),
);

const reservedBits: Row[] = [1, 2, 3, 4, 5, 6, 7].flatMap((reserved) => {
  const bits = reserved.toString(2).padStart(3, '0');
  const refused = (what: string, bad: Parameters<typeof fails>[4]) =>
    fails(
      `5.2-rsv-${bits}-${what}`,
      clause,
      `Reserved bits ${bits} on a ${what} frame fail the connection: nothing gave them a meaning.`,
      1002,
      bad,
    );
  return [
    refused('text', [frame.text('Hello', { reserved })]),
    refused('binary', [frame.binary('Hello', { reserved })]),
    refused('continuation', [frame.text('Hel', { fin: false }), frame.more('lo', { reserved })]),
    refused('ping', [{ ...frame.ping('Hello'), reserved }]),
    refused('pong', [{ ...frame.pong('Hello'), reserved }]),
    refused('close', [{ ...frame.close(1000), reserved }]),
  ];
});

const reservedOpcodes: Row[] = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode) => [
  fails(`5.2-opcode-${opcode}`, clause, `The reserved opcode ${opcode} fails the connection.`, 1002, [{ opcode }]),
  fails(
    `5.2-opcode-${opcode}-payload`,
    clause,
    `The reserved opcode ${opcode} with a payload fails the connection, and a ping behind it is not answered.`,
    1002,
    [{ opcode, payload: 'reserved' }, frame.ping()],
  ),
]);

export const framing: Group = {
  title: 'Framing',
  rows: [
    ...echoes,
    ...chopped,
    answers(
      '5.2-every-byte',
      clause,
      'A binary message may hold any byte.',
      [frame.binary(everyByte)],
      [binary(everyByte)],
    ),
    answers(
      '5.2-several',
      clause,
      'Several messages in one segment are several messages, in their order.',
      [frame.text('1'), frame.binary('2'), frame.text(''), frame.ping('3'), frame.text('4')],
      [text('1'), binary('2'), text(''), pong('3'), text('4')],
    ),
    ...lengthForms,
    fails('5.2-length-top-bit', clause, 'A 64-bit length whose top bit is set is refused.', 1002, [
      frame.binary('', { declaredLength: 1n << 63n }),
    ]),
    fails('5.2-length-all-bits', clause, 'A 64-bit length of all ones is refused.', 1002, [
      frame.binary('', { declaredLength: (1n << 64n) - 1n }),
    ]),
    ...reservedBits,
    ...reservedOpcodes,
    // The verdict is due with the two first bytes: nothing of the rest has to come.
    failsFast('5.2-fast-rsv', clause, 'Reserved bits are refused by the header, before any payload came.', 1002, [
      upTo(frame.text('x'.repeat(100), { reserved: 4 }), 0),
    ]),
    failsFast('5.2-fast-opcode', clause, 'A reserved opcode is refused by the header, before any payload came.', 1002, [
      upTo({ opcode: 5, payload: 'x'.repeat(100) }, 0),
    ]),
    failsFast(
      '5.2-fast-length',
      clause,
      'A length that is not in its shortest form is refused before any payload came.',
      1002,
      [upTo(frame.text('x'.repeat(100), { lengthBytes: 8 }), 0)],
    ),
  ],
};
