import { constants, open as openFile } from 'node:fs';
import { Socket } from 'node:net';
import { promisify } from 'node:util';
import type { OpenOptions, OpenSource } from '../ports.ts';
import { sourceError } from './file-errors.ts';
import { createHasher, type Hasher } from './hashing.ts';

const openDescriptor = promisify(openFile);

/**
 * A named pipe as a source of unknown length. Not through `fs`: its open() waits for a writer, its read() for bytes, each
 * in a thread that cannot be called back, and the process cannot even exit while one does. Opened without blocking and
 * read as a socket, an idle pipe costs nothing and is closed at once.
 *
 * @throws TransferError SOURCE_FAILED, with Node's error as `cause`.
 */
export async function openNamedPipe(path: string, options: OpenOptions): Promise<OpenSource> {
  try {
    // O_NONBLOCK: not on Windows, whose named pipes are no files.
    const descriptor = await openDescriptor(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    return await OpenNamedPipe.begin(descriptor, options);
  } catch (error) {
    throw sourceError(error);
  }
}

class OpenNamedPipe implements OpenSource {
  prefixDigest?: string;
  readonly #socket: Socket;
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #chunkBytes: number;
  readonly #hasher: Hasher;
  #hashing: Promise<unknown> = Promise.resolve();
  #rest: Uint8Array = new Uint8Array();

  private constructor(descriptor: number, { chunkBytes, algorithm }: OpenOptions) {
    this.#socket = new Socket({ fd: descriptor, readable: true, writable: false });
    this.#chunks = this.#socket[Symbol.asyncIterator]();
    this.#chunkBytes = chunkBytes;
    this.#hasher = createHasher(algorithm);
  }

  static async begin(descriptor: number, options: OpenOptions): Promise<OpenNamedPipe> {
    const source = new OpenNamedPipe(descriptor, options);
    try {
      await source.#skip(options);
      return source;
    } catch (error) {
      await source.close();
      throw error;
    }
  }

  async read(): Promise<Uint8Array | undefined> {
    try {
      return await this.#take(this.#chunkBytes);
    } catch (error) {
      throw sourceError(error);
    }
  }

  digest(): Promise<string> {
    return this.#hasher.digest();
  }

  async close(): Promise<void> {
    this.#hasher.drop();
    const closed = this.#socket.closed ? undefined : new Promise((resolve) => this.#socket.once('close', resolve));
    this.#socket.destroy();
    await closed;
  }

  async #skip({ start, onCompared }: OpenOptions): Promise<void> {
    if (start === 0) return;
    let left = start;
    while (left > 0) {
      const chunk = await this.#take(left);
      if (chunk === undefined) return;
      left -= chunk.byteLength;
      onCompared?.(start - left);
    }
    this.prefixDigest = await this.#hasher.peek();
  }

  /** At most `limit` bytes, hashed or being hashed; what a pipe gives is passed on at once, however little. */
  async #take(limit: number): Promise<Uint8Array | undefined> {
    if (this.#rest.byteLength === 0) {
      const { value, done } = await this.#chunks.next();
      if (done) return undefined;
      this.#rest = value;
    }
    const chunk = this.#rest.subarray(0, limit);
    this.#rest = this.#rest.subarray(chunk.byteLength);
    // One is hashed while the next is waited for. A copy: the hasher takes the whole buffer behind its bytes.
    await this.#hashing;
    this.#hashing = this.#hasher.update(new Uint8Array(chunk));
    this.#hashing.catch(() => {});
    return chunk;
  }
}
