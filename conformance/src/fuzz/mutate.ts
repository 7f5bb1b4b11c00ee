import { join } from './bytes.ts';
import type { Random } from './random.ts';

/** Where parsers turn: the ends of ranges, frame lengths' markers, HTTP's line ends, UTF-8's first bytes. */
const INTERESTING = [
  0, 1, 2, 9, 10, 13, 32, 34, 44, 58, 59, 61, 92, 123, 125, 126, 127, 128, 129, 136, 137, 138, 191, 192, 224, 237, 240,
  244, 254, 255,
];

/** No input grows beyond this, however often parts of it are doubled. */
const MAX_INPUT_BYTES = 8192;

type Mutation = (bytes: Uint8Array<ArrayBuffer>, random: Random, other: Uint8Array) => Uint8Array<ArrayBuffer>;

const mutations: readonly Mutation[] = [
  function flipBit(bytes, random) {
    const at = random.below(bytes.length);
    bytes[at]! ^= 1 << random.below(8);
    return bytes;
  },
  function setByte(bytes, random) {
    bytes[random.below(bytes.length)] = random.once(2) ? random.pick(INTERESTING) : random.below(256);
    return bytes;
  },
  function truncate(bytes, random) {
    return bytes.slice(0, random.below(bytes.length) + 1);
  },
  function drop(bytes, random) {
    const from = random.below(bytes.length);
    return join(bytes.subarray(0, from), bytes.subarray(from + 1 + random.length(16)));
  },
  function insert(bytes, random) {
    const at = random.below(bytes.length + 1);
    return join(bytes.subarray(0, at), random.bytes(1 + random.length(8)), bytes.subarray(at));
  },
  function duplicate(bytes, random) {
    const from = random.below(bytes.length);
    const part = bytes.subarray(from, from + 1 + random.length(bytes.length));
    const times = random.once(16) ? 1 + random.below(32) : 1;
    return join(bytes.subarray(0, from), ...Array<Uint8Array>(times).fill(part), bytes.subarray(from));
  },
  function splice(bytes, random, other) {
    return join(bytes.subarray(0, random.below(bytes.length + 1)), other.subarray(random.below(other.length + 1)));
  },
  function editLength(bytes, random) {
    // A big-endian number of 1, 2, 4 or 8 bytes, set to something small, something huge, or one more or less.
    const width = random.pick([1, 2, 4, 8]);
    const at = random.below(Math.max(1, bytes.length - width));
    const end = Math.min(bytes.length, at + width);
    const how = random.below(4);
    if (how === 3) bytes[end - 1]! += random.once(2) ? 1 : -1;
    else bytes.fill(how === 0 ? 0 : how === 1 ? 0xff : random.pick(INTERESTING), at, end);
    return bytes;
  },
];

/** `valid`, changed in one to six places; `other` is a second valid input to take parts of. */
export function mutate(valid: Uint8Array, other: Uint8Array, random: Random): Uint8Array<ArrayBuffer> {
  let bytes: Uint8Array<ArrayBuffer> = valid.slice();
  for (let left = 1 + random.length(5); left > 0 && bytes.length > 0; left--) {
    bytes = random.pick(mutations)(bytes, random, other);
  }
  return bytes.length > MAX_INPUT_BYTES ? bytes.slice(0, MAX_INPUT_BYTES) : bytes;
}
