import { constants, open as openFile } from 'node:fs';
import { Socket } from 'node:net';
import { promisify } from 'node:util';
import type { FileSource, OpenOptions } from '../ports.ts';
import { sourceError } from './file-errors.ts';
import { readOnce } from './stream-source.ts';

const openDescriptor = promisify(openFile);

/**
 * A named pipe as a source of unknown length. Not through `fs`: its open() waits for a writer, its read() for bytes, each
 * in a thread that cannot be called back, and the process cannot even exit while one does. Opened without blocking and
 * read as a socket, an idle pipe costs nothing and is closed at once.
 */
export function namedPipeSource(path: string, name: string): FileSource {
  const pipe = new NamedPipe(path);
  const source = readOnce(pipe, { name }, () => pipe.close());
  const open = async (options: OpenOptions) => {
    // Now: a writer waits for a reader.
    await pipe.open();
    return source.open(options);
  };
  return { ...source, open };
}

class NamedPipe implements AsyncIterable<Uint8Array> {
  readonly #path: string;
  #opened: Promise<Socket> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    yield* await this.open();
  }

  /** Rejects with TransferError SOURCE_FAILED. */
  open(): Promise<Socket> {
    this.#opened ??= this.#open().catch((error: unknown) => {
      throw sourceError(error);
    });
    return this.#opened;
  }

  async close(): Promise<void> {
    const socket = await this.#opened?.catch(() => undefined);
    if (socket === undefined || socket.closed) return;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.destroy();
    await closed;
  }

  async #open(): Promise<Socket> {
    // O_NONBLOCK: not on Windows, whose named pipes are no files.
    const descriptor = await openDescriptor(this.#path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    return new Socket({ fd: descriptor, readable: true, writable: false });
  }
}
