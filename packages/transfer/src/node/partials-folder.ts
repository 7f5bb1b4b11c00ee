import { TransferError } from '../errors.ts';
import { RESERVED_PREFIX } from '../safe-name.ts';
import { systemCode } from './file-errors.ts';
import type { FolderHandle } from './folder-handle.ts';
import type { Folder } from './folder-tree.ts';

/** How often `.wsferry` may vanish under our hands before we give up. */
const ATTEMPTS = 6;

interface Opened {
  users: number;
  readonly opening: Promise<{ readonly root: Folder; readonly partials: FolderHandle }>;
}

/** A hold on `.wsferry`: the folder stays open until it is given back. */
export interface PartialsLease {
  readonly folder: FolderHandle;
  /** Makes the name of the folder itself outlive a power cut. */
  syncName(): Promise<void>;
  /** Never rejects. */
  release(): Promise<void>;
}

/** `.wsferry` of a receiving folder: it is made when it is needed, and goes with the last file in it. */
export class PartialsFolder {
  readonly #openRoot: () => Promise<Folder>;
  #current: Opened | undefined;

  /** @param openRoot opens the receiving folder */
  constructor(openRoot: () => Promise<Folder>) {
    this.#openRoot = openRoot;
  }

  /**
   * Runs `work` in the folder, and again when the folder vanished meanwhile: another process removes it when it is
   * empty. Whoever `work` gave the lease to gives it back; when `work` rejects that is done here.
   */
  async open<T>(work: (lease: PartialsLease) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const lease = await this.#lease();
      try {
        return await work(lease);
      } catch (error) {
        if (systemCode(error) !== 'ENOENT' || attempt === ATTEMPTS) {
          await lease.release();
          throw error;
        }
        // What we hold open is no folder any more; the next lease opens it anew.
        this.#current = undefined;
        await lease.release();
      }
    }
  }

  async #lease(): Promise<PartialsLease> {
    // Counted before it is open, so that the end of another transfer does not close it under our hands.
    this.#current ??= { users: 0, opening: openPartials(this.#openRoot) };
    const current = this.#current;
    current.users += 1;
    try {
      const { root, partials } = await current.opening;
      return { folder: partials, syncName: () => root.handle.sync(), release: () => this.#release(current) };
    } catch (error) {
      if (this.#current === current) this.#current = undefined;
      throw error;
    }
  }

  async #release(opened: Opened): Promise<void> {
    opened.users -= 1;
    if (opened.users > 0) return;
    if (this.#current === opened) this.#current = undefined;
    const { root, partials } = await opened.opening;
    await root.handle.removeFolder(RESERVED_PREFIX).catch(() => {}); // not empty: others work in it, or files wait in it
    await partials.close().catch(() => {});
    root.release();
  }
}

async function openPartials(openRoot: () => Promise<Folder>): Promise<{ root: Folder; partials: FolderHandle }> {
  const root = await openRoot();
  try {
    return { root, partials: await makePartials(root.handle) };
  } catch (error) {
    root.release();
    // A planted symlink would lead our files out of the directory.
    if (systemCode(error) !== 'ENOTDIR') throw error;
    throw new TransferError('STORAGE_FAILED', `${RESERVED_PREFIX} in the receiving directory is not a directory`);
  }
}

async function makePartials(root: FolderHandle): Promise<FolderHandle> {
  for (let attempt = 1; ; attempt += 1) {
    await root.makeFolder(RESERVED_PREFIX).catch((error: unknown) => {
      if (systemCode(error) !== 'EEXIST') throw error;
    });
    try {
      return await root.folder(RESERVED_PREFIX);
    } catch (error) {
      // Removed by another process between our two steps.
      if (systemCode(error) !== 'ENOENT' || attempt === ATTEMPTS) throw error;
    }
  }
}
