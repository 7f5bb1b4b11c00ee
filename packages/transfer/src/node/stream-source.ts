import { randomUUID } from 'node:crypto';
import { TransferError } from '../errors.ts';
import { wholeNumber } from '../options.ts';
import type { FileSource, OpenOptions, OpenSource } from '../ports.ts';
import { sourceError } from './file-errors.ts';
import { StreamTail, TAIL_BLOCK_BYTES } from './stream-tail.ts';

/** What {@link streamSource} is told beside the stream. */
export interface StreamSourceOptions {
  readonly name: string;
  /** The folders it is to lie in at the receiver, outermost first. */
  readonly folder?: readonly string[];
  /** Milliseconds since 1970. */
  readonly modified?: number;
  /**
   * The most bytes that were sent and not yet acknowledged as stored to keep in memory, 16 MiB by default: four times the
   * window that a receiver gives by default. What is beyond it cannot be sent again after a loss.
   */
  readonly keepBytes?: number;
}

/** A stream that can be sent, once. */
export interface StreamSource extends FileSource {
  /** Bytes of memory that hold what may have to be sent again. */
  readonly heldBytes: number;
}

/**
 * A stream as a source of unknown size: standard input, a response that is passed on, what is packed just now. Nothing of it
 * is written to disk. It is read no faster than the receiver stores it.
 *
 * After a lost line a `Courier` goes on with it: what was sent and is not known to be stored is kept in memory, with the
 * digest of all that came before, so that the receiver's offset can be proven. What is stored cannot be read again: when the
 * receiver has lost that, the transfer fails with SOURCE_FAILED. So it does when the stream fails; the stream stays the
 * caller's to destroy.
 *
 * @throws RangeError for a `keepBytes` that is no number of bytes
 */
export function streamSource(stream: AsyncIterable<Uint8Array>, options: StreamSourceOptions): StreamSource {
  return readOnce(stream, options);
}

/** The same for a stream of our own. `leave` is called when nobody will go on with it, possibly more than once. */
export function readOnce(
  stream: AsyncIterable<Uint8Array>,
  options: StreamSourceOptions,
  leave: () => Promise<void> = async () => {},
): StreamSource {
  const { name, folder, modified, keepBytes = 16 * 1024 * 1024 } = options;
  const once = new OnceReadable(stream, wholeNumber('keepBytes', keepBytes, 0), leave);
  return {
    name,
    size: undefined,
    ...(folder !== undefined && { folder }),
    ...(modified !== undefined && { modified }),
    // Nobody else's, not even that of the same command run again: that is another stream.
    resumeKey: `stream:${randomUUID()}`,
    open: async (how) => once.open(how),
    get heldBytes() {
      return once.tail.heldBytes;
    },
  };
}

/** A stream, of which one transfer after the other reads on, when those before it were cut. */
class OnceReadable {
  readonly tail = new StreamTail();
  /** Who reads it now. */
  reader: OpenStream | undefined;
  ended = false;
  readonly leave: () => Promise<void>;
  readonly #stream: AsyncIterable<unknown>;
  readonly #keepBytes: number;
  #chunks: AsyncIterator<unknown> | undefined;
  /** What came and is not in the tail yet: a single chunk may be larger than all that is to be kept. */
  #rest: Uint8Array = new Uint8Array();
  #reading: Promise<void> | undefined;
  #failure: TransferError | undefined;

  constructor(stream: AsyncIterable<unknown>, keepBytes: number, leave: () => Promise<void>) {
    this.#stream = stream;
    this.#keepBytes = keepBytes;
    this.leave = leave;
  }

  open({ start, chunkBytes, algorithm }: OpenOptions): OpenSource {
    const { tail } = this;
    if (start < tail.begin) {
      const kept = `only what comes from byte ${tail.begin} on is still in memory`;
      throw new TransferError('SOURCE_FAILED', `a stream cannot be read again: byte ${start} is wanted, and ${kept}`);
    }
    if (!tail.use(algorithm)) {
      const message = `a stream cannot be read again, and its beginning was not digested in ${algorithm}`;
      throw new TransferError('SOURCE_FAILED', message);
    }
    const proof = start > 0 && start <= tail.end ? tail.digest(start) : undefined;
    this.reader = new OpenStream(this, start, chunkBytes, proof);
    return this.reader;
  }

  /** Resolves when more has come, or the end. A read that a cut transfer has begun is the next one's. */
  more(): Promise<void> {
    this.#reading ??= this.#more().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #more(): Promise<void> {
    // After a failure iterators say that they are done.
    if (this.#failure !== undefined) throw this.#failure;
    try {
      this.#chunks ??= this.#stream[Symbol.asyncIterator]();
      if (this.#rest.byteLength === 0) {
        const { value, done } = await this.#chunks.next();
        if (done) {
          this.ended = true;
          return;
        }
        if (!(value instanceof Uint8Array)) throw new Error(`expected a stream of bytes, got ${typeof value}`);
        this.#rest = value;
      }
    } catch (error) {
      this.#failure = sourceError(error);
      throw this.#failure;
    }
    const sent = this.tail.end;
    this.tail.append(this.#rest.subarray(0, TAIL_BLOCK_BYTES));
    this.#rest = this.#rest.subarray(TAIL_BLOCK_BYTES);
    // Only a receiver whose window is larger, or that acknowledges nothing, lets it come to that.
    this.tail.release(Math.min(sent, this.tail.end - this.#keepBytes));
  }
}

class OpenStream implements OpenSource {
  readonly prefixDigest?: string;
  readonly #once: OnceReadable;
  readonly #chunkBytes: number;
  #at: number;

  constructor(once: OnceReadable, start: number, chunkBytes: number, prefixDigest: string | undefined) {
    this.#once = once;
    this.#at = start;
    this.#chunkBytes = chunkBytes;
    if (prefixDigest !== undefined) this.prefixDigest = prefixDigest;
  }

  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      if (this.#once.reader !== this) throw new TransferError('SOURCE_FAILED', 'another transfer reads this stream');
      const { tail } = this.#once;
      if (this.#at < tail.end) {
        const chunk = tail.view(this.#at, this.#chunkBytes);
        this.#at += chunk.byteLength;
        return chunk;
      }
      if (this.#once.ended) return undefined;
      await this.#once.more();
    }
  }

  async digest(): Promise<string> {
    return this.#once.tail.digest(this.#once.tail.end);
  }

  stored(bytes: number): void {
    if (this.#once.reader === this) this.#once.tail.release(bytes);
  }

  async close({ mayReopen } = { mayReopen: false }): Promise<void> {
    if (this.#once.reader !== this) return;
    this.#once.reader = undefined;
    if (!mayReopen) await this.#once.leave();
  }
}
