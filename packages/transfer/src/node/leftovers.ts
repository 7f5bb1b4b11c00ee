import { randomBytes } from 'node:crypto';
import { lstat, readdir, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { RESERVED_PREFIX } from '../safe-name.ts';
import { type OwnerState, ownerPattern, ownerState, ownOwner } from './owner.ts';

/** An unfinished file in `<dir>/.wsferry/`. */
export interface Leftover {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** When it was written to last, milliseconds since 1970. */
  readonly modified: number;
  /** Whether the process that began it lives: `alive` ones are on their way, `dead` ones are nobody's. */
  readonly owner: OwnerState;
}

/** A name for a new unfinished file, which tells whose it is: OWNER-RANDOM.part. */
export async function partName(): Promise<string> {
  return `${await ownOwner()}-${randomBytes(12).toString('hex')}.part`;
}

/** The unfinished files of a receiving folder, those of running transfers too. None when there is no `.wsferry`. */
export async function listLeftovers(dir: string): Promise<readonly Leftover[]> {
  const partials = join(dir, RESERVED_PREFIX);
  // A planted symlink would lead out of the folder.
  if (!(await lstat(partials).catch(() => undefined))?.isDirectory()) return [];
  const names = await readdir(partials);
  const found = await Promise.all(names.filter((name) => name.endsWith('.part')).map((name) => look(partials, name)));
  return found.filter((leftover) => leftover !== undefined);
}

/**
 * Removes what processes have left behind that were killed, and the empty `.wsferry`. Gives what stays although perhaps
 * nobody works on it any more: `unknown` owners, and files that may not be removed.
 */
export async function removeLeftovers(dir: string): Promise<readonly Leftover[]> {
  const staying: Leftover[] = [];
  const found = await listLeftovers(dir);
  for (const leftover of found) {
    if (leftover.owner === 'alive') continue;
    const removed = leftover.owner === 'dead' && (await unlink(leftover.path).then(yes, isGone));
    if (!removed) staying.push(leftover);
  }
  if (found.length > 0) await rmdir(join(dir, RESERVED_PREFIX)).catch(() => {}); // somebody's are left
  return staying;
}

async function look(partials: string, name: string): Promise<Leftover | undefined> {
  const path = join(partials, name);
  const found = await lstat(path).catch(() => undefined); // finished meanwhile
  if (!found?.isFile()) return undefined;
  const owner = name.slice(0, name.lastIndexOf('-'));
  const state = ownerPattern.test(owner) ? await ownerState(owner) : 'unknown';
  return { path, size: found.size, modified: found.mtimeMs, owner: state };
}

const yes = () => true;
/** Another receiver that started at the same time was faster. */
const isGone = (error: NodeJS.ErrnoException) => error.code === 'ENOENT';
