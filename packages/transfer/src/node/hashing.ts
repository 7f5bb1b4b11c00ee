import { createHash, type Hash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import type { DigestAlgorithm } from '../packets.ts';

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
  readonly #thread: HashThread;
  readonly #algorithm: DigestAlgorithm;
  readonly #id: number;

  constructor(algorithm: DigestAlgorithm) {
    this.#thread = HashThread.shared();
    this.#algorithm = algorithm;
    this.#id = this.#thread.newId();
  }

  async update(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    const request = { op: 'update', id: this.#id, algorithm: this.#algorithm, bytes };
    return (await this.#thread.call(request, [bytes.buffer])).bytes!;
  }

  async take(parts: readonly Uint8Array<ArrayBuffer>[]): Promise<void> {
    const request = { op: 'take', id: this.#id, algorithm: this.#algorithm, parts };
    await this.#thread.call(
      request,
      parts.map(({ buffer }) => buffer),
    );
  }

  async peek(): Promise<string> {
    return this.#digest(true);
  }

  async digest(): Promise<string> {
    return this.#digest(false);
  }

  async #digest(keep: boolean): Promise<string> {
    const reply = await this.#thread.call({ op: 'digest', id: this.#id, algorithm: this.#algorithm, keep }, []);
    return reply.digest!;
  }

  drop(): void {
    this.#thread.drop(this.#id);
  }
}

interface Reply {
  readonly call: number;
  readonly bytes?: Uint8Array<ArrayBuffer>;
  readonly digest?: string;
  readonly error?: string;
}

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/** The one thread of this process. It keeps the process alive only while somebody waits for an answer. */
class HashThread {
  static #current: HashThread | undefined;

  static shared(): HashThread {
    HashThread.#current ??= new HashThread();
    return HashThread.#current;
  }

  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #lastCall = 0;
  #lastId = 0;
  #failure: Error | undefined;

  constructor() {
    // No execArgv: a loader of the main thread (tsx, --inspect) has nothing to do in the worker and slows its start.
    this.#worker = new Worker(new URL('./hash-worker.js', import.meta.url), { execArgv: [], name: 'wsferry-hash' });
    this.#worker.unref();
    this.#worker.on('message', (reply: Reply) => this.#answer(reply));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('messageerror', (error) => this.#fail(error));
    this.#worker.on('exit', (code) => this.#fail(new Error(`the hashing thread ended with exit code ${code}`)));
  }

  newId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  call(request: object, transfer: ArrayBuffer[]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) throw this.#failure;
      this.#lastCall += 1;
      const call = this.#lastCall;
      this.#worker.postMessage({ ...request, call }, transfer);
      if (this.#waiting.size === 0) this.#worker.ref();
      this.#waiting.set(call, { resolve, reject });
    });
  }

  drop(id: number): void {
    if (this.#failure === undefined) this.#worker.postMessage({ op: 'drop', id });
  }

  #answer(reply: Reply): void {
    const waiting = this.#waiting.get(reply.call);
    if (waiting === undefined) return;
    this.#waiting.delete(reply.call);
    if (this.#waiting.size === 0) this.#worker.unref();
    if (reply.error === undefined) waiting.resolve(reply);
    else waiting.reject(new Error(`the hashing thread could not hash: ${reply.error}`));
  }

  #fail(error: unknown): void {
    this.#failure ??= new Error('the hashing thread died', { cause: error });
    // The next hasher starts a new thread; those of this one cannot go on, their states are lost.
    if (HashThread.#current === this) HashThread.#current = undefined;
    for (const waiting of this.#waiting.values()) waiting.reject(this.#failure);
    this.#waiting.clear();
  }
}
