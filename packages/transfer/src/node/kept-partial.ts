import { onAbort } from '../on-abort.ts';
import type { RestartReason } from '../packets.ts';
import type { FileOffer } from '../ports.ts';
import { type FolderHandle, identity } from './folder-handle.ts';
import { isQuiet, touchedAt, WATCHED_MS } from './heartbeat.ts';
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
  /** Its owner may live where we cannot look, but has not touched it for long. */
  readonly abandoned: boolean;
}

/** What there is of a key. */
export interface Kept {
  readonly best?: KeptPartial;
  /** Others that nobody writes to, of no use any more. */
  readonly others: readonly string[];
  /** Another living process works on it. */
  readonly busy: boolean;
  /** Those whose owner may live where we cannot look, and when they were touched last. */
  readonly doubtful: ReadonlyMap<string, number>;
}

/** How often a file is looked at whose owner may or may not live. */
const LOOK_MS = 2_500;

/**
 * The same, when there is something whose owner may live in another container, or lived there until just now: then it is
 * watched until it shows that it lives, which makes it busy, or has missed too many beats.
 */
export async function findKeptOrWatch(
  partials: FolderHandle,
  key: string,
  offer: FileOffer,
  signal: AbortSignal,
): Promise<Kept> {
  const first = await findKept(partials, key, offer);
  const dead = new Set<string>();
  for (let watched = 0; first.doubtful.size > 0; watched += LOOK_MS) {
    const now = await findKept(partials, key, offer, dead);
    for (const [name, touched] of now.doubtful) if (touched !== first.doubtful.get(name)) return { ...now, busy: true };
    if (now.doubtful.size === 0) return now;
    if (watched < WATCHED_MS) await passed(LOOK_MS, signal);
    else for (const name of now.doubtful.keys()) dead.add(name);
  }
  return first;
}

async function passed(milliseconds: number, signal: AbortSignal): Promise<void> {
  let unlisten = () => {};
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    unlisten = onAbort(signal, () => {
      clearTimeout(timer);
      resolve();
    });
  });
  unlisten();
  signal.throwIfAborted();
}

/** Looks for what nobody works on of the offered file, and takes the longest. The owners of `dead` ones are known to be. */
export async function findKept(
  partials: FolderHandle,
  key: string,
  offer: FileOffer,
  dead: ReadonlySet<string> = new Set(),
): Promise<Kept> {
  const doubtful = new Map<string, number>();
  const found: KeptPartial[] = [];
  const useless: string[] = [];
  let busy = false;
  for (const name of await partials.names()) {
    const parsed = parsePartialName(name);
    if (parsed?.key !== key) continue;
    const state = parsed.owner === undefined ? 'dead' : await ownerState(parsed.owner);
    if (state === 'alive') busy = true;
    if (state === 'alive') continue;
    const look = await partials.lookAt(name);
    if (look === undefined) continue;
    const abandoned = state === 'unknown';
    if (abandoned && !isQuiet(look) && !dead.has(name)) {
      doubtful.set(name, touchedAt(look));
      continue;
    }
    // With a second name it is that file already, whoever gave it: not one byte of it is ours to change.
    if (look.isFile() && look.nlink === 1n && look.size > 0n) {
      found.push({ name, size: Number(look.size), identity: identity(look), abandoned });
    } else if (!look.isDirectory()) useless.push(name);
  }
  const [best, ...shorter] = found.sort((a, b) => b.size - a.size);
  const others = [...useless, ...shorter.map(({ name }) => name)];
  if (best === undefined) return { others, busy, doubtful };
  const note = await readNote(partials, key);
  if (note !== undefined && !isSameSource(note, offer)) {
    return { best: { ...best, restarted: 'SOURCE_CHANGED' }, others, busy, doubtful };
  }
  const tooLong = offer.size !== undefined && best.size > offer.size;
  return { best: tooLong ? { ...best, restarted: 'PARTIAL_CHANGED' } : best, others, busy, doubtful };
}
