import { wholeNumber, wholeNumberOrInfinity } from '../options.ts';
import type { OnConflict } from '../packets.ts';
import type { Accept, FileOffer } from '../ports.ts';
import { checkWindowsName } from '../safe-name.ts';
import { claim } from './claims.ts';
import { DirectorySink } from './directory-sink.ts';
import { storageError } from './file-errors.ts';
import type { Folder } from './folder-tree.ts';
import { type Leftover, tidyPartials } from './leftovers.ts';
import { partialKey } from './partial-names.ts';
import { ReceivingFolder } from './receiving-folder.ts';

/** Settings of {@link directoryReceiver}. */
export interface DirectoryReceiverOptions {
  /** Wait for the disk before a file counts as stored, so that it survives a power cut. Default true. */
  readonly fsync?: boolean;
  /**
   * Wait for the disk also before bytes are acknowledged, so that what the sender was told is stored survives a power cut
   * in the middle of a file. Costs a wait for each eighth of the window. Default false.
   */
  readonly durable?: boolean;
  /**
   * How long the partial file of an interrupted transfer waits to be gone on with, in milliseconds since it was written
   * to last. 7 days by default; 0 keeps none, `Infinity` all.
   */
  readonly keepPartialsMs?: number;
  /** Bytes of the disk that stay free for others. Default 0. */
  readonly minFreeBytes?: number;
  /**
   * Bytes that all files in the directory and below may have together: those that were there before, and unfinished ones,
   * too. Default: no limit but the disk.
   */
  readonly maxTotalBytes?: number;
  /**
   * Refuse names with one of `< > : " | ? *`, which Windows does not take. Default: only on Windows. Worth setting
   * elsewhere when the directory lies on a disk of Windows, or is shared with it.
   */
  readonly windowsNames?: boolean;
}

/** A directory that takes files. */
export interface DirectoryReceiver {
  /** For `openSession` and `receiveFiles`. */
  readonly accept: Accept;
  /** The directory: absolute, symlinks resolved. */
  readonly dir: string;
  /** Unfinished files that stay in `<dir>/.wsferry/` because nobody can tell whether their owner still lives. */
  readonly leftovers: readonly Leftover[];
  /** Stops looking for partial files that have waited too long. Not needed for the process to end. */
  close(): Promise<void>;
}

export const KEEP_PARTIALS_MS = 7 * 24 * 60 * 60 * 1000;

/** How often one looks for partial files that have waited too long. */
const TIDY_MS = 60 * 60 * 1000;

/** Files up to this size are not worth a partial file: to look for one and to prove it costs more than to send again. */
export const SMALL_FILE_BYTES = 64 * 1024;

/**
 * Receives into a directory. A file grows in `<dir>/.wsferry/` and appears under its name only when it is complete;
 * nothing is ever overwritten, and no symlink is followed:
 *
 * - a file with the same name, size and digest is there → nothing moves, `existing: true`;
 * - another file has the name → `NAME (1).ext`, `NAME (2).ext`, …
 *
 * What an interrupted transfer of more than 64 KiB has stored waits in `.wsferry`, if its sender gave a resume key, and the
 * next offer of that key goes on with it, also in another process and after this one was killed.
 *
 * Unfinished files of processes that were killed, and that nobody can go on with, are removed first; never those of a
 * living one, which may receive into the same directory.
 *
 * @throws RangeError for a limit that is no number of bytes
 * @throws TransferError when `dir` is missing or no directory (STORAGE_FAILED) or not writable (FORBIDDEN).
 * Refusals while receiving: NO_SPACE (ENOSPC, EDQUOT, or the declared size does not fit beside
 * the other files on their way, or one of the limits does not leave room), FORBIDDEN (EACCES, EPERM,
 * EROFS), BAD_NAME (ENAMETOOLONG, or what Windows does not take), else STORAGE_FAILED; `cause` is Node's error.
 */
export async function directoryReceiver(
  dir: string,
  options: DirectoryReceiverOptions = {},
): Promise<DirectoryReceiver> {
  const { fsync = true, durable = false, keepPartialsMs = KEEP_PARTIALS_MS } = options;
  const { windowsNames = process.platform === 'win32' } = options;
  const minFreeBytes = wholeNumber('minFreeBytes', options.minFreeBytes ?? 0, 0);
  const maxTotalBytes = wholeNumberOrInfinity('maxTotalBytes', options.maxTotalBytes ?? Number.POSITIVE_INFINITY, 0);
  const receiving = await ReceivingFolder.at(dir, { fsync, durable, minFreeBytes, maxTotalBytes });
  const tidy = () => tidyPartials(receiving.path, keepPartialsMs);
  // What cannot be tidied up is no reason not to receive.
  const leftovers = await tidy().catch(() => []);
  const timer = setInterval(() => void tidy().catch(() => {}), TIDY_MS).unref();

  const accept: Accept = async (offer, control) => {
    try {
      if (windowsNames) checkWindowsName(offer.name);
      const key = keepPartialsMs > 0 ? keyOf(offer, receiving) : undefined;
      const release = key && (await claim(key.id, control));
      let folder: Folder;
      try {
        folder = await receiving.open([]);
      } catch (error) {
        release?.();
        throw error;
      }
      const policy: OnConflict = 'rename';
      return await DirectorySink.open({ receiving, offer, folder, policy, key }, () => release?.());
    } catch (error) {
      throw storageError(error);
    }
  };
  const close = async () => {
    clearInterval(timer);
    await receiving.tree.close();
  };
  return { accept, dir: receiving.path, leftovers, close };
}

/** Under which the file can be kept. */
function keyOf(offer: FileOffer, receiving: ReceivingFolder): { key: string; id: string } | undefined {
  const { resumeKey, folder, name, size = Number.POSITIVE_INFINITY } = offer;
  if (resumeKey === undefined || size <= SMALL_FILE_BYTES) return undefined;
  const key = partialKey(resumeKey, folder, name);
  return { key, id: receiving.idOf(key) };
}
