import { type FolderHandle, identity } from './folder-handle.ts';

/** Folders whose names are kept: those on the way to where a list has come to. */
const MAX_FOLDERS = 8;

interface Kept {
  readonly look: string;
  readonly names: readonly string[];
  /** By their NFC; made when it is needed. */
  written?: ReadonlyMap<string, string>;
}

/**
 * The names in a folder, sorted. A list is asked for page by page; that each page of a large folder reads and sorts it anew
 * would be quadratic, so the last few are kept as long as their folders look the same.
 */
export class SortedNames {
  readonly #kept = new Map<string, Kept>();

  async of(folder: FolderHandle): Promise<readonly string[]> {
    return (await this.#at(folder)).names;
  }

  /** The name as it is written on the disk that travels as `name`, in NFC; the first, if there are two. */
  async writtenAs(folder: FolderHandle, name: string): Promise<string | undefined> {
    const kept = await this.#at(folder);
    kept.written ??= new Map([...kept.names].reverse().map((written) => [written.normalize('NFC'), written]));
    return kept.written.get(name);
  }

  async #at(folder: FolderHandle): Promise<Kept> {
    const { mtimeNs, ctimeNs, ...found } = await folder.look();
    const look = `${mtimeNs}:${ctimeNs}`;
    const key = identity(found);
    const kept = this.#kept.get(key);
    this.#kept.delete(key);
    const now: Kept = kept?.look === look ? kept : { look, names: (await folder.names()).sort() };
    this.#kept.set(key, now);
    for (const [oldest] of this.#kept) {
      if (this.#kept.size <= MAX_FOLDERS) break;
      this.#kept.delete(oldest);
    }
    return now;
  }
}
