import { type FolderHandle, identity } from './folder-handle.ts';

/** Folders whose names are kept: those on the way to where a list has come to. */
const MAX_FOLDERS = 8;

/**
 * The names in a folder, sorted. A list is asked for page by page; that each page of a large folder reads and sorts it anew
 * would be quadratic, so the last few are kept as long as their folders look the same.
 */
export class SortedNames {
  readonly #kept = new Map<string, { readonly look: string; readonly names: readonly string[] }>();

  async of(folder: FolderHandle): Promise<readonly string[]> {
    const { mtimeNs, ctimeNs, ...found } = await folder.look();
    const look = `${mtimeNs}:${ctimeNs}`;
    const key = identity(found);
    const kept = this.#kept.get(key);
    this.#kept.delete(key);
    const names = kept?.look === look ? kept.names : (await folder.names()).sort();
    this.#kept.set(key, { look, names });
    for (const [oldest] of this.#kept) {
      if (this.#kept.size <= MAX_FOLDERS) break;
      this.#kept.delete(oldest);
    }
    return names;
  }
}
