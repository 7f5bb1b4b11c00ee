import { constants } from 'node:fs';
import { extname } from 'node:path';
import { MAX_NAME_BYTES } from '../safe-name.ts';
import { systemCode } from './file-errors.ts';
import type { FolderHandle } from './folder-handle.ts';

/** How many ` (n)` are tried before giving up. */
export const MAX_NUMBER = 9_999;

/** A file in an open folder. */
export interface FileEntry {
  readonly folder: FolderHandle;
  readonly name: string;
}

/** Of a file system (exFAT, SMB, some FUSE) or a link count that cannot do link(). */
const linkUnsupported = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'EMLINK', 'ENOSYS']);

/** `true` when `to` is now `from`'s name; `false` when the name is taken, by whatever it may be. Never overwrites. */
export async function takeName(from: FileEntry, to: FileEntry): Promise<boolean> {
  try {
    // link() is the one call that names a file and fails when the name exists, symlinks included.
    await from.folder.link(from.name, to.folder, to.name);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    if (!linkUnsupported.has(systemCode(error) ?? '')) throw error;
  }
  return reserveAndRename(from, to);
}

/** The second best, where there are no hard links: an empty file holds the name until rename() replaces it. */
export async function reserveAndRename(from: FileEntry, to: FileEntry): Promise<boolean> {
  try {
    await (await to.folder.open(to.name, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o666)).close();
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
  try {
    await from.folder.rename(from.name, to.folder, to.name);
    return true;
  } catch (error) {
    await to.folder.remove(to.name).catch(() => {});
    throw error;
  }
}

/** `a.txt`, `a (1).txt`, `a (2).txt`, …; a long stem is cut so that every one fits in a directory entry. */
export function candidateNames(name: string): Generator<string> {
  const dot = extname(name);
  return numbered(name, Buffer.byteLength(dot) > 64 ? '' : dot);
}

/** The same for folders, whose names have no extension: `v1.2`, `v1.2 (1)`, … */
export function candidateFolders(name: string): Generator<string> {
  return numbered(name, '');
}

function* numbered(name: string, extension: string): Generator<string> {
  yield name;
  const stem = name.slice(0, name.length - extension.length);
  for (let number = 1; number <= MAX_NUMBER; number += 1) {
    const tail = ` (${number})${extension}`;
    yield cutToBytes(stem, MAX_NAME_BYTES - Buffer.byteLength(tail)) + tail;
  }
}

function cutToBytes(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  const characters = Array.from(text);
  while (Buffer.byteLength(characters.join('')) > bytes) characters.pop();
  return characters.join('');
}
