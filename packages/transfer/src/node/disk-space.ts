import { statfs } from 'node:fs/promises';
import { TransferError } from '../errors.ts';
import { folderSize } from './folder-size.ts';

/** Room on the disk that is kept for one file. */
export interface KeptSpace {
  /**
   * Of a file whose size nobody knew: makes sure of room for so many bytes of it, before they are written. Undefined when
   * there is; rejects with NO_SPACE.
   */
  need(bytes: number): Promise<void> | undefined;
  /** So many bytes of the file are on the disk by now, and need no room any more; 0 when it was removed. */
  written(bytes: number): void;
  /** The file is complete, or given up. */
  release(): void;
}

/** How much of a disk may be used. */
export interface SpaceLimits {
  /** Bytes of the disk that stay free. */
  readonly minFreeBytes: number;
  /** Bytes that all files in the folder may have together; Infinity for no limit. */
  readonly maxTotalBytes: number;
}

/** Room for a file of unknown size is made sure of in pieces: to ask before each write would cost more than the write. */
const PIECE_BYTES = 16 * 1024 * 1024;

/** While there is plenty, the disk is asked no more often than that: a thousand small files would ask a thousand times. */
const ASK_AGAIN_MS = 100;

/** Plenty is so many times what a file needs. */
const PLENTY = 1000;

/** A folder that seems to be full is looked through again, but not more often. */
const LOOK_AGAIN_MS = 1000;

/** The room in one folder, minus what files on their way into it will still need. */
export class DiskSpace {
  readonly #path: string;
  readonly #limits: SpaceLimits;
  readonly #now: () => number;
  readonly #kept = new Set<Kept>();
  /** What was written by us, without what was removed again. */
  #written = 0;
  /** What lay in the folder when it was looked through, minus what we had written by then. */
  #others: number | undefined;
  #looking: Promise<void> | undefined;
  /** What the disk had for us when it was asked last, and what we had written by then. */
  #asked: { readonly freeBytes: number; readonly written: number; readonly at: number } | undefined;
  #lookAgainAt = 0;

  constructor(path: string, limits: SpaceLimits, now: () => number = () => performance.now()) {
    this.#path = path;
    this.#limits = limits;
    this.#now = now;
  }

  /**
   * Keeps room for a file of so many bytes, `written` of which are on the disk already. What other processes are about to
   * write nobody can know: for them the disk itself has the last word, as for files of unknown size when nothing is limited.
   *
   * @throws TransferError NO_SPACE when disk or limits cannot hold it beside the files that are on their way.
   */
  async keep(bytes: number | undefined, written = 0): Promise<KeptSpace | undefined> {
    const { minFreeBytes, maxTotalBytes } = this.#limits;
    if (bytes === undefined && minFreeBytes === 0 && maxTotalBytes === Number.POSITIVE_INFINITY) return undefined;
    const kept: Kept = {
      onDisk: written,
      promised: written,
      need: (end) => (end <= kept.promised ? undefined : this.#reserve(kept, end, end + PIECE_BYTES)),
      written: (end) => {
        this.#written += end - kept.onDisk;
        kept.onDisk = end;
      },
      release: () => void this.#kept.delete(kept),
    };
    this.#kept.add(kept);
    try {
      // Of a file of unknown size at least a byte: where there is no room at all it need not begin.
      await this.#reserve(kept, bytes ?? written + 1, bytes ?? written + 1);
      return kept;
    } catch (error) {
      kept.release();
      throw error;
    }
  }

  /** Promises `kept` room for `wanted` bytes of its file, or as much as there is from `least` on. */
  async #reserve(kept: Kept, least: number, wanted: number): Promise<void> {
    if (this.#others === undefined) await this.#look();
    for (let recent = this.#plenty(wanted); ; recent = undefined) {
      const free = recent ?? (await this.#freeBytes());
      // From here on nothing waits: two that ask at once cannot both be promised the last room.
      let beside = 0;
      for (const other of this.#kept) if (other !== kept) beside += Math.max(0, other.promised - other.onDisk);
      const inFolder = this.#limits.maxTotalBytes - (this.#others ?? 0) - this.#written;
      const room = Math.max(0, Math.min(free, inFolder) - beside);
      if (least - kept.onDisk <= room) {
        kept.promised = Math.max(kept.promised, Math.min(wanted, kept.onDisk + room));
        return;
      }
      if (recent !== undefined) continue;
      if (free < inFolder || this.#now() < this.#lookAgainAt)
        throw this.#noSpace(kept, least, room, beside, inFolder < free);
      // Somebody may have taken files away.
      await this.#look();
    }
  }

  /** What the disk has for us. Some file systems do not count (0 blocks): no news, and the write will tell. */
  async #freeBytes(): Promise<number> {
    const at = this.#now();
    const written = this.#written;
    const { bavail, bsize, blocks } = await statfs(this.#path);
    const freeBytes = blocks > 0 ? bavail * bsize - this.#limits.minFreeBytes : Number.POSITIVE_INFINITY;
    this.#asked = { freeBytes, written, at };
    return freeBytes;
  }

  /** What the disk had for us a moment ago, if that was so much that it does not matter what others have written since. */
  #plenty(wanted: number): number | undefined {
    const asked = this.#asked;
    if (asked === undefined || this.#now() > asked.at + ASK_AGAIN_MS) return undefined;
    const free = asked.freeBytes - (this.#written - asked.written);
    return wanted * PLENTY < free ? free : undefined;
  }

  #look(): Promise<void> {
    if (this.#limits.maxTotalBytes === Number.POSITIVE_INFINITY) return Promise.resolve();
    this.#looking ??= (async () => {
      const [startedAt, before] = [this.#now(), this.#written];
      // What is written while we look may be counted twice, and never not at all.
      this.#others = (await folderSize(this.#path)) - before;
      this.#lookAgainAt = this.#now() + Math.max(LOOK_AGAIN_MS, 10 * (this.#now() - startedAt));
      this.#looking = undefined;
    })();
    return this.#looking;
  }

  #noSpace(kept: Kept, least: number, room: number, beside: number, isOwnLimit: boolean): TransferError {
    const what = kept.onDisk > 0 ? 'the rest of the file' : 'the file';
    const has = inUnits(room, Math.floor);
    const of = isOwnLimit ? ` of the ${inUnits(this.#limits.maxTotalBytes, Math.floor)} that its folder may hold` : '';
    const others = beside > 0 ? ' beside the files that are on their way' : '';
    const message = `${what} has ${inUnits(least - kept.onDisk, Math.ceil)}, the receiver has room for ${has}${of}${others}`;
    return new TransferError('NO_SPACE', message);
  }
}

/** The bytes of a file that are on the disk, and those that it was promised room for. */
interface Kept extends KeptSpace {
  onDisk: number;
  promised: number;
}

const units = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** Bytes in decimal units and three digits. Rounded up and down, a size and what is too small for it never look alike. */
export function inUnits(bytes: number, round: (value: number) => number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  if (unit === 0) return `${bytes} bytes`;
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  // Not `value * 10 ** digits`: 1.1 * 10 is 11.000000000000002, and would be rounded up.
  const scale = 1000 ** unit / 10 ** digits;
  return `${round(bytes / scale) / 10 ** digits} ${units[unit]}`;
}
