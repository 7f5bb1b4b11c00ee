/**
 * The last bytes of what went through, for the next message to refer to: DEFLATE's window between messages. A buffer of
 * its own, which grows to `capacity` bytes and no further.
 */
export class History {
  readonly #capacity: number;
  #buffer = new Uint8Array(0);
  #length = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** What is remembered, oldest first: a view, good until the next `append`. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  append(bytes: Uint8Array): void {
    const added = bytes.length > this.#capacity ? bytes.subarray(bytes.length - this.#capacity) : bytes;
    const kept = Math.min(this.#length, this.#capacity - added.length);
    const length = kept + added.length;
    const old = this.#buffer;
    if (old.length < length) this.#buffer = new Uint8Array(Math.min(this.#capacity, Math.max(length, old.length * 2)));
    if (this.#buffer !== old) this.#buffer.set(old.subarray(this.#length - kept, this.#length));
    else if (kept < this.#length) old.copyWithin(0, this.#length - kept, this.#length);
    this.#buffer.set(added, kept);
    this.#length = length;
  }

  clear(): void {
    this.#buffer = new Uint8Array(0);
    this.#length = 0;
  }
}

/** `bytes`, copied when they are a small view of a large buffer, which they would keep alive. */
export function compact(bytes: Uint8Array): Uint8Array {
  if (bytes.length * 2 < bytes.buffer.byteLength) return new Uint8Array(bytes);
  // zlib gives Buffers; what leaves here is a plain Uint8Array.
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
