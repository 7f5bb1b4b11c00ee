import type { BigIntStats } from 'node:fs';
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { TransferError } from '../errors.ts';
import type { DigestAlgorithm, OnConflict } from '../packets.ts';
import type { Comparisons } from './comparisons.ts';
import { systemCode } from './file-errors.ts';
import { candidateNames, type FileEntry, MAX_NUMBER, takeName } from './final-name.ts';
import { type FolderHandle, identity } from './folder-handle.ts';
import type { Folder } from './folder-tree.ts';
import { createHasher } from './hashing.ts';

/** A regular file that was found, and how it looked. */
export interface FoundFile {
  readonly name: string;
  readonly path: string;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
  readonly look: string;
}

/** What is in a file. */
export interface Contents {
  readonly size: number;
  readonly digest: string;
  readonly algorithm: DigestAlgorithm;
}

/** Where a file was placed, or the identical one that was there. */
export interface Placed {
  readonly name: string;
  readonly path: string;
  readonly existing: boolean;
}

/**
 * The file that may be the offered one: the first that has the name, or one that counts as the same, and this size. With
 * `rename` also one of `name (1)`, … up to the first free name.
 */
export async function findOfSize(
  folder: Folder,
  name: string,
  size: number,
  policy: OnConflict,
): Promise<FoundFile | undefined> {
  for (const candidate of candidates(name, policy)) {
    const same = folder.names.same(candidate);
    if (same.length === 0) return undefined;
    const found = await firstOfSize(folder, same, size);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether what was found is still there and untouched. */
export async function isUnchanged(folder: Folder, found: FoundFile): Promise<boolean> {
  const look = await folder.handle.lookAt(found.name);
  return look?.isFile() === true && lookOf(look) === found.look;
}

/**
 * Makes a file that was found as good as one that was stored: whoever wrote it may not have waited for the disk, or have left
 * its offer's executable bit away. Of another user's file the kernel may allow neither; its bytes are right all the same.
 */
export async function settleFound(
  folder: Folder,
  name: string,
  { fsync, executable }: { readonly fsync: boolean; readonly executable: boolean },
): Promise<void> {
  if (!fsync && !executable) return;
  const handle = await folder.handle.open(name, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    if (executable) await setExecutable(handle, true);
    if (fsync) await handle.sync().catch(ignoreUnsyncable);
  } finally {
    await handle.close();
  }
}

/** For a file that was begun when it was, or was not, to be executed. Whoever may read it then may execute it. */
export async function setExecutable(handle: FileHandle, executable: boolean): Promise<void> {
  const mode = (await handle.stat()).mode & 0o777;
  const wanted = executable ? mode | ((mode & 0o444) >> 2) : mode & 0o666;
  if (wanted !== mode) await handle.chmod(wanted).catch(() => {}); // not on every file system
}

/** What cannot be synced through a handle that may only read (Windows), or not at all. */
function ignoreUnsyncable(error: unknown): void {
  if (!['EINVAL', 'ENOTSUP', 'EPERM', 'EBADF'].includes(systemCode(error) ?? '')) throw error;
}

/**
 * The digest of a regular file, in the hashing thread. A symlink that took its place meanwhile is not followed. Rejects with
 * the reason of `signal` when that is aborted.
 */
export async function fileDigest(
  folder: FolderHandle,
  { name, size }: FoundFile,
  algorithm: DigestAlgorithm,
  signal?: AbortSignal,
): Promise<string> {
  const handle = await folder.open(name, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  const hasher = createHasher(algorithm, size);
  try {
    let buffer = new Uint8Array(Math.min(size + 1, 512 * 1024));
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await handle.read(buffer, 0, buffer.byteLength, null);
      if (bytesRead === 0) return await hasher.digest();
      buffer = new Uint8Array((await hasher.update(buffer.subarray(0, bytesRead))).buffer);
    }
  } finally {
    hasher.drop();
    await handle.close();
  }
}

/**
 * Refuses what the policy does not allow when the name is taken by something else than the offered file.
 *
 * @throws TransferError SKIPPED or EXISTS
 */
export async function checkTaken(folder: Folder, name: string, policy: OnConflict): Promise<void> {
  if (policy === 'rename') return;
  const same = folder.names.same(name);
  if (same.length === 0) return;
  if (policy === 'overwrite') await replaceable(folder, name);
  else throw taken(policy);
}

/**
 * Gives a finished file its name, by the policy, or finds, if there is something to `compare` by, that the same bytes are there
 * already.
 *
 * @throws TransferError SKIPPED or EXISTS
 */
export async function place(
  file: FileEntry,
  folder: Folder,
  name: string,
  { size, digest, algorithm }: Contents,
  { policy, compare }: { readonly policy: OnConflict; readonly compare: Comparisons | undefined },
): Promise<Placed> {
  const placed = (as: string, existing: boolean) => ({ name: as, path: join(folder.path, as), existing });
  for (const candidate of candidates(name, policy)) {
    const to = { folder: folder.handle, name: candidate };
    if (await folder.names.take(candidate, () => takeName(file, to))) return placed(candidate, false);
    if (compare === undefined) continue;
    const found = await firstOfSize(folder, folder.names.same(candidate), size);
    // One that cannot be read is not ours to compare.
    const foundDigest = found && (await compare.digest(folder, found, algorithm).catch(() => undefined));
    if (found && foundDigest === digest) return placed(found.name, true);
  }
  if (policy === 'rename') throw new TransferError('EXISTS', `there are ${MAX_NUMBER} files of this name already`);
  if (policy !== 'overwrite') throw taken(policy);
  const old = await replaceable(folder, name);
  await file.folder.rename(file.name, folder.handle, old).catch((error: unknown) => {
    // A folder took its place.
    throw systemCode(error) === 'EISDIR' ? notReplaceable() : error;
  });
  return placed(old, false);
}

function candidates(name: string, policy: OnConflict): Iterable<string> {
  return policy === 'rename' ? candidateNames(name) : [name];
}

async function firstOfSize(folder: Folder, names: readonly string[], size: number): Promise<FoundFile | undefined> {
  for (const name of names) {
    const found = await foundAt(folder.handle, name);
    if (found?.size === size) return found;
  }
  return undefined;
}

/** The regular file of that name. */
export async function foundAt(folder: FolderHandle, name: string): Promise<FoundFile | undefined> {
  const look = await folder.lookAt(name);
  if (!look?.isFile()) return undefined;
  const modified = Math.trunc(Number(look.mtimeMs));
  return { name, path: join(folder.path, name), size: Number(look.size), modified, look: lookOf(look) };
}

/** The name of the file that is to be replaced: that very one, or the only one that counts as the same. */
async function replaceable(folder: Folder, name: string): Promise<string> {
  const same = folder.names.same(name);
  const exact = same[0]?.normalize('NFC') === name.normalize('NFC');
  if (!exact && same.length > 1) {
    throw new TransferError('EXISTS', `there are ${same.length} names that differ from this one in case only`);
  }
  const old = same[0] ?? name;
  const look = await folder.handle.lookAt(old);
  if (look !== undefined && !look.isFile()) throw notReplaceable();
  return old;
}

function notReplaceable(): TransferError {
  return new TransferError(
    'EXISTS',
    'there is something of that name that is no plain file, and only such are replaced',
  );
}

function taken(policy: 'skip' | 'fail'): TransferError {
  return new TransferError(policy === 'skip' ? 'SKIPPED' : 'EXISTS');
}

function lookOf(look: BigIntStats): string {
  return `${identity(look)}:${look.size}:${look.mtimeNs}`;
}
