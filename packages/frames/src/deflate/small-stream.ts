/** Where a decoded DEFLATE stream goes. `copy` is false when nothing is that far back. */
export interface Sink {
  readonly length: number;
  literal(byte: number): void;
  copy(distance: number, length: number): boolean;
}

/**
 * Decodes one DEFLATE stream (RFC 1951 §3.2), from `at` to the end of its block with BFINAL, in plain TypeScript: for
 * streams of a few bytes, where a call of zlib would cost a hundred times as much. Gives the position behind it, or
 * `undefined` when the stream is malformed, not all there before `end`, or puts out more than `maxOutputBytes`: zlib is
 * to judge it then, and the sink must be taken back.
 */
export function readSmallStream(
  input: Uint8Array,
  at: number,
  end: number,
  sink: Sink,
  maxOutputBytes: number,
): number | undefined {
  const reader = new BitReader(input, at, end);
  const most = sink.length + maxOutputBytes;
  for (;;) {
    const final = reader.bits(1);
    const type = reader.bits(2);
    let good: boolean;
    if (type === 0) good = readStored(reader, sink, most);
    else if (type === 1) good = readSymbols(reader, sink, most, fixedLiterals, fixedDistances);
    else good = type === 2 && readDynamic(reader, sink, most);
    if (!good || reader.overrun) return undefined;
    if (final === 1) return reader.position;
  }
}

/** Bits from the low end of each byte (RFC 1951 §3.1.1). Zeros behind the end, and then `overrun` is set. */
class BitReader {
  readonly #input: Uint8Array;
  readonly #end: number;
  #at: number;
  #held = 0;
  #count = 0;
  overrun = false;

  constructor(input: Uint8Array, at: number, end: number) {
    this.#input = input;
    this.#at = at;
    this.#end = end;
  }

  bits(count: number): number {
    while (this.#count < count) {
      if (this.#at >= this.#end) {
        this.overrun = true;
        return 0;
      }
      this.#held |= this.#input[this.#at++]! << this.#count;
      this.#count += 8;
    }
    const value = this.#held & ((1 << count) - 1);
    this.#held >>>= count;
    this.#count -= count;
    return value;
  }

  /** Behind the last byte of which anything was read: fewer than 8 bits are ever held. */
  get position(): number {
    return this.#at;
  }

  /** Forgets the rest of the current byte. */
  align(): void {
    this.#held = 0;
    this.#count = 0;
  }
}

/** A canonical Huffman code: how many symbols have each length, and the symbols in order of their codes. */
interface Code {
  readonly counts: Uint16Array;
  readonly symbols: Uint16Array;
}

const MAX_CODE_BITS = 15;

/** §3.2.2. `undefined` when more codes are given than there is room for, or fewer, but for a single one of one bit. */
function codeOf(lengths: ArrayLike<number>, from: number, to: number): Code | undefined {
  const counts = new Uint16Array(MAX_CODE_BITS + 1);
  for (let i = from; i < to; i++) counts[lengths[i]!]!++;
  const used = to - from - counts[0]!;
  counts[0] = 0;
  let room = 1;
  const offsets = new Uint16Array(MAX_CODE_BITS + 2);
  for (let bits = 1; bits <= MAX_CODE_BITS; bits++) {
    room = room * 2 - counts[bits]!;
    if (room < 0) return undefined;
    offsets[bits + 1] = offsets[bits]! + counts[bits]!;
  }
  if (room > 0 && !(used === 0 || (used === 1 && counts[1] === 1))) return undefined;
  const symbols = new Uint16Array(used);
  for (let i = from; i < to; i++) if (lengths[i] !== 0) symbols[offsets[lengths[i]!]!++] = i - from;
  return { counts, symbols };
}

/** The next symbol, or -1 when no code fits. */
function symbol(reader: BitReader, { counts, symbols }: Code): number {
  let code = 0;
  let first = 0;
  let index = 0;
  for (let bits = 1; bits <= MAX_CODE_BITS; bits++) {
    code |= reader.bits(1);
    const count = counts[bits]!;
    if (code - count < first) return symbols[index + code - first]!;
    index += count;
    first = (first + count) << 1;
    code <<= 1;
  }
  return -1;
}

