import type { BigIntStats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { TransferError } from '../errors.ts';
import type { ListedEntry } from '../packets.ts';
import { PageBuilder } from '../page-builder.ts';
import type { FileShelf, ListPage } from '../ports.ts';
import { RESERVED_PREFIX, type SafeName, safeName } from '../safe-name.ts';
import { reason, systemCode } from './file-errors.ts';
import { type Folder, FolderTree } from './folder-tree.ts';
import { isExecutable } from './path-source.ts';
import { treeFileSource } from './tree-file.ts';

/** A directory whose files can be got. */
export interface DirectoryShelf extends FileShelf {
  /** Closes folders that are kept open for the next request. */
  close(): Promise<void>;
}

/** Entries of one folder that are looked at together: about half of a page. */
const LOOKS_AT_ONCE = 64;

/**
 * Shows what lies in `dir` to peers: regular files and folders. Symlinks are not followed and not shown, neither are devices,
 * what has a name that no receiver takes (`safeName`), or the receiver's own `.wsferry`; so nothing outside of `dir` can be
 * reached, whatever is planted in it. What changes meanwhile is an answer: NOT_FOUND for what is gone, SOURCE_CHANGED for a
 * file that is not what it was when it was asked for.
 *
 * @throws TransferError NOT_FOUND when `dir` is no directory. Requests: NOT_FOUND, FORBIDDEN (may not be read), SOURCE_FAILED.
 */
export async function directoryShelf(dir: string): Promise<DirectoryShelf> {
  const root = await realpath(dir).catch((error: unknown) => {
    throw shelfError(error);
  });
  if (!(await stat(root)).isDirectory()) throw new TransferError('NOT_FOUND', `${dir} is not a directory`);
  const tree = new FolderTree(root, false);

  /** The folder, for the time of `work`. */
  async function within<T>(folder: readonly SafeName[], work: (there: Folder) => Promise<T>): Promise<T> {
    let there: Folder | undefined;
    try {
      there = await tree.use(folder);
      return await work(there);
    } catch (error) {
      throw shelfError(error);
    } finally {
      there?.release();
    }
  }

  /** What can be shown of a folder, in order, from a name on: looked at some at a time, since a page may end early. */
  async function* entriesIn(folder: readonly SafeName[], from = ''): AsyncGenerator<Shown> {
    const names = await within(folder, ({ handle }) => handle.names());
    const shown = names.filter((name) => name >= from && isShown(name)).sort();
    for (let at = 0; at < shown.length; at += LOOKS_AT_ONCE) {
      yield* await within(folder, (there) => lookAt(there, shown.slice(at, at + LOOKS_AT_ONCE)));
    }
  }

  return {
    file: (name, folder) =>
      within(folder, async ({ handle }) => {
        const look = await handle.lookAt(name);
        if (!look?.isFile() || !isShown(name)) throw notFound();
        return await treeFileSource({ tree, root, folder, name, look }, folder);
      }),

    async list(folder, { recursive = false, after, signal } = {}): Promise<ListPage> {
      const page = new PageBuilder();
      let last: readonly string[] | undefined;
      const walk = async (inside: readonly SafeName[], from: readonly string[]): Promise<boolean> => {
        for await (const { name, look } of entriesIn([...folder, ...inside], from[0])) {
          signal?.throwIfAborted();
          const place = [...inside, name];
          const passed = name === from[0];
          if (!passed) {
            if (!page.add(entryOf(name, inside, look))) return false;
            last = place;
          }
          if (!recursive || !look.isDirectory()) continue;
          // A folder that went away since, or may not be read, has nothing to show.
          const whole = await walk(place, passed ? from.slice(1) : []).catch((error: unknown) => {
            if (error instanceof TransferError && (error.code === 'NOT_FOUND' || error.code === 'FORBIDDEN'))
              return true;
            throw error;
          });
          if (!whole) return false;
        }
        return true;
      };
      const whole = await walk([], cursorOf(after));
      return { entries: page.entries, ...(!whole && last && { next: JSON.stringify(last) }) };
    },

    close: () => tree.close(),
  };
}

interface Shown {
  readonly name: SafeName;
  readonly look: BigIntStats;
}

async function lookAt({ handle }: Folder, names: readonly string[]): Promise<Shown[]> {
  const looks = await Promise.all(names.map((name) => handle.lookAt(name)));
  return names.flatMap((name, index) => {
    const look = looks[index];
    return look?.isFile() || look?.isDirectory() ? [{ name: safeName(name), look }] : [];
  });
}

/** A name in another Unicode form would not be found again under the one that is told. */
function isShown(name: string): boolean {
  if (name.toLowerCase().startsWith(RESERVED_PREFIX)) return false;
  try {
    return safeName(name) === name;
  } catch {
    return false;
  }
}

function entryOf(name: SafeName, folder: readonly SafeName[], look: BigIntStats): ListedEntry {
  const modified = Math.trunc(Number(look.mtimeMs));
  const where = folder.length > 0 ? { folder } : {};
  if (look.isDirectory()) return { name, ...where, kind: 'folder', modified };
  const executable = isExecutable(look) ? { executable: true } : {};
  return { name, ...where, kind: 'file', size: Number(look.size), modified, ...executable };
}

/** The place behind which the next page begins. It comes from the peer, and anything else is the beginning. */
function cursorOf(after: string | undefined): readonly string[] {
  if (after === undefined) return [];
  try {
    const place: unknown = JSON.parse(after);
    return Array.isArray(place) && place.every((name) => typeof name === 'string') ? place : [];
  } catch {
    return [];
  }
}

function notFound(): TransferError {
  return new TransferError('NOT_FOUND', 'there is no such file or folder');
}

/** The message goes to the peer, so it names no path. */
function shelfError(error: unknown): TransferError {
  if (error instanceof TransferError) return error;
  const system = systemCode(error) ?? '';
  if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes(system)) return notFound();
  if (system === 'EACCES' || system === 'EPERM') {
    return new TransferError('FORBIDDEN', 'the other side may not read that itself', { cause: error });
  }
  return new TransferError('SOURCE_FAILED', `it cannot be read: ${reason(error)}`, { cause: error });
}
