import type { DigestAlgorithm } from '../packets.ts';
import { createHasher, type Hasher } from './hashing.ts';

/** Messages are gathered into buffers of this size on their way to the hashing thread. */
const FEED_BYTES = 256 * 1024;

/** Buffers that may be under way to the thread and back; with the one being filled that is all a feed ever holds. */
const FEED_BUFFERS = 3;

/**
 * The digest of bytes that somebody else owns. They are copied once (10 GB/s, the digest does 0.5), because a message may
 * be a view into a larger buffer of the connection, and transferring that would take its neighbours away.
 */
export class HashFeed {
  readonly algorithm: DigestAlgorithm;
  readonly #hasher: Hasher;
  readonly #bufferBytes: number;
  readonly #flights: Promise<Uint8Array<ArrayBuffer>>[] = [];
  #buffer: Uint8Array<ArrayBuffer> | undefined;
  #filled = 0;

  /** @param expectedBytes the length to come, if known */
  constructor(algorithm: DigestAlgorithm, expectedBytes?: number) {
    this.algorithm = algorithm;
    this.#hasher = createHasher(algorithm, expectedBytes);
    this.#bufferBytes = Math.max(1, Math.min(FEED_BYTES, expectedBytes ?? FEED_BYTES));
  }

  /** Resolves when `bytes` have been copied; that waits while the hashing thread is behind. */
  async add(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    while (rest.byteLength > 0) {
      this.#buffer ??= await this.#freeBuffer();
      const part = rest.subarray(0, this.#bufferBytes - this.#filled);
      this.#buffer.set(part, this.#filled);
      this.#filled += part.byteLength;
      rest = rest.subarray(part.byteLength);
      if (this.#filled === this.#bufferBytes) this.#flush();
    }
  }

  /** Hex digest of everything added so far. */
  async digest(): Promise<string> {
    this.#flush();
    return this.#hasher.peek();
  }

  /** Gives the buffers back while nothing comes; the running digest stays, and may be added to later. */
  async rest(): Promise<void> {
    this.#flush();
    await Promise.all(this.#flights.splice(0));
  }

  /** Forgets the state in the thread. */
  drop(): void {
    this.#hasher.drop();
  }

  #flush(): void {
    if (this.#buffer === undefined || this.#filled === 0) return;
    const flight = this.#hasher.update(this.#buffer.subarray(0, this.#filled));
    flight.catch(() => {});
    this.#flights.push(flight);
    this.#buffer = undefined;
    this.#filled = 0;
  }

  async #freeBuffer(): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#flights.length < FEED_BUFFERS) return new Uint8Array(this.#bufferBytes);
    const back = await this.#flights.shift()!;
    return new Uint8Array(back.buffer);
  }
}
