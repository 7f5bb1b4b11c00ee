import type { BigIntStats } from 'node:fs';
import { systemCode } from './file-errors.ts';
import { type FolderHandle, identity } from './folder-handle.ts';
import { SharedTask } from './shared-task.ts';

/** Up to so many names are read again whenever the folder may have changed: that takes a fraction of a millisecond. */
const FEW_NAMES = 64;

/** Of more names, this share of the time at most is spent on reading them again. */
const READING_SHARE = 0.05;

/** The time of a folder that changed less than this before it was read may be the same after the next change (FAT: 2 s). */
const COARSE_MS = 2_000;

/**
 * Names with the same fold are the same name to some file system: those that differ in upper and lower case (`ß` and `SS`
 * are such, too) or in the Unicode form, as `é` may be one character or two.
 */
export function fold(name: string): string {
  return name.normalize('NFD').toUpperCase().toLowerCase().normalize('NFC');
}

/**
 * The names in a folder, by their folds. What this process puts there is known at once. What others put there is seen as
 * soon as the folder is looked at again; only in a large one that changes all the time that takes up to twenty times as
 * long as reading it, so that ten thousand files do not cost ten thousand readings. Nothing is lost by what is seen late:
 * a name is taken by a call that fails when it is there.
 */
export class NameIndex {
  readonly #folder: FolderHandle;
  readonly #now: () => number;
  #names = new Map<string, string[]>();
  #count = 0;
  /** How the folder looked before its names were read; `undefined` when it may have changed without looking so. */
  #seen: string | undefined;
  #readAgainAt = Number.NEGATIVE_INFINITY;
  readonly #reading = new SharedTask(() => this.#read());
  /** What we have put there while the names are being read. */
  #meanwhile: string[] | undefined;
  /** Folds of names that somebody here is about to take, and when it is known whether he did. */
  readonly #held = new Map<string, Promise<void>>();

  /** @param now milliseconds from any fixed moment */
  constructor(folder: FolderHandle, now: () => number = () => performance.now()) {
    this.#folder = folder;
    this.#now = now;
  }

  /** Reads the names, if they may have changed. `look`: how the folder looks by now, if that was just asked. */
  async refresh(look?: BigIntStats): Promise<void> {
    if (lookOf(look ?? (await this.#folder.look())) === this.#seen) return;
    if (this.#count > FEW_NAMES && this.#now() < this.#readAgainAt) return;
    await this.#reading.run();
  }

  /** The names there that count as `name`: itself first, then what is it in another Unicode form, then the others. */
  same(name: string): readonly string[] {
    const names = this.#names.get(fold(name)) ?? [];
    if (names.length < 2) return names;
    const rank = (other: string) => (other === name ? 0 : other.normalize('NFC') === name.normalize('NFC') ? 1 : 2);
    return [...names].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  }

  /**
   * Takes a name that nothing there counts as: `take` does it, and tells whether it was still free. Two that want the same
   * name here wait for each other, so that the second sees what the first has made of it.
   */
  async take(name: string, take: () => Promise<boolean>): Promise<boolean> {
    const folded = fold(name);
    for (let holder = this.#held.get(folded); holder !== undefined; holder = this.#held.get(folded)) await holder;
    if (this.#names.has(folded)) return false;
    let release!: () => void;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#held.set(folded, held);
    try {
      const taken = await take();
      if (taken) this.#add(name);
      else await this.#reading.run(); // somebody else's, which we had not seen
      return taken;
    } finally {
      this.#held.delete(folded);
      release();
    }
  }

  async #read(): Promise<void> {
    const began = this.#now();
    const meanwhile: string[] = [];
    this.#meanwhile = meanwhile;
    const look = await this.#folder.look();
    const names = await this.#folder.names().catch((error: unknown) => {
      if (systemCode(error) === 'EACCES') return []; // may be written to, but not read
      throw error;
    });
    this.#meanwhile = undefined;
    this.#names = new Map();
    this.#count = 0;
    for (const name of [...names, ...meanwhile]) this.#add(name);
    const certain = Number(look.mtimeMs) < Date.now() - COARSE_MS;
    this.#seen = certain ? lookOf(look) : undefined;
    const ended = this.#now();
    this.#readAgainAt = ended + (ended - began) / READING_SHARE;
  }

  #add(name: string): void {
    const folded = fold(name);
    const names = this.#names.get(folded);
    if (names?.includes(name)) return;
    if (names === undefined) this.#names.set(folded, [name]);
    else names.push(name);
    this.#count += 1;
    this.#meanwhile?.push(name);
  }
}

function lookOf(found: BigIntStats): string {
  return `${identity(found)}:${found.mtimeNs}:${found.ctimeNs}`;
}
