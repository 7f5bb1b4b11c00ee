import { compact } from './history.ts';

/** The largest distance DEFLATE can express (RFC 1951 §3.2.5). */
const MAX_DISTANCE = 32 * 1024;

/** What one message has inflated to so far, behind what it may refer to from messages before it. */
export class Output {
  readonly #history: Uint8Array;
  #buffer = new Uint8Array(0);
  #length = 0;

  constructor(history: Uint8Array) {
    this.#history = history;
  }

  get length(): number {
    return this.#length;
  }

  /** The dictionary for whatever follows: the last 32 KiB of history and message. */
  dictionary(): Uint8Array {
    const fromMessage = this.#buffer.subarray(Math.max(0, this.#length - MAX_DISTANCE), this.#length);
    if (fromMessage.length === MAX_DISTANCE || this.#history.length === 0) return fromMessage;
    if (fromMessage.length === 0) return this.#history;
    const fromHistory = this.#history.subarray(Math.max(0, this.#history.length + fromMessage.length - MAX_DISTANCE));
    const joined = new Uint8Array(fromHistory.length + fromMessage.length);
    joined.set(fromHistory);
    joined.set(fromMessage, fromHistory.length);
    return joined;
  }

  /** The first bytes are adopted as they are, so that a usual message is not copied. */
  append(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.#length === 0) {
      this.#buffer = new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length);
      this.#length = bytes.length;
      return;
    }
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  literal(byte: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = byte;
  }

  /** False when there is nothing that far back. */
  copy(distance: number, length: number): boolean {
    if (distance > this.#length + this.#history.length) return false;
    this.#reserve(length);
    for (let left = length; left > 0; left--) {
      const from = this.#length - distance;
      this.#buffer[this.#length++] = from < 0 ? this.#history[this.#history.length + from]! : this.#buffer[from]!;
    }
    return true;
  }

  /** Takes back everything after the first `length` bytes. */
  truncate(length: number): void {
    this.#length = length;
  }

  bytes(): Uint8Array {
    return compact(this.#buffer.subarray(0, this.#length));
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(256, needed, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}
