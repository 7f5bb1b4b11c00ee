import { describe, expect, test } from 'vitest';
import { type Delivery, playToClient, playToServer, type WireFrame } from './raw-peer.ts';

const [Continuation, Text, Binary, Close, Ping, Pong] = [0, 1, 2, 8, 9, 10] as const;

interface WireCase {
  readonly title: string;
  readonly frames: readonly WireFrame[];
  /** Every frame but the Close that must come back, in order: opcode and payload. */
  readonly answers?: readonly (readonly [opcode: number, payload: string])[];
  /** The code of the Close that must come back; 0 for a Close without one. */
  readonly close: number;
}

/** A Close with this code. */
const closing = (code: number, reason: string | Uint8Array = ''): WireFrame => ({
  opcode: Close,
  payload: Buffer.concat([Uint8Array.of(code >> 8, code & 0xff), Buffer.from(reason)]),
});
const done = closing(1000);
const good: WireFrame = { opcode: Text, payload: 'good' };
const goodAnswer = [Text, 'good'] as const;
const invalidUtf8 = Uint8Array.of(0xce, 0xba, 0xe1, 0xbd, 0xb9, 0xed, 0xa0, 0x80); // ends in half of a surrogate pair

/** Each violation comes behind a good message, whose echo must still arrive. */
const violation = (title: string, close: number, ...frames: WireFrame[]): WireCase => ({
  title,
  frames: [good, ...frames, { opcode: Text, payload: 'too late' }],
  answers: [goodAnswer],
  close,
});

const cases: readonly WireCase[] = [
  // §5.2, §5.4: messages, whole and in fragments
  { title: 'an empty text', frames: [{ opcode: Text }, done], answers: [[Text, '']], close: 1000 },
  ...[125, 126, 127, 65_535, 65_536].map((length) => ({
    title: `a text of ${length} bytes`,
    frames: [{ opcode: Text, payload: 'x'.repeat(length) }, done],
    answers: [[Text, 'x'.repeat(length)] as const],
    close: 1000,
  })),
  {
    title: 'a text in fragments, an empty one among them, cut inside a character, with pings between',
    frames: [
      { opcode: Text, fin: false, payload: Uint8Array.of(0x61, 0xe2) },
      { opcode: Ping, payload: '1' },
      { opcode: Continuation, fin: false },
      { opcode: Ping, payload: '2' },
      { opcode: Continuation, payload: Uint8Array.of(0x82, 0xac) },
      done,
    ],
    answers: [
      [Pong, '1'],
      [Pong, '2'],
      [Text, 'a€'],
    ],
    close: 1000,
  },
  // §5.5.2, §5.5.3
  { title: 'an empty ping', frames: [{ opcode: Ping }, done], answers: [[Pong, '']], close: 1000 },
  {
    title: 'a ping of 125 bytes',
    frames: [{ opcode: Ping, payload: 'p'.repeat(125) }, done],
    answers: [[Pong, 'p'.repeat(125)]],
    close: 1000,
  },
  {
    title: 'a pong that nobody asked for',
    frames: [{ opcode: Pong, payload: 'hello' }, good, done],
    answers: [goodAnswer],
    close: 1000,
  },
  // §5.2: what a header must not say
  ...[1, 2, 3, 4, 5, 6, 7].map((reserved) =>
    violation(`reserved bits ${reserved}`, 1002, { opcode: Text, payload: 'x', reserved }),
  ),
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => violation(`the reserved opcode ${opcode}`, 1002, { opcode })),
  violation('a mask where none belongs, or none where one does', 1002, {
    opcode: Text,
    payload: 'x',
    wronglyMasked: true,
  }),
  violation('a short length in two bytes', 1002, { opcode: Text, payload: 'x', lengthBytes: 2 }),
  violation('a short length in eight bytes', 1002, { opcode: Text, payload: 'x', lengthBytes: 8 }),
  violation('a length with the top bit set', 1002, { opcode: Binary, declaredLength: 1n << 63n }),
  violation('a length above the limit', 1009, { opcode: Binary, declaredLength: 1n << 40n }),
  // §5.5
  ...[Close, Ping, Pong].map((opcode) =>
    violation(`a control frame in fragments (${opcode})`, 1002, { opcode, fin: false }),
  ),
  ...[Ping, Pong].map((opcode) =>
    violation(`a control frame of 126 bytes (${opcode})`, 1002, { opcode, payload: 'x'.repeat(126) }),
  ),
  // §5.4
  violation('a continuation of nothing', 1002, { opcode: Continuation, payload: 'x' }),
  violation(
    'a message inside a message',
    1002,
    { opcode: Text, fin: false, payload: 'x' },
    { opcode: Text, payload: 'y' },
  ),
  violation(
    'fragments that together are above the limit',
    1009,
    { opcode: Binary, fin: false, payload: Buffer.alloc(60_000) },
    { opcode: Continuation, fin: false, payload: Buffer.alloc(60_000) },
  ),
  // §8.1
  violation('text that is no UTF-8', 1007, { opcode: Text, payload: invalidUtf8 }),
  violation('text that ends inside a character', 1007, { opcode: Text, payload: Uint8Array.of(0xe2, 0x82) }),
  violation(
    'a fragment that is no UTF-8, before the last one came',
    1007,
    { opcode: Text, fin: false, payload: 'x' },
    { opcode: Continuation, fin: false, payload: invalidUtf8 },
  ),
  // §5.5.1, §7.4
  { title: 'a Close without a code', frames: [good, { opcode: Close }, good], answers: [goodAnswer], close: 0 },
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999].map((code) => ({
    title: `a Close with ${code}`,
    frames: [closing(code, 'why'), good],
    close: code,
  })),
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535].map((code) =>
    violation(`a Close with ${code}, which nobody may send`, 1002, closing(code)),
  ),
  violation('a Close with half a code', 1002, { opcode: Close, payload: Uint8Array.of(3) }),
  violation('a Close whose reason is no UTF-8', 1007, closing(1000, invalidUtf8)),
  violation('a Close of 126 bytes', 1002, closing(1000, 'x'.repeat(124))),
];

const sides = [
  { side: 'our server', play: playToServer },
  { side: 'our client', play: playToClient },
] as const;
const deliveries = ['with the head', 'in one write', 'byte by byte'] as const satisfies Delivery[];

describe.each(sides)('$side answers a peer that sends', ({ play }) => {
  describe.each(deliveries)('(%s)', (delivery) => {
    const isSmall = ({ frames }: WireCase) => frames.every(({ payload }) => (payload?.length ?? 0) < 1000);
    test.concurrent.each(cases.filter((one) => delivery !== 'byte by byte' || isSmall(one)))('$title', async (one) => {
      const heard = await play(one.frames, delivery);
      const close = heard.at(-1);
      expect(close?.opcode, 'the last frame is a Close').toBe(Close);
      expect(close?.payload.length === 0 ? 0 : close?.payload.readUInt16BE()).toBe(one.close);
      const answers = heard.slice(0, -1).map(({ opcode, payload }) => [opcode, payload.toString()]);
      expect(answers).toEqual(one.answers ?? []);
    });
  });
});
