import { createMD5, createSHA256, type IHasher } from 'hash-wasm';
import { TransferError } from '../errors.ts';
import type { FileSource, OpenOptions, OpenSource } from '../ports.ts';

/** What is used of a Blob. */
export interface BlobLike {
  /** Bytes. */
  readonly size: number;
  slice(start?: number, end?: number): BlobLike;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** A Blob with a name: what a file input or a drop gives. */
export interface FileLike extends BlobLike {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly lastModified?: number;
  /** Where it lay within a folder that was chosen or dropped, its name included; '' for a file alone. */
  readonly webkitRelativePath?: string;
}

/**
 * A `File` of the browser, to be sent; its digest is computed by WebAssembly while it is read. Nothing is read before
 * `open`, and never more than two chunks are held.
 *
 * A browser refuses to read a file that was changed after it was chosen (NotReadableError): SOURCE_CHANGED. Other
 * failures of reading: SOURCE_FAILED.
 */
export function blobSource(file: FileLike): FileSource {
  return {
    name: file.name,
    size: file.size,
    ...(file.lastModified === undefined ? {} : { modified: file.lastModified }),
    open: (options) => OpenBlob.open(file, options),
  };
}

class OpenBlob implements OpenSource {
  prefixDigest?: string;
  readonly #file: FileLike;
  readonly #hasher: IHasher;
  readonly #chunkBytes: number;
  #position = 0;
  #ahead: Promise<Uint8Array<ArrayBuffer>> | undefined;

  private constructor(file: FileLike, hasher: IHasher, chunkBytes: number) {
    this.#file = file;
    this.#hasher = hasher;
    this.#chunkBytes = chunkBytes;
  }

  static async open(file: FileLike, options: OpenOptions): Promise<OpenBlob> {
    const { start, chunkBytes, algorithm, onCompared } = options;
    const hasher = await (algorithm === 'sha256' ? createSHA256() : createMD5());
    hasher.init();
    const source = new OpenBlob(file, hasher, chunkBytes);
    if (start > 0 && start <= file.size) await source.#skip(start, onCompared);
    return source;
  }

  async read(): Promise<Uint8Array | undefined> {
    const chunk = await this.#take(this.#file.size);
    if (chunk === undefined) return undefined;
    this.#hasher.update(chunk);
    return chunk;
  }

  async digest(): Promise<string> {
    return this.#hasher.digest('hex');
  }

  async close(): Promise<void> {
    this.#ahead = undefined;
  }

  async #skip(start: number, onCompared: OpenOptions['onCompared']): Promise<void> {
    for (let chunk = await this.#take(start); chunk !== undefined; chunk = await this.#take(start)) {
      this.#hasher.update(chunk);
      onCompared?.(this.#position);
    }
    const state = this.#hasher.save();
    this.prefixDigest = this.#hasher.digest('hex');
    this.#hasher.init();
    this.#hasher.load(state);
  }

  /** The next chunk before `end`, and the one after it on its way. */
  async #take(end: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#position >= end) return undefined;
    const chunk = await (this.#ahead ?? this.#slice(this.#position, end));
    this.#position += chunk.byteLength;
    this.#ahead = this.#position < end ? this.#slice(this.#position, end) : undefined;
    this.#ahead?.catch(() => {}); // told when it is taken
    return chunk;
  }

  async #slice(from: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const to = Math.min(from + this.#chunkBytes, end);
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = new Uint8Array(await this.#file.slice(from, to).arrayBuffer());
    } catch (error) {
      throw failure(error);
    }
    if (bytes.byteLength === to - from) return bytes;
    throw new TransferError('SOURCE_CHANGED', `the source changed: it ended after ${from + bytes.byteLength} bytes`);
  }
}

function failure(error: unknown): TransferError {
  const kind = error instanceof Error ? error.name : '';
  if (kind === 'NotReadableError' || kind === 'NotFoundError') {
    return new TransferError('SOURCE_CHANGED', 'the source was changed or removed after it was chosen', {
      cause: error,
    });
  }
  const why = error instanceof Error ? error.message : String(error);
  return new TransferError('SOURCE_FAILED', `the source cannot be read: ${why}`, { cause: error });
}
