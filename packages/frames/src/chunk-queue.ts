import { wordsOf } from './mask.ts';

const NOTHING = new Uint8Array(0);

/** Below this many bytes in a chunk, a view for word-wise masking does not pay. */
const MIN_WORDS_CHUNK_BYTES = 256;

/** The chunks that were pushed and not yet read, in order: one is being read, others may wait behind it. */
export class ChunkQueue {
  /** The chunk being read, and where: the decoder's inner loop moves `position` itself. */
  chunk: Uint8Array = NOTHING;
  position = 0;
  #words: Int32Array | undefined;
  /** Made when a chunk has to wait: most often the one before was read to its end. */
  #waiting: Uint8Array[] | undefined;
  #head = 0;
  #waitingBytes = 0;

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

  /** The words of the current chunk, for `maskRange`: made once a chunk, and only when it is worth it. */
  words(): Int32Array | undefined {
    if (this.#words === undefined && this.chunk.length >= MIN_WORDS_CHUNK_BYTES) this.#words = wordsOf(this.chunk);
    return this.#words;
  }

  clear(): void {
    this.#use(NOTHING);
    this.#waiting = undefined;
    this.#head = 0;
    this.#waitingBytes = 0;
  }

  #use(chunk: Uint8Array): void {
    this.chunk = chunk;
    this.position = 0;
    this.#words = undefined;
  }

  #advance(): boolean {
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
