import type { DigestAlgorithm } from '../packets.ts';
import { createHasher, type Hasher } from './hashing.ts';

/** What cannot be given away is gathered into buffers of this size. */
const GATHER_BYTES = 64 * 1024;

/** Shorter parts are gathered, too: to give each to the thread by itself costs more than to copy it. */
const WORTH_GIVING_BYTES = 16 * 1024;

/** So many bytes beside a part may be left in its buffer: a header in front of it. */
const BESIDE_BYTES = 64;

/** What may be with the hashing thread at once. It is a little behind the disk at most, and memory stays bounded. */
const AHEAD_BYTES = 4 * 1024 * 1024;

/**
 * The digest of bytes that come in parts which nobody needs any more: what fills its buffer is given to the hashing thread as
 * it is, and its memory is free again when it is hashed; what shares one is copied.
 */
export class HashFeed {
  readonly algorithm: DigestAlgorithm;
  readonly #hasher: Hasher;
  readonly #gatherBytes: number;
  #gathered: Uint8Array<ArrayBuffer> | undefined;
  #filled = 0;
  #aheadBytes = 0;
  #failure: unknown;
  #roomy: (() => void) | undefined;

  /** @param expectedBytes the length to come, if known */
  constructor(algorithm: DigestAlgorithm, expectedBytes?: number) {
    this.algorithm = algorithm;
    this.#hasher = createHasher(algorithm, expectedBytes);
    this.#gatherBytes = Math.max(1, Math.min(GATHER_BYTES, expectedBytes ?? GATHER_BYTES));
  }

  /** OWNS the parts: they may be detached. Resolves at once, or when the hashing thread has caught up. */
  async add(parts: readonly Uint8Array[]): Promise<void> {
    let whole: Uint8Array<ArrayBuffer>[] = [];
    for (const part of parts) {
      if (fillsItsBuffer(part)) {
        if (this.#filled > 0) {
          this.#give(whole);
          whole = [this.#takeGathered()];
        }
        whole.push(part);
        continue;
      }
      this.#give(whole);
      whole = [];
      this.#gather(part);
    }
    this.#give(whole);
    await this.#caughtUp(AHEAD_BYTES);
  }

  /** Hex digest of everything added so far. */
  digest(): Promise<string> {
    if (this.#filled > 0) this.#give([this.#takeGathered()]);
    return this.#hasher.peek();
  }

  /** Holds no bytes while nothing comes; the running digest stays, and may be added to later. */
  async rest(): Promise<void> {
    if (this.#filled > 0) this.#give([this.#takeGathered()]);
    await this.#caughtUp(0);
  }

  /** Forgets the state in the thread. */
  drop(): void {
    this.#hasher.drop();
  }

  async #caughtUp(aheadBytes: number): Promise<void> {
    while (this.#aheadBytes > aheadBytes && this.#failure === undefined) {
      await new Promise<void>((resolve) => {
        this.#roomy = resolve;
      });
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  #gather(part: Uint8Array): void {
    let rest = part;
    while (rest.byteLength > 0) {
      this.#gathered ??= new Uint8Array(this.#gatherBytes);
      const fitting = rest.subarray(0, this.#gatherBytes - this.#filled);
      this.#gathered.set(fitting, this.#filled);
      this.#filled += fitting.byteLength;
      rest = rest.subarray(fitting.byteLength);
      if (this.#filled === this.#gatherBytes) this.#give([this.#takeGathered()]);
    }
  }

  #takeGathered(): Uint8Array<ArrayBuffer> {
    const gathered = this.#gathered!.subarray(0, this.#filled);
    this.#gathered = undefined;
    this.#filled = 0;
    return gathered;
  }

  #give(parts: readonly Uint8Array<ArrayBuffer>[]): void {
    if (parts.length === 0) return;
    const bytes = parts.reduce((sum, part) => sum + part.byteLength, 0);
    this.#aheadBytes += bytes;
    const hashed = (error?: unknown) => {
      this.#failure ??= error;
      this.#aheadBytes -= bytes;
      this.#roomy?.();
    };
    this.#hasher.take(parts).then(() => hashed(), hashed);
  }
}

/** Whether `part` and the header of its message are all that is in the buffer behind it. */
function fillsItsBuffer(part: Uint8Array): part is Uint8Array<ArrayBuffer> {
  const { buffer, byteLength } = part;
  if (!(buffer instanceof ArrayBuffer) || byteLength < WORTH_GIVING_BYTES) return false;
  return buffer.byteLength - byteLength <= BESIDE_BYTES;
}
