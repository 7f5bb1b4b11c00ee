import { judgeUtf8 } from '../peer/utf8.ts';
import { answers, binary, fails, failsFast, frame, type Group, notLast, pong, type Row, text, upTo } from '../row.ts';

const clause = 'RFC 6455 §8.1';
const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const codePoint = (value: number) => Buffer.from(String.fromCodePoint(value));
const greek = 'κόσμε';

/** Where UTF-8 changes its length, ends, or leaves a gap; code points that name no character are code points all the same. */
const VALID: readonly (readonly [name: string, payload: Buffer])[] = [
  ...[0x00, 0x24, 0x7f, 0x80, 0xa2, 0x7ff, 0x800, 0x20ac, 0xd7ff, 0xe000, 0xfdd0, 0xfdef, 0xfeff, 0xfff9, 0xfffa].map(
    named,
  ),
  ...[0xfffb, 0xfffc, 0xfffd, 0xfffe, 0xffff, 0x10000, 0x24b62, 0x10ffff].map(named),
  ...Array.from({ length: 16 }, (_, plane) => [plane + 1, 0xfffe] as const).map(([plane, low]) =>
    named(plane * 0x10000 + low),
  ),
  ...Array.from({ length: 15 }, (_, plane) => named((plane + 1) * 0x10000 + 0xffff)),
];

function named(value: number): readonly [string, Buffer] {
  return [`U+${value.toString(16).toUpperCase().padStart(4, '0')}`, codePoint(value)];
}

const run = (from: number, to: number, behind = '') =>
  Array.from({ length: to - from + 1 }, (_, i) => (from + i).toString(16) + behind).join('');

const INVALID: Readonly<Record<string, readonly string[]>> = {
  'a continuation byte without a lead': [
    '80',
    'bf',
    '80bf',
    '80bf80',
    '80bf80bf',
    '80bf80bf80',
    '80bf80bf80bf',
    run(0x80, 0xbf),
  ],
  'a lead without its continuation': [
    run(0xc0, 0xdf, '20'),
    run(0xe0, 0xef, '20'),
    run(0xf0, 0xf7, '20'),
    run(0xf8, 0xfb, '20'),
    'fc20fd20',
    'c3 28',
    'e2 28 a1',
    'e2 82 28',
    'f0 28 8c bc',
    'f0 90 28 bc',
    'f0 90 8c 28',
  ],
  'a form of five or six bytes': ['f888808080', 'fc8480808080', 'fbbfbfbfbf', 'fdbfbfbfbfbf'],
  'a code point above U+10FFFF': ['f4908080', 'f4bfbfbf', 'f5808080', 'f7bfbfbf'],
  'a byte that is never in UTF-8': ['fe', 'ff', 'fefeffff', 'c0', 'c1', 'f5'],
  'an overlong form of "/"': ['c0af', 'e080af', 'f08080af', 'f8808080af', 'fc80808080af'],
  'the longest overlong form of a length': ['c1bf', 'e09fbf', 'f08fbfbf', 'f887bfbfbf', 'fc83bfbfbfbf'],
  'an overlong NUL': ['c080', 'e08080', 'f0808080', 'f880808080', 'fc8080808080'],
  'a surrogate': ['eda080', 'edadbf', 'edae80', 'edafbf', 'edb080', 'edbe80', 'edbfbf'],
  'a pair of surrogates': [
    'eda080edb080',
    'eda080edbfbf',
    'edadbfedb080',
    'edadbfedbfbf',
    'edae80edb080',
    'edae80edbfbf',
    'edafbfedb080',
    'edafbfedbfbf',
  ],
  'forms cut short, one behind the other': ['c0e080f08080f8808080fc80808080dfefbff7bfbffbbfbfbffdbfbfbfbf'],
};

/** Valid so far, and cut inside a character: only the message's end shows it. */
const CUT_SHORT = ['c2', 'df', 'e0a0', 'efbf', 'e2', 'f0', 'f090', 'f09080', 'f48fbf', 'ed9f'];

const valid: Row[] = VALID.flatMap(([name, payload]) => [
  answers(
    `8.1-valid-${name}`,
    clause,
    `${name} is valid UTF-8, alone and among others.`,
    [frame.text(payload), frame.text(Buffer.concat([Buffer.from('hello'), payload, Buffer.from('world')]))],
    [text(payload), text(Buffer.concat([Buffer.from('hello'), payload, Buffer.from('world')]))],
  ),
]);

const prefixes: Row[] = Array.from({ length: Buffer.from(greek).length }, (_, i) => {
  const payload = Buffer.from(greek).subarray(0, i + 1);
  return judgeUtf8(payload).complete
    ? answers(
        `8.1-prefix-${i + 1}`,
        clause,
        `The first ${i + 1} bytes of "${greek}" are a text.`,
        [frame.text(payload)],
        [text(payload)],
      )
    : fails(
        `8.1-prefix-${i + 1}`,
        clause,
        `The first ${i + 1} bytes of "${greek}" end inside a character: 1007.`,
        1007,
        [frame.text(payload)],
      );
});

const invalid: Row[] = Object.entries(INVALID).flatMap(([what, list]) =>
  list.flatMap((hex) => {
    const payload = bytes(hex);
    const id = hex.replaceAll(' ', '').slice(0, 24);
    const begun = Buffer.concat([Buffer.from(greek), payload, Buffer.from('edited')]);
    const { badAt = begun.length } = judgeUtf8(begun);
    return [
      fails(`8.1-invalid-${id}`, clause, `Text with ${what} fails the connection with 1007.`, 1007, [
        frame.text(payload),
      ]),
      failsFast(
        `8.1-fast-${id}`,
        clause,
        `It fails with the first wrong byte, before the frame is whole (${what}).`,
        1007,
        [upTo(frame.text(begun), badAt + 1)],
      ),
    ];
  }),
);

