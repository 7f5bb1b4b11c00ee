import type { RestartReason } from '../packets.ts';
import type { FileOffer } from '../ports.ts';
import { type FolderHandle, identity } from './folder-handle.ts';
import { ownerState } from './owner.ts';
import { parsePartialName } from './partial-names.ts';
import { isSameSource, readNote } from './partial-note.ts';

/** What was kept of a file: found, not yet touched. */
export interface KeptPartial {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly identity: string;
  /** Why it cannot be gone on with, when that is so. */
  readonly restarted?: RestartReason;
}

/** What there is of a key. */
export interface Kept {
  readonly best?: KeptPartial;
  /** Others that nobody writes to, of no use any more. */
  readonly others: readonly string[];
  /** Another living process works on it. */
  readonly busy: boolean;
}

/** Looks for what nobody works on of the offered file, and takes the longest. */
export async function findKept(partials: FolderHandle, key: string, offer: FileOffer): Promise<Kept> {
  const found: KeptPartial[] = [];
  const useless: string[] = [];
  let busy = false;
  for (const name of await partials.names()) {
    const parsed = parsePartialName(name);
    if (parsed?.key !== key) continue;
    const state = parsed.owner === undefined ? 'dead' : await ownerState(parsed.owner);
    if (state === 'alive') busy = true;
    if (state !== 'dead') continue;
    const look = await partials.lookAt(name);
    // With a second name it is that file already, whoever gave it: not one byte of it is ours to change.
    if (look?.isFile() && look.nlink === 1n && look.size > 0n) {
      found.push({ name, size: Number(look.size), identity: identity(look) });
    } else if (look !== undefined && !look.isDirectory()) useless.push(name);
  }
  const [best, ...shorter] = found.sort((a, b) => b.size - a.size);
  const others = [...useless, ...shorter.map(({ name }) => name)];
  if (best === undefined) return { others, busy };
  const note = await readNote(partials, key);
  if (note !== undefined && !isSameSource(note, offer)) {
    return { best: { ...best, restarted: 'SOURCE_CHANGED' }, others, busy };
  }
  const tooLong = offer.size !== undefined && best.size > offer.size;
  return { best: tooLong ? { ...best, restarted: 'PARTIAL_CHANGED' } : best, others, busy };
}
