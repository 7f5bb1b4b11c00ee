import { statfs } from 'node:fs/promises';
import { TransferError } from '../errors.ts';

/** Room on the disk that is kept for one file. */
export interface KeptSpace {
  /** So many bytes of the file are on the disk by now, and need no room any more. */
  written(bytes: number): void;
  /** The file is complete, or given up. */
  release(): void;
}

/** The free space of one folder, minus what files on their way into it will still need. */
export class DiskSpace {
  readonly #path: string;
  readonly #kept = new Set<Kept>();

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Keeps room for a file of so many bytes, `written` of which are on the disk already. What other processes are about to write nobody can know: for them, and for
   * files of unknown size, the disk itself has the last word.
   *
   * @throws TransferError NO_SPACE when the disk cannot hold it beside the files that are on their way.
   */
  async keep(bytes: number, written = 0): Promise<KeptSpace> {
    const { bavail, bsize, blocks } = await statfs(this.#path);
    // From here on nothing waits: two that ask at once cannot both be promised the last room.
    let promised = 0;
    for (const kept of this.#kept) promised += kept.bytes;
    const room = Math.max(0, bavail * bsize - promised);
    // Some file systems do not count (0 blocks): no news, and the write will tell.
    const needed = Math.max(0, bytes - written);
    if (blocks > 0 && needed > room) {
      const beside = promised > 0 ? ' beside the files that are on their way' : '';
      const what = written > 0 ? 'the rest of the file' : 'the file';
      throw new TransferError(
        'NO_SPACE',
        `${what} has ${inUnits(needed, Math.ceil)}, the receiver has room for ${inUnits(room, Math.floor)}${beside}`,
      );
    }
    const kept = new Kept(bytes, () => this.#kept.delete(kept));
    kept.written(written);
    this.#kept.add(kept);
    return kept;
  }
}

class Kept implements KeptSpace {
  readonly #total: number;
  readonly #forget: () => void;
  bytes: number;

  constructor(total: number, forget: () => void) {
    this.#total = total;
    this.#forget = forget;
    this.bytes = total;
  }

  written(bytes: number): void {
    this.bytes = Math.max(0, this.#total - bytes);
  }

  release(): void {
    this.#forget();
  }
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