const cutShort: Row[] = CUT_SHORT.flatMap((hex) => [
  fails(`8.1-cut-${hex}`, clause, `Text that ends inside a character (${hex}) fails the connection with 1007.`, 1007, [
    frame.text(bytes(hex)),
  ]),
  fails(`8.1-cut-${hex}-fragments`, clause, 'The same when an empty fragment ends it.', 1007, [
    frame.text(bytes(hex), notLast),
    frame.more(),
  ]),
]);

const bad = bytes('f4908080');
const beginning = Buffer.from(greek);
const surrogate = bytes('eda080');
const wholeBad = Buffer.concat([beginning, surrogate, Buffer.from('edited')]);
const single = (payload: Buffer) =>
  [...payload].map((byte, i) => {
    const more = i === payload.length - 1 ? {} : notLast;
    return i === 0 ? frame.text(Uint8Array.of(byte), more) : frame.more(Uint8Array.of(byte), more);
  });
const sentence = Buffer.from('Hello-µ@ßöäüàá-UTF-8!!');

export const textRows: Group = {
  title: 'Text',
  rows: [
    answers(
      '8.1-whole',
      clause,
      'A text of characters of one to four bytes comes back.',
      [frame.text(sentence), frame.text('a¢€𤭢')],
      [text(sentence), text('a¢€𤭢')],
    ),
    answers(
      '8.1-on-code-points',
      clause,
      'It may be cut between characters.',
      [frame.text(sentence.subarray(0, 12), notLast), frame.more(sentence.subarray(12))],
      [text(sentence)],
    ),
    answers('8.1-single-bytes', clause, 'It may be cut inside characters, at every byte.', single(sentence), [
      text(sentence),
    ]),
    answers(
      '8.1-single-bytes-4',
      clause,
      'The same for characters of four bytes, with pings in between.',
      single(Buffer.from('𤭢𐀀')).flatMap((one) => [one, frame.ping()]),
      [...Array.from({ length: 7 }, () => pong('')), text('𤭢𐀀'), pong('')],
    ),
    answers(
      '8.1-bom',
      clause,
      'A byte order mark is part of the text.',
      [frame.text(bytes('efbbbf61'))],
      [text(bytes('efbbbf61'))],
    ),
    answers(
      '8.1-binary-not-judged',
      clause,
      'A binary message need not be UTF-8, in fragments neither.',
      [frame.binary(bytes('fffe80')), frame.binary(bytes('ed'), notLast), frame.more(bytes('a080'))],
      [binary(bytes('fffe80')), binary(bytes('eda080'))],
    ),
    answers(
      '8.1-state-resets',
      clause,
      'What a binary message held says nothing about the next text.',
      [frame.binary(bytes('e282')), frame.text('€'), frame.ping(bytes('e2')), frame.text('ä')],
      [binary(bytes('e282')), text('€'), pong(bytes('e2')), text('ä')],
    ),
    answers(
      '8.1-we-send-surrogate',
      'RFC 6455 §5.6',
      'A program that sends half a surrogate pair sends U+FFFD: what goes out is UTF-8.',
      [{ heard: 1 }],
      [text('a\ufffdb')],
      { act: (connection) => connection.send('a\ud800b'), deliveries: ['in one write'] },
    ),
    ...valid,
    ...prefixes,
    ...invalid,
    ...cutShort,
    fails('8.1-whole-bad', clause, 'A text with a surrogate in its middle fails the connection with 1007.', 1007, [
      frame.text(wholeBad),
    ]),
    fails('8.1-single-bytes-bad', clause, 'The same in fragments of one byte.', 1007, single(wholeBad)),
    failsFast(
      '8.1-fast-fragment',
      clause,
      'A fragment that cannot be UTF-8 fails the connection, before the message goes on.',
      1007,
      [frame.text(beginning, notLast), frame.more(bad, notLast)],
    ),
    failsFast('8.1-fast-fragment-byte', clause, 'So does a fragment that is only its first wrong byte.', 1007, [
      frame.text(Buffer.concat([beginning, Buffer.from('f4', 'hex')]), notLast),
      frame.more(Uint8Array.of(0x90), notLast),
    ]),
    failsFast('8.1-fast-in-frame', clause, 'So does a frame that is not whole yet.', 1007, [
      upTo(frame.text(Buffer.concat([beginning, bad, Buffer.from('edited')])), beginning.length + 4),
    ]),
    failsFast('8.1-fast-in-frame-byte', clause, 'Its first wrong byte is enough.', 1007, [
      upTo(frame.text(Buffer.concat([beginning, bad, Buffer.from('edited')])), beginning.length + 2),
    ]),
    failsFast(
      '8.1-fast-after-ping',
      clause,
      'A ping between the fragments changes nothing about that.',
      1007,
      [frame.text(beginning, notLast), frame.ping('p'), { heard: 2 }, frame.more(bad.subarray(0, 2), notLast)],
      { answers: [text('good'), pong('p')] },
    ),
    failsFast('8.1-fast-large', clause, 'In a frame of a megabyte, the first wrong byte is enough.', 1007, [
      upTo(frame.text(Buffer.concat([Buffer.from('ff', 'hex'), Buffer.alloc(1_000_000, 0x61)])), 1),
    ]),
    fails('8.1-cut-by-message', clause, 'Half a character is not finished by the next message.', 1007, [
      frame.text(bytes('e2')),
      frame.text(bytes('82ac')),
    ]),
  ],
};
