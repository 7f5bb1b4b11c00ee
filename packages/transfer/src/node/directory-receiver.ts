import type { Accept } from '../ports.ts';
import { checkWindowsName } from '../safe-name.ts';
import { DirectorySink } from './directory-sink.ts';
import { storageError } from './file-errors.ts';
import { type Leftover, removeLeftovers } from './leftovers.ts';
import { ReceivingFolder } from './receiving-folder.ts';

/** Settings of {@link directoryReceiver}. */
export interface DirectoryReceiverOptions {
  /** Wait for the disk before a file counts as stored, so that it survives a power cut. Default true. */
  readonly fsync?: boolean;
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
}

/**
 * Receives into a directory. A file grows in `<dir>/.wsferry/` and appears under its name only when it is complete;
 * nothing is ever overwritten, and no symlink is followed:
 *
 * - a file with the same name, size and MD5 is there → nothing moves, `existing: true`;
 * - another file has the name → `NAME (1).ext`, `NAME (2).ext`, …
 *
 * Unfinished files of processes that were killed are removed first, never those of a living one, which may receive into
 * the same directory.
 *
 * @throws TransferError when `dir` is missing or no directory (STORAGE_FAILED) or not writable (FORBIDDEN).
 * Refusals while receiving: NO_SPACE (ENOSPC, EDQUOT, or the declared size does not fit beside
 * the other files on their way), FORBIDDEN (EACCES, EPERM,
 * EROFS), BAD_NAME (ENAMETOOLONG, or what Windows does not take), else STORAGE_FAILED; `cause` is Node's error.
 */
export async function directoryReceiver(
  dir: string,
  { fsync = true, windowsNames = process.platform === 'win32' }: DirectoryReceiverOptions = {},
): Promise<DirectoryReceiver> {
  const folder = await ReceivingFolder.at(dir, fsync);
  // What cannot be tidied up is no reason not to receive.
  const leftovers = await removeLeftovers(folder.path).catch(() => []);
  const accept: Accept = async (offer) => {
    try {
      if (windowsNames) checkWindowsName(offer.name);
      if (offer.size !== undefined) {
        // A file that cannot be read cannot be proven to be the same; it keeps its name and ours gets a number.
        const found = await folder.findOfSize(offer.name, offer.size).catch(() => undefined);
        if (found !== undefined) {
          return { sink: DirectorySink.existing(folder, offer, found), offset: found.size, prefixDigest: found.md5 };
        }
      }
      return { sink: await DirectorySink.fresh(folder, offer) };
    } catch (error) {
      throw storageError(error);
    }
  };
  return { accept, dir: folder.path, leftovers };
}
