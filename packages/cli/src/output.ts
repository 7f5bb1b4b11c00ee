import { constants, createWriteStream, fstatSync, openSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { basename, dirname, resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Accept, safeName, TransferError } from '@wsferry/transfer';
import { type DirectoryReceiverOptions, directoryReceiver, streamReceiver } from '@wsferry/transfer/node';
import { CliError, type Explanation, systemCode } from './errors.ts';
import { ExitCode } from './exit-codes.ts';

/** `-`, where a path is expected: standard input, or standard output. */
export const STANDARD = '-';

/** How often to look whether a named pipe has got a reader. */
const PIPE_READER_MS = 100;

/** Where one file goes that is not to have its own name. */
export interface Output {
  readonly accept: Accept;
  /** What is written there is there, also when the file turns out to be wrong. */
  readonly isStream: boolean;
  close(): Promise<void>;
}

export interface OutputOptions {
  readonly cwd: string;
  /** Nobody waits any more for whoever reads a pipe. */
  readonly signal: AbortSignal;
  /** How a file is stored. */
  readonly storing: DirectoryReceiverOptions;
}

/**
 * What `-o` names: `-`, a file, or a pipe or device that is there already.
 *
 * @throws CliError, TransferError
 */
export async function openOutput(named: string, { cwd, signal, storing }: OutputOptions): Promise<Output> {
  if (named === STANDARD) return streamOutput(standardOutput(), signal, async () => {});
  const path = resolve(cwd, named);
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) {
    const hint = 'name a file, or save into the folder with --dir';
    throw new CliError('IS_DIRECTORY', `${named} is a folder`, ExitCode.Usage, { hint });
  }
  // /dev/stdout may lead to a file.
  if (found !== undefined && (!found.isFile() || path.startsWith('/dev/'))) {
    const stream = found.isFIFO() ? await openPipe(path, signal) : createWriteStream(path, { flags: 'a' });
    return streamOutput(stream, signal, async () => {
      stream.end();
      await finished(stream).catch(() => {}); // every write was heard of
    });
  }
  const { accept, close } = await directoryReceiver(dirname(path), storing);
  const name = safeName(basename(path));
  return { accept: (offer, control) => accept({ ...offer, name, folder: [] }, control), isStream: false, close };
}

function streamOutput(stream: Writable, signal: AbortSignal, close: () => Promise<void>): Output {
  // Else the process would wait at its end for a reader that may never read on.
  signal.addEventListener('abort', () => stream.destroy(), { once: true });
  return { accept: streamReceiver(stream, { signal }).accept, isStream: true, close };
}

/**
 * A named pipe as a socket: through `fs` it could not be interrupted, and the process could not end, while its reader does not
 * read, or is not there yet.
 */
async function openPipe(path: string, signal: AbortSignal): Promise<Writable> {
  for (;;) {
    try {
      return new Socket({
        fd: openSync(path, constants.O_WRONLY | constants.O_NONBLOCK),
        readable: false,
        writable: true,
      });
    } catch (error) {
      if (systemCode(error) !== 'ENXIO') throw error;
      await sleep(PIPE_READER_MS, undefined, { signal });
    }
  }
}

/**
 * Not `process.stdout`, which writes into files by a call that blocks, takes a disk that was filled half way for one that took
 * all, and cannot be let go of while nobody reads it.
 */
function standardOutput(): Writable {
  const found = fstatSync(1);
  if (found.isFIFO() || found.isSocket()) return new Socket({ fd: 1, readable: false, writable: true });
  return process.stdout.isTTY ? process.stdout : createWriteStream('', { fd: 1, autoClose: false });
}

/** Whether whoever read our output has had enough: `| head`. */
export function readerLeft(error: unknown): boolean {
  return error instanceof TransferError && error.code === 'CANCELLED' && systemCode(error) === 'EPIPE';
}

/** What is to be said when bytes were written that should not have been. */
export function explainWritten(why: Explanation): Explanation {
  const written = why.code === 'DIGEST_MISMATCH' || why.code === 'SOURCE_CHANGED';
  return written ? { ...why, hint: 'its bytes were written already: do not use them, and get it again' } : why;
}
