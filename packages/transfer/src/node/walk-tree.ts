import type { BigIntStats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import ignore, { type Ignore } from 'ignore';
import { TransferError } from '../errors.ts';
import type { FileSource } from '../ports.ts';
import { MAX_FOLDER_DEPTH, RESERVED_PREFIX } from '../safe-name.ts';
import type { FolderSource } from '../session-options.ts';
import { pathError, reason } from './file-errors.ts';
import { FolderTree } from './folder-tree.ts';
import { type FoundLook, foundLook, treeFileSource } from './tree-file.ts';

/** How a {@link walkTree} goes. */
export interface WalkOptions {
  /**
   * What is left out without a word: patterns as in a `.gitignore` in the uppermost folder, the later ones first. Upper and
   * lower case differ.
   */
  readonly ignore?: readonly string[];
}

/** What a {@link walkTree} finds. `path` is that of this side, for people. */
export type TreeEntry =
  /** To be sent. It lies in the folder that was named. */
  | { readonly kind: 'file'; readonly path: string; readonly source: FileSource }
  /** To be sent after everything in it, which came before. */
  | { readonly kind: 'folder'; readonly path: string; readonly source: FolderSource }
  /**
   * Not to be sent: a symlink; a device, socket or named pipe; a folder that cannot be read, or that lies too deep; a name
   * that is no UTF-8.
   */
  | {
      readonly kind: 'left-out';
      readonly path: string;
      readonly why: 'symlink' | 'special' | 'unreadable' | 'too-deep' | 'bad-name';
      /** Half a sentence. */
      readonly message: string;
    };

/** Entries that are looked at at once. */
const LOOKS = 64;

interface Walk {
  readonly tree: FolderTree;
  /** Real path of the uppermost folder. */
  readonly root: string;
  /** As the user called it. */
  readonly dir: string;
  /** What it is called at the other side. */
  readonly name: string;
  /** What is left out; `undefined` when nothing is. */
  readonly filter: Ignore | undefined;
}

/**
 * Everything in a folder, in an order that is always the same: by name, each folder after its content, the uppermost one
 * last. Symlinks are not followed, wherever they lead, not even one that takes a folder's place meanwhile; only `dir` itself
 * may be one. `.wsferry`, with a receiver's unfinished files, is left out.
 *
 * A file that cannot be read is found out when it is opened to be sent.
 *
 * @throws TransferError SOURCE_FAILED when `dir` is missing, unreadable or no folder.
 */
export async function* walkTree(dir: string, { ignore: patterns = [] }: WalkOptions = {}): AsyncGenerator<TreeEntry> {
  const { root, modified } = await uppermost(dir);
  const walk: Walk = {
    tree: new FolderTree(root, false),
    root,
    dir,
    name: basename(resolve(dir)),
    filter: patterns.length === 0 ? undefined : filterOf([...patterns]),
  };
  yield* inFolder(walk, [], modified);
}

function filterOf(patterns: string[] | Ignore): Ignore {
  return ignore({ ignoreCase: false }).add(patterns);
}

async function uppermost(dir: string): Promise<{ root: string; modified: number }> {
  try {
    const root = await realpath(dir);
    const look = await stat(root, { bigint: true });
    if (!look.isDirectory()) throw new TransferError('SOURCE_FAILED', `cannot read ${dir}: it is not a directory`);
    if (basename(resolve(dir)) === '') throw new TransferError('SOURCE_FAILED', `cannot send ${dir}: it has no name`);
    return { root, modified: milliseconds(look) };
  } catch (error) {
    throw pathError(dir, error);
  }
}

/** What lies in the folder `names` lead to, then that folder. */
async function* inFolder(walk: Walk, names: readonly string[], modified: number): AsyncGenerator<TreeEntry> {
  const path = join(walk.dir, ...names);
  if (names.length >= MAX_FOLDER_DEPTH) {
    yield { kind: 'left-out', path, why: 'too-deep', message: `it lies in more than ${MAX_FOLDER_DEPTH} folders` };
    return;
  }
  let entries: readonly Entry[];
  try {
    entries = await entriesOf(walk, names);
  } catch (error) {
    if (names.length === 0) throw pathError(walk.dir, error);
    yield { kind: 'left-out', path, why: 'unreadable', message: reason(error) };
    return;
  }
  const at = [walk.name, ...names];
  const { tree, root } = walk;
  for (const { name, found } of entries) {
    if (found.kind === 'folder') {
      yield* inFolder(walk, [...names, name], found.modified);
    } else if (found.kind === 'file') {
      const source = await treeFileSource({ tree, root, folder: names, name, look: found.look }, at);
      yield { kind: 'file', path: join(path, name), source };
    } else {
      yield { ...found, path: join(path, name) };
    }
  }
  yield { kind: 'folder', path, source: { name: at.at(-1)!, folder: at.slice(0, -1), modified } };
}

interface Entry {
  readonly name: string;
  readonly found: Found;
}

/** What a name leads to. Of a whole folder at once: only what is needed of it. */
type Found =
  | { readonly kind: 'file'; readonly look: FoundLook }
  | { readonly kind: 'folder'; readonly modified: number }
  | Omit<Extract<TreeEntry, { kind: 'left-out' }>, 'path'>;

/** @param look `undefined` when nothing has this name, because what was read as it are other bytes */
function foundAt(look: BigIntStats | undefined): Found {
  const leftOut = (why: 'symlink' | 'special' | 'bad-name', message: string) =>
    ({ kind: 'left-out', why, message }) as const;
  if (look === undefined) return leftOut('bad-name', 'its name is no UTF-8');
  if (look.isDirectory()) return { kind: 'folder', modified: milliseconds(look) };
  if (look.isFile()) return { kind: 'file', look: foundLook(look) };
  if (look.isSymbolicLink()) return leftOut('symlink', 'it is a symbolic link, and these are not followed');
  const what = look.isFIFO() ? 'a named pipe' : look.isSocket() ? 'a socket' : 'a device';
  return leftOut('special', `it is ${what}`);
}

/** What is to be looked at in a folder, by name. What is gone again by then is left out. */
async function entriesOf({ tree, filter }: Walk, names: readonly string[]): Promise<readonly Entry[]> {
  // A filter keeps what it answered for every path it saw. The patterns are shared, the answers go with the folder.
  const answers = filter && filterOf(filter);
  const folder = await tree.use(names);
  try {
    const all = (await folder.handle.names()).sort();
    const entries: Entry[] = [];
    for (let from = 0; from < all.length; from += LOOKS) {
      const some = all.slice(from, from + LOOKS);
      const looks = await Promise.all(some.map((name) => folder.handle.lookAt(name)));
      for (const [index, look] of looks.entries()) {
        const name = some[index]!;
        const path = [...names, name].join('/');
        if (look === undefined && !name.includes('\ufffd')) continue;
        // Unfinished files of a receiver. Other names that begin so are the user's, and are refused aloud.
        if (look?.isDirectory() && name.toLowerCase() === RESERVED_PREFIX) continue;
        if (!answers?.ignores(look?.isDirectory() ? `${path}/` : path)) entries.push({ name, found: foundAt(look) });
      }
    }
    return entries;
  } finally {
    folder.release();
  }
}

function milliseconds({ mtimeMs }: BigIntStats): number {
  return Math.trunc(Number(mtimeMs));
}
