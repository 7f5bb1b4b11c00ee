import type { DigestAlgorithm } from '../packets.ts';
import { TransferLimit } from '../transfer-limit.ts';
import type { Folder } from './folder-tree.ts';
import { INLINE_HASH_BYTES } from './hashing.ts';
import { type FoundFile, fileDigest } from './placing.ts';

/** So many files are read to their end at once; each costs a descriptor and half a megabyte. */
const AT_ONCE = 4;

interface Shared {
  readonly digest: Promise<string>;
  readonly nobodyWaits: AbortController;
  users: number;
}

/**
 * The digests of files that are there and may be what is offered. To ask for one costs a peer a single packet, and reading
 * may take minutes: so whoever asks for the same untouched file at the same time shares it, few are read at once, and one for
 * which nobody waits any more is given up.
 */
export class Comparisons {
  readonly #digestOf: typeof fileDigest;
  readonly #long = new TransferLimit(AT_ONCE);
  /** Short files do not wait behind long ones. */
  readonly #short = new TransferLimit(AT_ONCE);
  readonly #shared = new Map<string, Shared>();

  constructor(digestOf = fileDigest) {
    this.#digestOf = digestOf;
  }

  /**
   * The digest of a file as it was found. Rejects when it cannot be read, and with the reason of `signal` when that is
   * aborted.
   */
  async digest(folder: Folder, found: FoundFile, algorithm: DigestAlgorithm, signal?: AbortSignal): Promise<string> {
    signal?.throwIfAborted();
    const key = `${algorithm}:${found.look}`;
    const shared = this.#shared.get(key) ?? this.#begin(key, folder, found, algorithm);
    shared.users += 1;
    try {
      return await unlessAborted(shared.digest, signal);
    } finally {
      shared.users -= 1;
      if (shared.users === 0) {
        if (this.#shared.get(key) === shared) this.#shared.delete(key);
        shared.nobodyWaits.abort();
      }
    }
  }

  #begin(key: string, folder: Folder, found: FoundFile, algorithm: DigestAlgorithm): Shared {
    const nobodyWaits = new AbortController();
    const { signal } = nobodyWaits;
    const limit = found.size <= INLINE_HASH_BYTES ? this.#short : this.#long;
    // Who asked first may be gone before it is read.
    const release = folder.hold();
    const read = async () => {
      const place = limit.enter();
      const leave = () => place.leave();
      signal.addEventListener('abort', leave);
      try {
        await place.ready;
        signal.throwIfAborted();
        return await this.#digestOf(folder.handle, found, algorithm, signal);
      } finally {
        signal.removeEventListener('abort', leave);
        leave();
        release();
      }
    };
    const digest = read();
    digest.catch(() => {}); // told to those who wait
    const shared = { digest, nobodyWaits, users: 0 };
    this.#shared.set(key, shared);
    return shared;
  }
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  let abort!: () => void;
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort);
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
