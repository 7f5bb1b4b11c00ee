import { realpath, stat } from 'node:fs/promises';
import { TransferError } from '../errors.ts';
import type { FileShelf, ListPage } from '../ports.ts';
import { reason, systemCode } from './file-errors.ts';
import { type Folder, FolderTree, type Step } from './folder-tree.ts';
import { ShelfList } from './shelf-list.ts';
import { SortedNames } from './sorted-names.ts';
import { foundLook, treeFileSource } from './tree-file.ts';

/** A page of a list, and how much is not on it. */
export interface DirectoryPage extends ListPage {
  /** Passed over on the way: names that no receiver takes, folders that cannot be read or that lie too deep. */
  readonly leftOut: number;
}

/** A directory whose files a peer may get. */
export interface DirectoryShelf extends FileShelf {
  list(...how: Parameters<FileShelf['list']>): Promise<DirectoryPage>;
  /** Closes folders that are kept open for the next request. */
  close(): Promise<void>;
}

/**
 * Offers what is in a directory: regular files and folders, under names that a receiver takes. Nothing outside, nothing
 * through a symlink, not even one that appears meanwhile, and not `.wsferry`. What changes while it is listed or read is an
 * answer: NOT_FOUND, or SOURCE_CHANGED of the transfer.
 *
 * A list is in the order of the names, each folder before what is in it.
 *
 * @throws TransferError NOT_FOUND when `dir` is no directory. Requests: NOT_FOUND, FORBIDDEN (may not be read), SOURCE_FAILED.
 */
export async function directoryShelf(dir: string): Promise<DirectoryShelf> {
  const root = await rootOf(dir);
  const tree = new FolderTree(root, false);
  const sorted = new SortedNames();
  /** Names travel in NFC; on the disk it may be the same name in another Unicode form, as those of old Macs are. */
  const asWritten: Step = async ({ handle }: Pick<Folder, 'handle'>, name) => {
    const plain = /^[\u0000-\u007f]*$/.test(name) || (await handle.lookAt(name)) !== undefined;
    const other = plain ? undefined : await sorted.writtenAs(handle, name);
    return { name: other ?? name, made: false };
  };
  const lists = new ShelfList(tree, asWritten);
  return {
    async file(name, folder) {
      try {
        const within = await tree.use(folder, asWritten);
        try {
          const { name: actual } = await asWritten(within, name);
          const look = await within.handle.lookAt(actual);
          // A symlink is nothing, wherever it leads.
          if (!look?.isFile()) throw notFound('file');
          const file = { tree, root, folder, name: actual, look: foundLook(look), step: asWritten };
          return { ...(await treeFileSource(file, folder)), name };
        } finally {
          within.release();
        }
      } catch (error) {
        throw shelfError(error, 'file');
      }
    },
    async list(folder, options) {
      try {
        return await lists.page(folder, options);
      } catch (error) {
        throw shelfError(error, 'folder');
      }
    },
    close: () => tree.close(),
  };
}

async function rootOf(dir: string): Promise<string> {
  try {
    const root = await realpath(dir);
    if ((await stat(root)).isDirectory()) return root;
  } catch (error) {
    throw shelfError(error, 'folder');
  }
  throw new TransferError('NOT_FOUND', `${dir} is not a directory`);
}

/** What the peer is told names no path. */
function shelfError(error: unknown, what: 'file' | 'folder'): TransferError {
  if (error instanceof TransferError) return error;
  const code = systemCode(error) ?? '';
  if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'ENXIO'].includes(code)) return notFound(what, error);
  const forbidden = code === 'EACCES' || code === 'EPERM';
  const message = `the ${what} cannot be read: ${reason(error)}`;
  return new TransferError(forbidden ? 'FORBIDDEN' : 'SOURCE_FAILED', message, { cause: error });
}

function notFound(what: 'file' | 'folder', cause?: unknown): TransferError {
  return new TransferError('NOT_FOUND', `there is no such ${what}`, { cause });
}
