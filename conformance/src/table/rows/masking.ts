import type { ConversationRow, Group, Peer, Role } from '../row.ts';
import { answers, binary, fails, failsFast, frame, text, upTo } from '../row.ts';

const clause = 'RFC 6455 §5.3';
const toServer = { roles: ['server'] } as const;

const pattern = Buffer.from(Array.from({ length: 300 }, (_, i) => (i * 7) & 0xff));

const keys = [
  ['zero', [0, 0, 0, 0]],
  ['ones', [0xff, 0xff, 0xff, 0xff]],
  ['one-byte', [0, 0, 0, 1]],
  ['high-bits', [0x80, 0x7f, 0x80, 0x7f]],
  ['utf8-lead', [0xc3, 0xa4, 0xed, 0xa0]],
] as const;

const THOUSAND = 1000;
const thousand = Array.from({ length: THOUSAND }, (_, i) => `message ${i}`);

/** §10.3: "derived from a strong source of entropy": what can be seen of that from outside. */
function judgeKeys({ keys }: Peer, role: Role): string | undefined {
  if (role === 'server') return keys.length === 0 ? undefined : `${keys.length} masked frames`;
  const words = keys.map((key) => key.readUInt32BE());
  // Of 1,000 fair 32-bit keys two are equal once in 8,600 runs, three once in 10^11.
  if (new Set(words).size < words.length - 1) return `only ${new Set(words).size} different keys in ${words.length}`;
  const steps = new Set(words.slice(1).map((word, i) => (word - words[i]!) >>> 0));
  if (steps.size < words.length - 10) return 'keys that follow each other in steps';
  for (let bit = 0; bit < 32; bit++) {
    const set = words.filter((word) => (word >>> bit) & 1).length;
    // Ten standard deviations from one half.
    if (Math.abs(set - words.length / 2) > 5 * Math.sqrt(words.length))
      return `bit ${bit} set in ${set} of ${words.length} keys`;
  }
  return undefined;
}

const fresh: ConversationRow = answers(
  '5.3-fresh-keys',
  clause,
  'A client masks each of 1,000 frames with a new key that no earlier one tells; a server masks none.',
  thousand.map((one) => frame.text(one)),
  thousand.map(text),
  { deliveries: ['in one write'], check: judgeKeys },
);

export const masking: Group = {
  title: 'Masking',
  rows: [
    fails('5.1-wrong-mask', 'RFC 6455 §5.1', 'A server refuses an unmasked frame, and a client a masked one.', 1002, [
      frame.text('x', { wronglyMasked: true }),
    ]),
    ...([8, 9, 10] as const).map((opcode) =>
      fails(`5.1-wrong-mask-${opcode}`, 'RFC 6455 §5.1', `The same holds for the control frame ${opcode}.`, 1002, [
        { opcode, wronglyMasked: true },
      ]),
    ),
    fails('5.1-wrong-mask-later', 'RFC 6455 §5.1', 'The same holds for a later fragment.', 1002, [
      frame.text('x', { fin: false }),
      frame.more('y', { wronglyMasked: true }),
    ]),
    failsFast(
      '5.1-wrong-mask-fast',
      'RFC 6455 §5.1',
      'A wrong mask is refused by the header, before any payload came.',
      1002,
      [upTo(frame.text('x'.repeat(50), { wronglyMasked: true }), 0)],
    ),
    ...keys.map(([name, key]) =>
      answers(
        `5.3-key-${name}`,
        clause,
        `A server unmasks with whatever key came (${name}).`,
        [
          frame.binary(pattern, { maskingKey: Uint8Array.from(key) }),
          frame.text('äöü €', { maskingKey: Uint8Array.from(key) }),
        ],
        [binary(pattern), text('äöü €')],
        toServer,
      ),
    ),
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 31, 32, 33, 63, 64, 65].map((length) =>
      answers(
        `5.3-length-${length}`,
        clause,
        `A masked payload of ${length} bytes is unmasked to its last byte.`,
        [frame.binary(pattern.subarray(0, length)), frame.binary(pattern.subarray(0, length))],
        [binary(pattern.subarray(0, length)), binary(pattern.subarray(0, length))],
        toServer,
      ),
    ),
    answers(
      '5.3-new-key-each-fragment',
      clause,
      'Every fragment is unmasked with its own key, from the key’s first byte.',
      [
        frame.binary(pattern.subarray(0, 3), { fin: false }),
        frame.more(pattern.subarray(3, 8), { fin: false }),
        frame.more(pattern.subarray(8)),
      ],
      [binary(pattern)],
      toServer,
    ),
    fresh,
  ],
};
