import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { FolderHandle, identity } from './folder-handle.ts';
import { NameIndex } from './name-index.ts';
import { SharedTask } from './shared-task.ts';

/** Folders that nobody uses stay open so long: the next file of a tree is likely to lie in one of them. */
const LINGER_MS = 1_000;

/** And so many at most. */
const MAX_LINGERING = 64;

/** An open folder of a {@link FolderTree}; what it gives is good until it is released. */
export interface Folder {
  readonly handle: FolderHandle;
  /** Absolute. */
  readonly path: string;
  readonly names: NameIndex;
  /** How it looked when it was found to be still in its place; absent when it was just opened. */
  readonly look: BigIntStats | undefined;
  /** Makes the names in it outlive a power cut; and its own, and those above it, where we made them. */
  syncNames(): Promise<void>;
  /** Once. */
  release(): void;
  /** Keeps it open beyond that, until what this gives is called, once. */
  hold(): () => void;
}

/** The name under which a folder lies in `parent`. Made first when it is not there; refused by throwing. */
export type Step = (
  parent: Pick<Folder, 'handle' | 'names'>,
  name: string,
) => Promise<{ readonly name: string; readonly made: boolean }>;

/** A folder that is there, under exactly that name. */
export const existing: Step = async (_parent, name) => ({ name, made: false });

interface Content {
  readonly handle: FolderHandle;
  readonly names: NameIndex;
  readonly syncing: SharedTask;
  /** Resolves when the names that lead here outlive a power cut, as far as we made them. */
  readonly named: Promise<unknown>;
  /** In the folder above; `undefined` for the root. */
  readonly name: string | undefined;
}

interface Entry {
  readonly key: string;
  readonly opening: Promise<Content>;
  content: Content | undefined;
  /** The one above it by now. */
  above: Entry | undefined;
  /** Many who want to know whether it is still in its place look once. */
  readonly looking: SharedTask<BigIntStats | undefined>;
  users: number;
  idleSince: number;
}

/** The folders below one root: opened name by name, never through a symlink, and kept open for a while. */
export class FolderTree {
  readonly #root: string;
  readonly #sync: boolean;
  /** By the names that were asked for. */
  readonly #entries = new Map<string, Entry>();
  readonly #lingering = new Set<Entry>();
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param root the path of the uppermost folder
   * @param sync whether names are to outlive a power cut
   */
  constructor(root: string, sync: boolean) {
    this.#root = root;
    this.#sync = sync;
  }

