import { createHash, type Hash } from 'node:crypto';
import type { DigestAlgorithm } from '../packets.ts';
import { SideThread } from './side-thread.ts';

/** Inputs known to be at most this long are hashed where they are: half a millisecond, less than two thread hops. */
export const INLINE_HASH_BYTES = 256 * 1024;

/** A running digest. Calls take effect in the order they are made; nothing has to be awaited in between. */
export interface Hasher {
  /**
   * Adds bytes. TAKES the whole buffer behind `bytes` until the promise resolves with the very same range of it;
   * reject only if the hashing thread died.
   */
  update(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Adds bytes, in order. TAKES the buffers behind them for good, which are free once they are hashed; then it resolves.
   * No two may share a buffer. Rejects only if the hashing thread died.
   */
  take(parts: readonly Uint8Array<ArrayBuffer>[]): Promise<void>;
  /** Hex digest of everything so far; the state stays usable. */
  peek(): Promise<string>;
  /** Hex digest of everything; the state is gone after it. */
  digest(): Promise<string>;
  /** Forgets the state; safe to call at any time, also after `digest()`. */
  drop(): void;
}

/**
 * A hasher for one file. Beside the caller, in one thread shared by the process, so that hashing costs no wall time
 * while bytes travel; inline when `expectedBytes` says that the input is small.
 *
 * @param expectedBytes the length to come, in bytes, if known
 */
export function createHasher(algorithm: DigestAlgorithm, expectedBytes?: number): Hasher {
  if (expectedBytes !== undefined && expectedBytes <= INLINE_HASH_BYTES) return new InlineHasher(algorithm);
  return new WorkerHasher(algorithm);
}

class InlineHasher implements Hasher {
  readonly #hash: Hash;

  constructor(algorithm: DigestAlgorithm) {
    this.#hash = createHash(algorithm);
  }

  async update(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    this.#hash.update(bytes);
    return bytes;
  }

  async take(parts: readonly Uint8Array<ArrayBuffer>[]): Promise<void> {
    for (const part of parts) this.#hash.update(part);
  }

  async peek(): Promise<string> {
    return this.#hash.copy().digest('hex');
  }

  async digest(): Promise<string> {
    return this.#hash.digest('hex');
  }

  drop(): void {}
}

class WorkerHasher implements Hasher {
  readonly #thread = hashThread();
  readonly #state: { readonly id: number; readonly algorithm: DigestAlgorithm };

  constructor(algorithm: DigestAlgorithm) {
    lastId += 1;
    this.#state = { id: lastId, algorithm };
  }

  async update(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    const request = { op: 'update', ...this.#state, bytes };
    return (await this.#thread.call<{ bytes: Uint8Array<ArrayBuffer> }>(request, [bytes.buffer])).bytes;
  }

  async take(parts: readonly Uint8Array<ArrayBuffer>[]): Promise<void> {
    const buffers = parts.map(({ buffer }) => buffer);
    await this.#thread.call({ op: 'take', ...this.#state, parts }, buffers);
  }

  async peek(): Promise<string> {
    return this.#digest(true);
  }

  async digest(): Promise<string> {
    return this.#digest(false);
  }

  async #digest(keep: boolean): Promise<string> {
    return (await this.#thread.call<{ digest: string }>({ op: 'digest', ...this.#state, keep })).digest;
  }

  drop(): void {
    this.#thread.tell({ op: 'drop', id: this.#state.id });
  }
}

let lastId = 0;
let thread: SideThread | undefined;

/** The one thread of this process. Those whose thread died cannot go on, their states are lost; the next gets a new one. */
function hashThread(): SideThread {
  if (thread === undefined || thread.died) {
    thread = new SideThread(new URL('./hash-worker.js', import.meta.url), 'hashing');
  }
  return thread;
}
