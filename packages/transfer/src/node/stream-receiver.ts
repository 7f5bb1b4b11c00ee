import type { Writable } from 'node:stream';
import { TransferError } from '../errors.ts';
import type { DigestAlgorithm } from '../packets.ts';
import { cancelled } from '../places.ts';
import type { Accept, Accepted, FileOffer, FileSink, StoredFile } from '../ports.ts';
import { storageError, systemCode } from './file-errors.ts';
import { HashFeed } from './hash-feed.ts';

/** Settings of {@link streamReceiver}. */
export interface StreamReceiverOptions {
  /** Nobody waits any more for what is being written: whoever reads the stream may never read on. */
  readonly signal?: AbortSignal;
}

/** A stream that takes one file. */
export interface StreamReceiver {
  /** For `getFile`, and for `openSession` when one file is expected. */
  readonly accept: Accept;
  /** Bytes that the stream has taken. */
  readonly writtenBytes: number;
}

/**
 * Writes one file into a stream: standard output, a socket, a program's input. Bytes count as stored when the stream has
 * taken them, so a slow reader slows the sender. After a lost line it goes on behind what was written.
 *
 * What was written cannot be taken back. So all of it is there before the digest is compared: look at what `getFile` says
 * before you trust it. A file that has become another one meanwhile ends with SOURCE_CHANGED. A reader that has left (EPIPE)
 * is CANCELLED, with Node's error as `cause`.
 *
 * The stream stays the caller's, who ends it when the file is there. Its `error` events are heard here.
 */
export function streamReceiver(stream: Writable, options: StreamReceiverOptions = {}): StreamReceiver {
  const one = new OneFile(stream, options.signal);
  return {
    accept: (offer) => one.accept(offer),
    get writtenBytes() {
      return one.writtenBytes;
    },
  };
}

class OneFile {
  writtenBytes = 0;
  readonly #stream: Writable;
  readonly #signal: AbortSignal | undefined;
  #feed: HashFeed | undefined;
  #state: 'free' | 'taking' | 'over' = 'free';
  #failure: TransferError | undefined;

  constructor(stream: Writable, signal: AbortSignal | undefined) {
    this.#stream = stream;
    this.#signal = signal;
    stream.on('error', (error) => {
      this.#failure ??= writeError(error);
    });
  }

  async accept(offer: FileOffer): Promise<Accepted> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#state !== 'free') throw new TransferError('STORAGE_FAILED', 'a stream takes one file, and has one');
    const feed = this.#feedFor(offer);
    this.#state = 'taking';
    const accepted = { sink: this.#sink(offer, feed), digest: feed.algorithm };
    if (this.writtenBytes === 0) return accepted;
    return { ...accepted, offset: this.writtenBytes, prefixDigest: await feed.digest() };
  }

  /** The running digest of what was written; before the first byte any will do. */
  #feedFor({ digest = 'md5', size }: FileOffer): HashFeed {
    if (this.#feed === undefined || this.writtenBytes === 0) {
      this.#feed?.drop();
      this.#feed = new HashFeed(digest, size);
    }
    const { algorithm }: { algorithm: DigestAlgorithm } = this.#feed;
    if (algorithm === 'md5' || algorithm === digest) return this.#feed;
    throw new TransferError(
      'STORAGE_FAILED',
      `what was written is digested in ${algorithm}, which the sender does not do`,
    );
  }

  #sink({ name }: FileOffer, feed: HashFeed): FileSink {
    const writeAll = async (parts: readonly Uint8Array[]) => {
      await this.#write(parts);
      for (const part of parts) this.writtenBytes += part.byteLength;
      // Copies: the hashing thread takes what it gets, and a stream may keep what it was given.
      await feed.add(parts.map((part) => new Uint8Array(part)));
    };
    return {
      write: (bytes) => writeAll([bytes]),
      writeAll,
      restart: async () => {
        if (this.writtenBytes === 0) return;
        const what = `the file is not what it was when its first ${this.writtenBytes} bytes were written`;
        throw new TransferError('SOURCE_CHANGED', `${what}, and a stream cannot take them back`);
      },
      digest: () => feed.digest(),
      commit: async (): Promise<StoredFile> => {
        const digest = await feed.digest();
        this.#end(feed);
        return { name, size: this.writtenBytes, digest, algorithm: feed.algorithm, existing: false };
      },
      discard: async ({ keepPartial } = { keepPartial: false }) => {
        if (keepPartial && this.#failure === undefined) this.#state = 'free';
        else this.#end(feed);
      },
    };
  }

  #end(feed: HashFeed): void {
    this.#state = 'over';
    feed.drop();
  }

  /** Resolves when the stream has taken all of them. What it has taken of them is not known when it rejects. */
  async #write(parts: readonly Uint8Array[]): Promise<void> {
    const signal = this.#signal;
    let aborted = () => {};
    try {
      await new Promise<void>((resolve, reject) => {
        aborted = () => reject();
        if (signal?.aborted) return aborted();
        signal?.addEventListener('abort', aborted, { once: true });
        this.#stream.cork();
        const last = parts.length - 1;
        parts.forEach((part, index) => {
          this.#stream.write(part, (error) => {
            if (error) reject(error);
            else if (index === last) resolve();
          });
        });
        this.#stream.uncork();
      });
    } catch (error) {
      // What the stream said first is why: afterwards it only says that it is destroyed.
      this.#failure ??= signal?.aborted ? cancelled(signal) : writeError(error);
      throw this.#failure;
    } finally {
      signal?.removeEventListener('abort', aborted);
    }
  }
}

function writeError(error: unknown): TransferError {
  if (systemCode(error) === 'EPIPE')
    return new TransferError('CANCELLED', 'whoever read it has left', { cause: error });
  return storageError(error);
}