  /** The folder that the names lead to from the root, each by `step`. Rejects with ENOTDIR or ENOENT, as `step` does. */
  async use(names: readonly string[], step: Step = existing): Promise<Folder> {
    const look = await this.#dropMoved(names);
    let entry = await this.#at(keyOf([]), () => this.#openRoot());
    for (let depth = 1; depth <= names.length; depth += 1) {
      const parent = entry;
      try {
        entry = await this.#at(keyOf(names.slice(0, depth)), () => this.#openIn(parent, names[depth - 1]!, step));
      } finally {
        this.#release(parent);
      }
    }
    const used = entry;
    const { handle, names: index, named, syncing } = used.content!;
    return {
      handle,
      path: handle.path,
      names: index,
      look,
      syncNames: async () => {
        if (this.#sync) await Promise.all([named, syncing.run()]);
      },
      release: this.#releaseOnce(used),
      hold: () => {
        this.#hold(used);
        return this.#releaseOnce(used);
      },
    };
  }

  /** Closes what nobody uses. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await Promise.all([...this.#lingering].map((entry) => this.#close(entry)));
  }

  async #at(key: string, open: () => Promise<Content>): Promise<Entry> {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      const opened: Entry = {
        key,
        opening: open(),
        content: undefined,
        above: undefined,
        looking: new SharedTask(() => this.#lookAgain(opened)),
        users: 0,
        idleSince: 0,
      };
      entry = opened;
      this.#entries.set(key, entry);
    }
    // Before it is open, so that nobody closes it under our hands.
    this.#hold(entry);
    try {
      entry.content = await entry.opening;
      return entry;
    } catch (error) {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
      throw error;
    }
  }

  async #openRoot(): Promise<Content> {
    return content(await FolderHandle.open(this.#root), undefined, Promise.resolve());
  }

  async #openIn(parent: Entry, name: string, step: Step): Promise<Content> {
    const above = parent.content!;
    const { name: actual, made } = await step(above, name);
    const handle = await above.handle.folder(actual);
    if (!made || !this.#sync) return content(handle, actual, above.named);
    this.#hold(parent);
    const syncing = above.syncing.run().finally(() => this.#release(parent));
    return content(handle, actual, Promise.all([above.named, syncing]));
  }

  /** Forgets what is not any more where it was when it was opened; gives the look of the last one, if it still is. */
  async #dropMoved(names: readonly string[]): Promise<BigIntStats | undefined> {
    const chain: Entry[] = [];
    for (let depth = 0; depth <= names.length; depth += 1) {
      const entry = this.#entries.get(keyOf(names.slice(0, depth)));
      if (entry?.content === undefined) break;
      chain.push(entry);
    }
    for (const [depth, entry] of chain.entries()) {
      this.#hold(entry);
      entry.above = chain[depth - 1];
    }
    const looks = await Promise.all(chain.map(({ looking }) => looking.run()));
    const moved = looks.indexOf(undefined);
    for (const [depth, entry] of chain.entries()) {
      if (moved >= 0 && depth >= moved && this.#entries.get(entry.key) === entry) this.#entries.delete(entry.key);
      this.#release(entry);
    }
    return chain.length > names.length ? looks.at(-1) : undefined;
  }

  async #lookAgain({ above, content }: Entry): Promise<BigIntStats | undefined> {
    const { handle, name } = content!;
    const looking = above?.content?.handle.lookAt(name!) ?? stat(this.#root, { bigint: true });
    const look = await looking.catch(() => undefined);
    return look !== undefined && identity(look) === handle.identity ? look : undefined;
  }

  #hold(entry: Entry): void {
    entry.users += 1;
    this.#lingering.delete(entry);
  }

  /** A second time does nothing: counted twice, the folder would be closed under somebody's hands, and its number be another's. */
  #releaseOnce(entry: Entry): () => void {
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#release(entry);
    };
  }

  #release(entry: Entry): void {
    entry.users -= 1;
    if (entry.users > 0) return;
    if (this.#entries.get(entry.key) !== entry) {
      void this.#close(entry);
      return;
    }
    entry.idleSince = performance.now();
    this.#lingering.add(entry);
    for (const oldest of this.#lingering) {
      if (this.#lingering.size <= MAX_LINGERING) break;
      void this.#close(oldest);
    }
    this.#timer ??= setTimeout(() => this.#closeIdle(), LINGER_MS).unref();
  }

  #closeIdle(): void {
    const before = performance.now() - LINGER_MS;
    for (const entry of this.#lingering) if (entry.idleSince <= before) void this.#close(entry);
    this.#timer = this.#lingering.size > 0 ? setTimeout(() => this.#closeIdle(), LINGER_MS).unref() : undefined;
  }

  async #close(entry: Entry): Promise<void> {
    this.#lingering.delete(entry);
    if (this.#entries.get(entry.key) === entry) this.#entries.delete(entry.key);
    await entry.content?.handle.close().catch(() => {});
  }
}

function content(handle: FolderHandle, name: string | undefined, named: Promise<unknown>): Content {
  named.catch(() => {}); // told to those who ask for it
  return { handle, names: new NameIndex(handle), syncing: new SharedTask(() => handle.sync()), named, name };
}

const keyOf = (names: readonly string[]): string => JSON.stringify(names);
