/** What an inflated stretch of blocks was made of. */
export interface Inflated {
  readonly bytes: Uint8Array;
  /** The farthest back that any copy reached, in bytes; 0 when nothing was copied. */
  readonly farthest: number;
  /** How many blocks of each kind: stored, fixed, dynamic. */
  readonly blocks: readonly [stored: number, fixed: number, dynamic: number];
}

const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
];
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
  8193, 12289, 16385, 24577,
];
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** A canonical Huffman code (RFC 1951 §3.2.2): how many codes of each length, and the symbols in order. */
interface Code {
  readonly counts: Uint16Array;
  readonly symbols: Uint16Array;
}

function buildCode(lengths: readonly number[]): Code {
  const counts = new Uint16Array(16);
  for (const length of lengths) counts[length]!++;
  const offsets = new Uint16Array(16);
  for (let length = 1; length < 15; length++) offsets[length + 1] = offsets[length]! + counts[length]!;
  const symbols = new Uint16Array(lengths.length);
  lengths.forEach((length, symbol) => {
    if (length !== 0) symbols[offsets[length]!++] = symbol;
  });
  return { counts, symbols };
}

const FIXED_LITERALS = buildCode(Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8)));
const FIXED_DISTANCES = buildCode(Array.from({ length: 30 }, () => 5));

/**
 * Inflates one message's blocks (RFC 1951, by the letter), its `00 00 ff ff` tail put back on by the caller. Slow, and
 * not zlib: it sees how far back every copy reaches, which zlib does not tell.
 *
 * @param history what copies may reach into: the last bytes of earlier messages, empty without context takeover
 * @param window the agreed window in bytes; a copy from farther back throws
 */
export function inflate(bytes: Uint8Array, history: Uint8Array, window: number): Inflated {
  let at = 0;
  let held = 0;
  let count = 0;
  let farthest = 0;
  const blocks: [number, number, number] = [0, 0, 0];
  let output = new Uint8Array(history.length + 1024);
  output.set(history);
  let length = history.length;

  const bits = (need: number): number => {
    let value = held;
    while (count < need) {
      if (at >= bytes.length) throw new Error('the compressed data ends inside a block');
      value |= bytes[at++]! << count;
      count += 8;
    }
    held = value >>> need;
    count -= need;
    return value & ((1 << need) - 1);
  };
  const symbol = ({ counts, symbols }: Code): number => {
    let code = 0;
    let first = 0;
    let index = 0;
    for (let size = 1; size <= 15; size++) {
      code |= bits(1);
      const here = counts[size]!;
      if (code - here < first) return symbols[index + code - first]!;
      index += here;
      first = (first + here) << 1;
      code <<= 1;
    }
    throw new Error('the compressed data holds an unknown code');
  };
  const put = (byte: number): void => {
    if (length === output.length) {
      const larger = new Uint8Array(length * 2);
      larger.set(output);
      output = larger;
    }
    output[length++] = byte;
  };
  const readCodes = (): [Code, Code] => {
    const literals = bits(5) + 257;
    const distances = bits(5) + 1;
    const sizes = bits(4) + 4;
    const lengths: number[] = new Array(19).fill(0);
    for (let i = 0; i < sizes; i++) lengths[CODE_LENGTH_ORDER[i]!] = bits(3);
    const code = buildCode(lengths);
    const all: number[] = [];
    while (all.length < literals + distances) {
      const one = symbol(code);
      if (one < 16) all.push(one);
      else {
        const repeated = one === 16 ? all.at(-1)! : 0;
        const times = one === 16 ? 3 + bits(2) : one === 17 ? 3 + bits(3) : 11 + bits(7);
        for (let i = 0; i < times; i++) all.push(repeated);
      }
    }
    return [buildCode(all.slice(0, literals)), buildCode(all.slice(literals, literals + distances))];
  };
  const codes = (literals: Code, distances: Code): void => {
    for (;;) {
      const one = symbol(literals);
      if (one === 256) return;
      if (one < 256) {
        put(one);
        continue;
      }
      const run = LENGTH_BASE[one - 257]! + bits(LENGTH_EXTRA[one - 257]!);
      const distanceSymbol = symbol(distances);
      const distance = DISTANCE_BASE[distanceSymbol]! + bits(distanceSymbol < 2 ? 0 : (distanceSymbol >> 1) - 1);
      if (distance > length) throw new Error(`a copy reaches ${distance} bytes back, where only ${length} are`);
      if (distance > window) throw new Error(`a copy reaches ${distance} bytes back, the window has ${window}`);
      farthest = Math.max(farthest, distance);
      for (let i = 0; i < run; i++) put(output[length - distance]!);
    }
  };

  // Blocks follow each other to the end of the message. A last block (BFINAL) may be followed by more (RFC 7692 §7.2.3.4).
  while (at < bytes.length) {
    const last = bits(1) === 1;
    const kind = bits(2);
    if (kind === 3) throw new Error('the compressed data holds a block of the reserved kind');
    blocks[kind]!++;
    if (kind === 0) {
      held = 0;
      count = 0;
      const size = bytes[at]! | (bytes[at + 1]! << 8);
      if ((size ^ 0xffff) !== (bytes[at + 2]! | (bytes[at + 3]! << 8)))
        throw new Error('a stored block has a bad length');
      at += 4;
      for (let i = 0; i < size; i++) put(bytes[at++]!);
    } else if (kind === 1) codes(FIXED_LITERALS, FIXED_DISTANCES);
    else codes(...readCodes());
    if (last) {
      held = 0;
      count = 0;
    }
  }
  return { bytes: output.slice(history.length, length), farthest, blocks };
}
