import type { BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { RESERVED_PREFIX } from '../safe-name.ts';
import { systemCode } from './file-errors.ts';
import { FolderHandle } from './folder-handle.ts';
import { isQuiet, touchedAt } from './heartbeat.ts';
import { type OwnerState, ownerState } from './owner.ts';
import { parseNoteName, parsePartialName } from './partial-names.ts';
import { type PartialNote, readNote, removeNote } from './partial-note.ts';

/** An unfinished file in `<dir>/.wsferry/`. */
export interface Leftover {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** When it was written to last, milliseconds since 1970. */
  readonly modified: number;
  /** Whether the process that writes to it lives: `alive` ones are on their way, `dead` ones are nobody's. */
  readonly owner: OwnerState;
  /** Whether the next offer of the same file goes on with it, unless its owner lives. */
  readonly resumable: boolean;
  /** What it is a part of, where that is known. */
  readonly file?: Omit<PartialNote, 'version'>;
}

interface Found extends Leftover {
  readonly name: string;
  readonly key: string | undefined;
  readonly links: number;
}

/** The unfinished files of a receiving folder, those of running transfers too. None when there is no `.wsferry`. */
export async function listLeftovers(dir: string): Promise<readonly Leftover[]> {
  return inPartials(dir, [], async (partials) => (await lookAll(partials)).map(told));
}

/**
 * Removes every unfinished file that no living process writes to, also those that could be gone on with, and the empty
 * `.wsferry`. Gives what stays: files of living processes; those of which nobody can know here whether their process
 * lives, unless `unknown` says that they are to go too; and what may not be removed.
 */
export async function cleanPartials(dir: string, { unknown = false } = {}): Promise<readonly Leftover[]> {
  const staying = await removeSome(dir, ({ owner }) => owner === 'dead' || (unknown && owner === 'unknown'));
  return staying.map(told);
}

/**
 * Removes what processes have left behind that were killed and that nobody can go on with, what has waited for longer than
 * `keepPartialsMs`, and the empty `.wsferry`. Gives what stays although perhaps nobody works on it any more: `unknown`
 * owners, and files that may not be removed.
 */
export async function tidyPartials(dir: string, keepPartialsMs: number): Promise<readonly Leftover[]> {
  const goes = ({ owner, size, links, modified, resumable }: Found) => {
    const expired = resumable && Date.now() - modified >= keepPartialsMs;
    // A second name: it was finished, and its process was killed before it could remove this one.
    const useless = !resumable || size === 0 || links > 1;
    return (owner === 'dead' && (useless || expired)) || (owner === 'unknown' && expired);
  };
  const staying = await removeSome(dir, goes);
  return staying.filter((leftover) => leftover.owner === 'unknown' || goes(leftover)).map(told);
}

/** Removes what `goes`, and gives what stays. */
async function removeSome(dir: string, goes: (leftover: Found) => boolean): Promise<readonly Found[]> {
  return inPartials(dir, [], async (partials, root) => {
    const staying: Found[] = [];
    for (const leftover of await lookAll(partials)) {
      const going = goes(leftover);
      // In this order: a note without its file would be left behind.
      if (going && leftover.key !== undefined) await removeNote(partials, leftover.key);
      const gone = going && (await partials.remove(leftover.name).then(yes, isGone));
      if (!gone) staying.push(leftover);
    }
    await removeLoneNotes(partials);
    await root.removeFolder(RESERVED_PREFIX).catch(() => {}); // somebody's are left
    return staying;
  });
}

/** Notes are written after their files, so one whose file a later look does not find has none any more. */
async function removeLoneNotes(partials: FolderHandle): Promise<void> {
  const notes = (await partials.names()).map(parseNoteName).filter((key) => key !== undefined);
  if (notes.length === 0) return;
  const keys = new Set((await partials.names()).map((name) => parsePartialName(name)?.key));
  for (const key of notes) if (!keys.has(key)) await removeNote(partials, key);
}

/** Runs `work` in the `.wsferry` of a folder, if there is one; a symlink in its place leads out of the folder. */
async function inPartials<T>(
  dir: string,
  none: T,
  work: (partials: FolderHandle, root: FolderHandle) => Promise<T>,
): Promise<T> {
  const root = await FolderHandle.open(dir);
  try {
    const partials = await root.folder(RESERVED_PREFIX).catch((error: unknown) => {
      if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return undefined;
      throw error;
    });
    if (partials === undefined) return none;
    try {
      return await work(partials, root);
    } finally {
      await partials.close();
    }
  } finally {
    await root.close();
  }
}

async function lookAll(partials: FolderHandle): Promise<Found[]> {
  const names = (await partials.names()).filter((name) => name.endsWith('.part'));
  const found = await Promise.all(names.map((name) => look(partials, name)));
  return found.filter((leftover) => leftover !== undefined);
}

async function look(partials: FolderHandle, name: string): Promise<Found | undefined> {
  const found = await partials.lookAt(name).catch(() => undefined); // finished meanwhile
  if (!found?.isFile()) return undefined;
  const parsed = parsePartialName(name);
  const key = parsed?.key;
  const note = key === undefined ? undefined : await readNote(partials, key);
  return {
    path: join(partials.path, name),
    name,
    key,
    size: Number(found.size),
    // The modification time is set to that of the source just before the end.
    modified: touchedAt(found),
    links: Number(found.nlink),
    owner: await ownerOf(parsed, found),
    resumable: key !== undefined,
    ...(note && {
      file: { name: note.name, folder: note.folder, size: note.size, modified: note.modified, began: note.began },
    }),
  };
}

async function ownerOf(parsed: ReturnType<typeof parsePartialName>, look: BigIntStats): Promise<OwnerState> {
  if (parsed === undefined) return 'unknown';
  const state = parsed.owner === undefined ? 'dead' : await ownerState(parsed.owner);
  return state === 'unknown' && isQuiet(look) ? 'dead' : state;
}

function told({ name: _name, key: _key, links: _links, ...leftover }: Found): Leftover {
  return leftover;
}

const yes = () => true;
/** Another receiver that started at the same time was faster. */
const isGone = (error: NodeJS.ErrnoException) => error.code === 'ENOENT';
