import type { BigIntStats } from 'node:fs';
import { TransferError } from '../errors.ts';
import type { ListedEntry } from '../packets.ts';
import { PageBuilder } from '../page-builder.ts';
import type { ListOptions, ListPage } from '../ports.ts';
import { MAX_FOLDER_DEPTH, RESERVED_PREFIX, type SafeName, safeName } from '../safe-name.ts';
import type { Folder, FolderTree, Step } from './folder-tree.ts';
import { isExecutable } from './path-source.ts';
import { SortedNames } from './sorted-names.ts';

/** Entries that are looked at at once. */
const LOOKS = 64;

/** Where one is below the folder that was asked for. */
interface Place {
  /** The names under which it is asked for. */
  readonly path: readonly SafeName[];
  /** The same as they are written on the disk, by which the list is in order. */
  readonly written: readonly string[];
}

/** What a page is being filled with. */
interface Filling {
  readonly page: PageBuilder;
  /** The folder that was asked for. */
  readonly root: readonly SafeName[];
  readonly recursive: boolean;
  readonly signal: AbortSignal | undefined;
  /** The names, as they are written, that lead to what was added last. */
  last: readonly string[];
  leftOut: number;
}

/** Lists what lies below a folder of a tree, page by page. A page ends with a cursor: the names that lead to its last entry. */
export class ShelfList {
  readonly #tree: FolderTree;
  readonly #step: Step;
  readonly #sorted = new SortedNames();

  constructor(tree: FolderTree, step: Step) {
    this.#tree = tree;
    this.#step = step;
  }

  /** Rejects with CANCELLED, or as the file system does. */
  async page(
    root: readonly SafeName[],
    { recursive = false, after, signal }: ListOptions = {},
  ): Promise<ListPage & { readonly leftOut: number }> {
    const cursor = after === undefined ? [] : parseCursor(after);
    const filling: Filling = { page: new PageBuilder(), root, recursive, signal, last: cursor, leftOut: 0 };
    const complete = await this.#fill(filling, { path: [], written: [] }, cursor);
    const { last, leftOut } = filling;
    return { entries: filling.page.entries, leftOut, ...(!complete && { next: JSON.stringify(last) }) };
  }

  /** Adds what comes behind the cursor; `false` when the page is full. */
  async #fill(filling: Filling, place: Place, [from, ...deeper]: readonly string[]): Promise<boolean> {
    const folder = await this.#tree.use([...filling.root, ...place.path], this.#step);
    try {
      const all = (await this.#sorted.of(folder.handle)).filter((name) => from === undefined || name >= from);
      for (let at = 0; at < all.length; at += LOOKS) {
        if (filling.signal?.aborted) throw new TransferError('CANCELLED');
        const names = all.slice(at, at + LOOKS);
        const looks = await Promise.all(names.map((name) => folder.handle.lookAt(name)));
        for (const [index, look] of looks.entries()) {
          const name = names[index]!;
          // The cursor's own entry was on the page before; what is in it may not have been.
          const rest = name === from ? deeper : undefined;
          if (!(await this.#entry(filling, place, { folder, name, look, rest }))) return false;
        }
      }
      return true;
    } finally {
      folder.release();
    }
  }

  async #entry(filling: Filling, { path, written }: Place, { folder, name, look, rest }: Found): Promise<boolean> {
    // Nothing has this name: what was read as it are bytes that are no UTF-8.
    if (look === undefined && name.includes('\ufffd')) filling.leftOut += 1;
    // Gone by now, a symlink, or nothing that has content.
    if (!look?.isFile() && !look?.isDirectory()) return true;
    if (name.toLowerCase().startsWith(RESERVED_PREFIX)) return true;
    const safe = await this.#nameOf(folder, name);
    if (safe === undefined) {
      if (rest === undefined) filling.leftOut += 1;
      return true;
    }
    if (rest === undefined) {
      if (!filling.page.add(listed(safe, path, look))) return false;
      filling.last = [...written, name];
    }
    if (!filling.recursive || !look.isDirectory()) return true;
    if (filling.root.length + path.length >= MAX_FOLDER_DEPTH) {
      filling.leftOut += 1;
      return true;
    }
    return this.#inside(filling, { path: [...path, safe], written: [...written, name] }, rest ?? []);
  }

  /** A folder in it, which may be gone by now, or closed to us. The list goes on behind it. */
  async #inside(filling: Filling, place: Place, rest: readonly string[]): Promise<boolean> {
    try {
      return await this.#fill(filling, place, rest);
    } catch (error) {
      if (error instanceof TransferError) throw error;
      filling.leftOut += 1;
      return true;
    }
  }

  /** The name under which it can be asked for; `undefined` when no receiver takes it, or it means another entry here. */
  async #nameOf(folder: Folder, name: string): Promise<SafeName | undefined> {
    let safe: SafeName;
    try {
      safe = safeName(name);
    } catch {
      return undefined;
    }
    if (safe === name) return safe;
    const { name: meant } = await this.#step(folder, safe);
    return meant === name ? safe : undefined;
  }
}

interface Found {
  readonly folder: Folder;
  readonly name: string;
  readonly look: BigIntStats | undefined;
  /** What is left of the cursor when this is where it leads; `undefined` elsewhere. */
  readonly rest: readonly string[] | undefined;
}

function listed(name: SafeName, folder: readonly SafeName[], look: BigIntStats): ListedEntry {
  return {
    name,
    ...(folder.length > 0 && { folder }),
    kind: look.isFile() ? 'file' : 'folder',
    ...(look.isFile() && { size: Number(look.size) }),
    modified: Math.trunc(Number(look.mtimeMs)),
    ...(look.isFile() && isExecutable(look) && { executable: true }),
  };
}

/** It comes from the peer and may be anything: it only says which names to pass over, and what is none of ours passes over none. */
function parseCursor(after: string): readonly string[] {
  try {
    const parsed: unknown = JSON.parse(after);
    if (
      Array.isArray(parsed) &&
      parsed.length <= MAX_FOLDER_DEPTH + 1 &&
      parsed.every((name) => typeof name === 'string')
    ) {
      return parsed;
    }
  } catch {
    // None of ours.
  }
  return [];
}
