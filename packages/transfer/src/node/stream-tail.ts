import { createHash, type Hash } from 'node:crypto';
import type { DigestAlgorithm } from '../packets.ts';

/** What is kept is kept in blocks of this size, so that a stream of single bytes costs no more than its bytes. */
export const TAIL_BLOCK_BYTES = 256 * 1024;

/** Released blocks that wait to be filled again, so that the garbage of a long stream does not pile up. */
const MAX_SPARE_BLOCKS = 4;

/**
 * The end of a stream that cannot be read twice: the bytes that may be asked for again, and the running digest of all that
 * came before them. So every prefix that ends in what is kept can be proven.
 */
export class StreamTail {
  #hash: Hash;
  #algorithm: DigestAlgorithm = 'md5';
  readonly #blocks: Uint8Array[] = [];
  readonly #spare: Uint8Array[] = [];
  #begin = 0;
  #end = 0;

  constructor() {
    this.#hash = createHash(this.#algorithm);
  }

  /** Offset in the stream of the first byte that is kept. */
  get begin(): number {
    return this.#begin;
  }

  /** Offset behind the last byte that has come. */
  get end(): number {
    return this.#end;
  }

  /** Bytes of memory that it holds. */
  get heldBytes(): number {
    return (this.#blocks.length + this.#spare.length) * TAIL_BLOCK_BYTES;
  }

  /** Digests in `algorithm` from now on; false when that is too late, because something was given up. */
  use(algorithm: DigestAlgorithm): boolean {
    if (algorithm === this.#algorithm) return true;
    if (this.#begin > 0) return false;
    this.#algorithm = algorithm;
    this.#hash = createHash(algorithm);
    return true;
  }

  /** Copies the bytes. */
  append(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.byteLength > 0) {
      const at = (this.#end - this.#begin) % TAIL_BLOCK_BYTES;
      if (at === 0) this.#blocks.push(this.#spare.pop() ?? new Uint8Array(TAIL_BLOCK_BYTES));
      const fitting = rest.subarray(0, TAIL_BLOCK_BYTES - at);
      this.#blocks.at(-1)!.set(fitting, at);
      this.#end += fitting.byteLength;
      rest = rest.subarray(fitting.byteLength);
    }
  }

  /** Some of what comes from `offset` on, at most `most` bytes: good until they are released. */
  view(offset: number, most: number): Uint8Array {
    const at = (offset - this.#begin) % TAIL_BLOCK_BYTES;
    const block = this.#blocks[Math.floor((offset - this.#begin) / TAIL_BLOCK_BYTES)]!;
    return block.subarray(at, Math.min(at + most, TAIL_BLOCK_BYTES, at + this.#end - offset));
  }

  /** What comes before `offset` is not asked for again. Whole blocks are given up, a part of one stays. */
  release(offset: number): void {
    while (this.#begin + TAIL_BLOCK_BYTES <= Math.min(offset, this.#end)) {
      const block = this.#blocks.shift()!;
      this.#hash.update(block);
      this.#begin += TAIL_BLOCK_BYTES;
      if (this.#spare.length < MAX_SPARE_BLOCKS) this.#spare.push(block);
    }
  }

  /** Hex digest of everything before `offset`, which is from `begin` to `end`. */
  digest(offset: number): string {
    const hash = this.#hash.copy();
    for (let at = this.#begin; at < offset; ) {
      const part = this.view(at, offset - at);
      hash.update(part);
      at += part.byteLength;
    }
    return hash.digest('hex');
  }
}
