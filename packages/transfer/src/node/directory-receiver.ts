import { basename } from 'node:path';
import { TransferError } from '../errors.ts';
import { wholeNumber, wholeNumberOrInfinity } from '../options.ts';
import type { OnConflict } from '../packets.ts';
import type { Accept, AcceptFolder, FileOffer, FolderOffer } from '../ports.ts';
import { checkWindowsName } from '../safe-name.ts';
import { claim } from './claims.ts';
import { DirectorySink } from './directory-sink.ts';
import { storageError } from './file-errors.ts';
import type { Folder } from './folder-tree.ts';
import { type Leftover, tidyPartials } from './leftovers.ts';
import { partialKey } from './partial-names.ts';
import { ReceivingFolder } from './receiving-folder.ts';
import { SmallFileSink } from './small-file-sink.ts';
import { crowdThread, joinCrowd, SMALL_FILE_BYTES } from './small-files.ts';

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
  /** What becomes of a file whose name is taken by another one, unless its sender has an allowed wish. Default `rename`. */
  readonly onConflict?: OnConflict;
  /** The wishes of senders that are fulfilled; others are FORBIDDEN. Default: all but `overwrite`. */
  readonly allowedOnConflict?: readonly OnConflict[];
  /**
   * Whether a file that is there is compared with one of its name and size that is offered, and left alone when it is the
   * same. To be compared tells a sender what is in a file: say false when senders may not read. Then only what the same
   * resume key has brought to this receiver is known again, and another file of that name is a name that is taken. Default
   * true.
   */
  readonly compare?: boolean;
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
  /** The same for folders that are sent: makes them where they are not, and sets their times. */
  readonly acceptFolder: AcceptFolder;
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

/**
 * Receives into a directory. A file grows in `<dir>/.wsferry/` and appears under its name only when it is complete. Folders
 * are made where they are not; no symlink is followed, not even one that appears meanwhile.
 *
 * - The identical file is there (name, size, digest) → nothing moves, `existing: true`, unless `compare` is false.
 * - Something else has the name, or one that differs in case or Unicode form only → by `onConflict`: `rename` stores it as
 *   `NAME (1).ext`, …; `overwrite` replaces it in one step if it is a plain file, else EXISTS; `skip` is SKIPPED, `fail` EXISTS.
 * - Something that is no folder has the name of a folder, or a folder one that differs in case → `NAME (1)`, …, which the same
 *   tree finds again.
 *
 * What an interrupted transfer of more than 64 KiB has stored waits in `.wsferry`, if its sender gave a resume key, and the
 * next offer of that key goes on with it, also in another process and after this one was killed. Unfinished files of
 * processes that were killed, and that nobody can go on with, are removed first; never those of a living one, which may
 * receive into the same directory. A process in another container cannot be asked for: what it has not touched for five
 * minutes, or for half a minute in which we have watched it, is taken for a dead one's.
 *
 * @throws RangeError for a limit that is no number of bytes
 * @throws TransferError when `dir` is missing or no directory (STORAGE_FAILED) or not writable (FORBIDDEN).
 * Refusals while receiving: NO_SPACE (ENOSPC, EDQUOT, or the declared size does not fit beside the other files on their
 * way, or one of the limits does not leave room), FORBIDDEN (EACCES, EPERM, EROFS, a wish that is not allowed), BAD_NAME
 * (ENAMETOOLONG, or what Windows does not take), EXISTS, SKIPPED, else STORAGE_FAILED; `cause` is Node's error.
 */
export async function directoryReceiver(
  dir: string,
  options: DirectoryReceiverOptions = {},
): Promise<DirectoryReceiver> {
  const { fsync = true, durable = false, compare = true, keepPartialsMs = KEEP_PARTIALS_MS } = options;
  const { windowsNames = process.platform === 'win32' } = options;
  const minFreeBytes = wholeNumber('minFreeBytes', options.minFreeBytes ?? 0, 0);
  const maxTotalBytes = wholeNumberOrInfinity('maxTotalBytes', options.maxTotalBytes ?? Number.POSITIVE_INFINITY, 0);
  const receiving = await ReceivingFolder.at(dir, { fsync, durable, compare, minFreeBytes, maxTotalBytes });
  const tidy = () => tidyPartials(receiving.path, keepPartialsMs);
  // What cannot be tidied up is no reason not to receive.
  const leftovers = await tidy().catch(() => []);
  const timer = setInterval(() => void tidy().catch(() => {}), TIDY_MS).unref();

  const checkNames = ({ name, folder }: FolderOffer | FileOffer) => {
    if (windowsNames) for (const component of [...folder, name]) checkWindowsName(component);
  };

  const accept: Accept = async (offer, control) => {
    try {
      checkNames(offer);
      const policy = policyOf(offer, options);
      const key = keepPartialsMs > 0 ? keyOf(offer, receiving) : undefined;
      const release = key ? await claim(key.id, control) : joinCrowd();
      const { signal } = control;
      let folder: Folder;
      try {
        // What was waited for may be over: a newer one waits for it in its turn.
        signal.throwIfAborted();
        folder = await receiving.open(offer.folder);
      } catch (error) {
        release();
        throw error;
      }
      const thread = isOneOfMany(offer, folder, durable) ? crowdThread() : undefined;
      const storing = { receiving, offer, folder, policy, key, signal };
      if (thread) return await SmallFileSink.open(storing, thread, release);
      return await DirectorySink.open(storing, release);
    } catch (error) {
      throw storageError(error);
    }
  };
  const acceptFolder: AcceptFolder = async (offer) => {
    try {
      checkNames(offer);
      const folder = await receiving.open([...offer.folder, offer.name]);
      try {
        // A time that this file system cannot hold is no reason to do without the folder.
        if (offer.modified !== undefined) await folder.handle.setModified(offer.modified).catch(() => {});
        await folder.syncNames();
        return { name: basename(folder.path) };
      } finally {
        folder.release();
      }
    } catch (error) {
      throw storageError(error);
    }
  };

  const close = async () => {
    clearInterval(timer);
    await receiving.tree.close();
  };
  return { accept, acceptFolder, dir: receiving.path, leftovers, close };
}

const ALLOWED: readonly OnConflict[] = ['rename', 'skip', 'fail'];

/** What is done when the name is taken. */
function policyOf({ onConflict: wish }: FileOffer, options: DirectoryReceiverOptions): OnConflict {
  const { onConflict = 'rename', allowedOnConflict = ALLOWED } = options;
  if (wish === undefined || wish === onConflict) return onConflict;
  if (allowedOnConflict.includes(wish)) return wish;
  throw new TransferError('FORBIDDEN', `the receiver does not allow ${wish} when a name is taken`);
}

/** Whether the file may be kept in memory until it is complete, and looks as if it will simply get its name then. */
function isOneOfMany({ name, size, executable }: FileOffer, folder: Folder, durable: boolean): boolean {
  if (size === undefined || size > SMALL_FILE_BYTES || durable || executable) return false;
  return folder.names.same(name).length === 0;
}

/** Under which the file can be kept. */
function keyOf(offer: FileOffer, receiving: ReceivingFolder): { key: string; id: string } | undefined {
  const { resumeKey, folder, name, size = Number.POSITIVE_INFINITY } = offer;
  if (resumeKey === undefined || size <= SMALL_FILE_BYTES) return undefined;
  const key = partialKey(resumeKey, folder, name);
  return { key, id: receiving.idOf(key) };
}
