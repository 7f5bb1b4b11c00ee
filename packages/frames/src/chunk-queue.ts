import { maskByWords, maskRange, wordsOf } from './mask.ts';

const NOTHING = new Uint8Array(0);

/** Below this many bytes in a chunk, a view for word-wise masking does not pay. */
const MIN_WORDS_CHUNK_BYTES = 256;
/** Below this many bytes, words are as fast as asking where the chunk lies. */
const SHORT_RANGE_BYTES = 256;

/** The chunks that were pushed and not yet read, in order: one is being read, others may wait behind it. */
export class ChunkQueue {
  /** The chunk being read, and where: the decoder's inner loop moves `position` itself. */
  chunk: Uint8Array = NOTHING;
  position = 0;
  /** Of the chunk: asking it for each frame takes as long as making the frame's view. */
  #memory: ArrayBufferLike = NOTHING.buffer;
  #memoryAt = 0;
  /** As it came. Whoever got a view of it may have given its memory away since, to a worker for one. */
  #length = 0;
  #words: Int32Array | undefined;
  /** Made when a chunk has to wait: most often the one before was read to its end. */
  #waiting: Uint8Array[] | undefined;
  #head = 0;
  #waitingBytes = 0;
  /** Whether a view of the current chunk was given away that may live longer than the chunk. */
  shared = false;
  readonly #spent: ((chunk: Uint8Array) => void) | undefined;

  /** `spent` gets each chunk that was read to its end and not `shared`. */
  constructor(spent?: (chunk: Uint8Array) => void) {
    this.#spent = spent;
  }

  /** Bytes of the current chunk not yet read. */
  get available(): number {
    return this.chunk.length - this.position;
  }

  get unreadBytes(): number {
    return this.available + this.#waitingBytes;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    if (this.available === 0) {
      this.#use(chunk);
    } else {
      this.#waiting ??= [];
      this.#waiting.push(chunk);
      this.#waitingBytes += chunk.length;
    }
  }

  /** Whether `chunk[position]` is there; moves on to the next chunk when the current one is used up. */
  ready(): boolean {
    return this.position < this.chunk.length || this.#advance();
  }

  /** The next `length` bytes of the current chunk as a view, and steps over them. Of none it is no view, and may outlive the chunk. */
  take(length: number): Uint8Array {
    if (length === 0) return new Uint8Array(0);
    const start = this.#memoryAt + this.position;
    this.position += length;
    // Not subarray(): of a Buffer that would be a Buffer.
    return new Uint8Array(this.#memory, start, length);
  }

  /** Masks the next `length` bytes of the current chunk, the first of which stands at `offset` in its payload. */
  mask(length: number, key: Uint8Array, offset: number): void {
    const { chunk, position } = this;
    // The words are made once a chunk, and only when it is worth it.
    if (this.#words === undefined && chunk.length >= MIN_WORDS_CHUNK_BYTES) this.#words = wordsOf(chunk);
    const mask = length < SHORT_RANGE_BYTES ? maskByWords : maskRange;
    mask(chunk, this.#words, position, position + length, key, offset);
  }

  clear(): void {
    this.#use(NOTHING);
    this.#waiting = undefined;
    this.#head = 0;
    this.#waitingBytes = 0;
  }

  #use(chunk: Uint8Array): void {
    const before = this.chunk;
    const spent = before.length > 0 && this.available === 0 && !this.shared;
    this.chunk = chunk;
    this.shared = false;
    this.position = 0;
    this.#memory = chunk.buffer;
    this.#memoryAt = chunk.byteOffset;
    this.#length = chunk.length;
    this.#words = undefined;
    if (spent) this.#spent?.(before);
  }

  #advance(): boolean {
    if (this.position < this.#length) {
      throw new Error(
        'expected the received bytes that are not read yet, but their ArrayBuffer was transferred: copy first',
      );
    }
    const waiting = this.#waiting;
    const chunk = waiting?.[this.#head];
    if (waiting === undefined || chunk === undefined) {
      // Let go of a chunk that is read to its end: only the frames seen in it keep it alive now.
      if (this.chunk !== NOTHING) this.#use(NOTHING);
      return false;
    }
    this.#head++;
    // Not shift(): that is linear in what waits. Dropping the read half now and then is not.
    if (this.#head * 2 > waiting.length) {
      waiting.splice(0, this.#head);
      this.#head = 0;
    }
    this.#waitingBytes -= chunk.length;
    this.#use(chunk);
    return true;
  }
}