/** §3.2.4 */
function readStored(reader: BitReader, sink: Sink, most: number): boolean {
  reader.align();
  const length = reader.bits(16);
  const complement = reader.bits(16);
  if (reader.overrun || (length ^ complement) !== 0xffff || sink.length + length > most) return false;
  for (let i = 0; i < length && !reader.overrun; i++) sink.literal(reader.bits(8));
  return true;
}

const END_OF_BLOCK = 256;
// §3.2.5: the least length and distance of each symbol, and how many bits are added to it.
const lengthBases = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131];
lengthBases.push(163, 195, 227, 258);
const lengthBits = lengthBases.map((_, i) => (i < 4 || i === 28 ? 0 : (i >> 2) - 1));
const distanceBits = Array.from({ length: 30 }, (_, i) => (i < 2 ? 0 : (i >> 1) - 1));
const distanceBases = distanceBits.map(
  (_, i) => 1 + distanceBits.slice(0, i).reduce((sum, bits) => sum + 2 ** bits, 0),
);

/** §3.2.5 */
function readSymbols(reader: BitReader, sink: Sink, most: number, literals: Code, distances: Code): boolean {
  while (!reader.overrun) {
    const next = symbol(reader, literals);
    if (next === END_OF_BLOCK) return true;
    if (next < 0 || next > END_OF_BLOCK + lengthBases.length) return false;
    if (next < END_OF_BLOCK) {
      if (sink.length >= most) return false;
      sink.literal(next);
      continue;
    }
    const length = lengthBases[next - 257]! + reader.bits(lengthBits[next - 257]!);
    const far = symbol(reader, distances);
    if (far < 0 || far >= distanceBases.length) return false;
    const distance = distanceBases[far]! + reader.bits(distanceBits[far]!);
    if (sink.length + length > most || !sink.copy(distance, length)) return false;
  }
  return false;
}

// §3.2.6
const fixedLengths = Uint8Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8));
const fixedLiterals = codeOf(fixedLengths, 0, 288)!;
const fixedDistances = codeOf(new Uint8Array(32).fill(5), 0, 32)!;

/** The order in which the lengths of the code for lengths come (§3.2.7). */
const lengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** §3.2.7 */
function readDynamic(reader: BitReader, sink: Sink, most: number): boolean {
  const literalCount = reader.bits(5) + 257;
  const distanceCount = reader.bits(5) + 1;
  const lengthCount = reader.bits(4) + 4;
  if (literalCount > 286 || distanceCount > 30) return false;
  const lengthLengths = new Uint8Array(lengthOrder.length);
  for (let i = 0; i < lengthCount; i++) lengthLengths[lengthOrder[i]!] = reader.bits(3);
  const lengthCode = codeOf(lengthLengths, 0, lengthOrder.length);
  if (lengthCode === undefined) return false;
  const lengths = new Uint8Array(literalCount + distanceCount);
  let at = 0;
  while (at < lengths.length) {
    const next = symbol(reader, lengthCode);
    if (next < 0 || reader.overrun) return false;
    if (next < 16) {
      lengths[at++] = next;
      continue;
    }
    if (next === 16 && at === 0) return false;
    const value = next === 16 ? lengths[at - 1]! : 0;
    const repeat = next === 16 ? 3 + reader.bits(2) : next === 17 ? 3 + reader.bits(3) : 11 + reader.bits(7);
    if (at + repeat > lengths.length) return false;
    lengths.fill(value, at, at + repeat);
    at += repeat;
  }
  if (lengths[END_OF_BLOCK] === 0) return false;
  const literals = codeOf(lengths, 0, literalCount);
  const distances = codeOf(lengths, literalCount, lengths.length);
  return literals !== undefined && distances !== undefined && readSymbols(reader, sink, most, literals, distances);
}
