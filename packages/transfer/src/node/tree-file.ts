import { type BigIntStats, constants } from 'node:fs';
import { join } from 'node:path';
import { TransferError } from '../errors.ts';
import type { FileSource, OpenOptions, OpenSource } from '../ports.ts';
import { sourceError, systemCode } from './file-errors.ts';
import { identity } from './folder-handle.ts';
import type { FolderTree, Step } from './folder-tree.ts';
import { isExecutable, openFile, resumeKeyOf } from './path-source.ts';
import { joinCrowd, type OpenLook, SMALL_FILE_BYTES } from './small-files.ts';
import { openSmallPath } from './small-path-source.ts';

/** Opens no device and no named pipe that took a file's place, and waits for nobody. */
const O_NONBLOCK = constants.O_NONBLOCK ?? 0;

/** How a regular file looked when it was found. Of a large tree there is one for each file; a `BigIntStats` is seven times as large. */
export type FoundLook = OpenLook & { readonly executable: boolean };

export function foundLook(stats: BigIntStats): FoundLook {
  const { size, mtimeNs } = stats;
  return { size: Number(size), modified: mtimeNs, identity: identity(stats), executable: isExecutable(stats) };
}

/** A regular file that was found below a folder. */
export interface TreeFile {
  readonly tree: FolderTree;
  /** The real path of the tree's uppermost folder. */
  readonly root: string;
  /** The folders it lies in, from there on. */
  readonly folder: readonly string[];
  readonly name: string;
  readonly look: FoundLook;
  /** How its folders are found by their names; `existing` when absent. */
  readonly step?: Step;
}

/**
 * It as a source: opened without following a symlink, and only if it still is the file that was found.
 *
 * @param at the folders it is to lie in at the other side
 */
export async function treeFileSource(file: TreeFile, at: readonly string[]): Promise<FileSource> {
  const { root, folder, name, look } = file;
  return {
    name,
    folder: at,
    size: look.size,
    modified: Number(look.modified / 1_000_000n),
    // That of `pathSource` for the same file.
    resumeKey: await resumeKeyOf(join(root, ...folder, name)),
    ...(look.executable && { executable: true }),
    open: (options) => open(file, options),
    again: async () => treeFileSource({ ...file, look: await lookAgain(file) }, at),
  };
}

async function lookAgain({ tree, folder, name, step }: TreeFile): Promise<FoundLook> {
  try {
    const within = await tree.use(folder, step);
    const look = await within.handle.lookAt(name).finally(() => within.release());
    if (look?.isFile()) return foundLook(look);
  } catch (error) {
    throw sourceError(error);
  }
  throw changed();
}

async function open(file: TreeFile, options: OpenOptions): Promise<OpenSource> {
  const { tree, folder, name, look, step } = file;
  try {
    const small = look.size <= SMALL_FILE_BYTES ? await openAside(file, options) : undefined;
    if (small !== undefined) return small;
    const within = await tree.use(folder, step);
    const handle = await within.handle.open(name, constants.O_RDONLY | O_NONBLOCK).finally(() => within.release());
    const found = await handle.stat({ bigint: true });
    if (identity(found) === look.identity) return await openFile(handle, look, options);
    await handle.close();
    throw changed();
  } catch (error) {
    // ENXIO: a socket, or a named pipe that nobody reads.
    if (['ELOOP', 'ENOTDIR', 'ENXIO'].includes(systemCode(error) ?? '')) throw changed(error);
    throw sourceError(error);
  }
}

/** One small file of a crowd, read by the thread for such; `undefined` when that cannot be: the long way says why. */
async function openAside(
  { tree, folder, name, look, step }: TreeFile,
  options: OpenOptions,
): Promise<OpenSource | undefined> {
  const leave = joinCrowd();
  try {
    const within = await tree.use(folder, step);
    try {
      const path = within.handle.pathOf(name);
      return path === undefined ? undefined : await openSmallPath(path, look, options, look.identity);
    } finally {
      within.release();
    }
  } finally {
    leave();
  }
}

function changed(cause?: unknown): TransferError {
  const message = 'the source changed while it was being sent: there is something else in its place';
  return new TransferError('SOURCE_CHANGED', message, { cause });
}
