import { constants } from 'node:fs';
import { access, type FileHandle, lstat, mkdir, open, realpath, rmdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { TransferError } from '../errors.ts';
import { RESERVED_PREFIX } from '../safe-name.ts';
import { DiskSpace } from './disk-space.ts';
import { reason, storageError, systemCode } from './file-errors.ts';
import { candidateNames, MAX_NUMBER, takeName } from './final-name.ts';
import { createHasher } from './hashing.ts';
import { partName } from './leftovers.ts';

/** An unfinished file: nobody else writes to it, and it is not under a final name. */
export interface TemporaryFile {
  readonly path: string;
  readonly handle: FileHandle;
}

/** A regular file that was found under a name, and how it looked. */
export interface FoundFile {
  readonly name: string;
  readonly path: string;
  readonly size: number;
  readonly md5: string;
  readonly identity: string;
}

/** Where a file was placed, or the identical one that was there. */
export interface Placed {
  readonly name: string;
  readonly path: string;
  readonly existing: boolean;
}

const noFollow = constants.O_NOFOLLOW ?? 0; // not on Windows

/** A directory that takes files: everything the sink needs of the file system, so that the sink is about one file. */
export class ReceivingFolder {
  /** Absolute, symlinks resolved once. */
  readonly path: string;
  /** Room for the files that come. */
  readonly space: DiskSpace;
  readonly #fsync: boolean;
  readonly #partials: string;
  #open = 0;
  #syncing: Promise<void> | undefined;
  #nextSync: Promise<void> | undefined;

  private constructor(path: string, fsync: boolean) {
    this.path = path;
    this.space = new DiskSpace(path);
    this.#fsync = fsync;
    this.#partials = join(path, RESERVED_PREFIX);
  }

  /** Checks that `dir` is a directory in which files can be made; makes nothing. */
  static async at(dir: string, fsync: boolean): Promise<ReceivingFolder> {
    try {
      const path = await realpath(dir);
      if (!(await stat(path)).isDirectory()) {
        throw new TransferError('STORAGE_FAILED', `cannot receive into ${dir}: it is not a directory`);
      }
      await access(path, constants.W_OK | constants.X_OK);
      return new ReceivingFolder(path, fsync);
    } catch (error) {
      if (error instanceof TransferError) throw error;
      const missing = systemCode(error) === 'ENOENT';
      const why = missing ? 'there is no such directory' : reason(error);
      throw new TransferError(storageError(error).code, `cannot receive into ${dir}: ${why}`, { cause: error });
    }
  }

  /** A new file in `.wsferry/` that did not exist and is no symlink. */
  async openTemporary(): Promise<TemporaryFile> {
    // Counted before it is there, so that the end of another transfer does not remove the folder under our hands.
    this.#open += 1;
    try {
      return await this.#createTemporary();
    } catch (error) {
      await this.#release();
      throw error;
    }
  }

  /** Closes and removes a temporary file, and `.wsferry` behind the last one. Never rejects. */
  async removeTemporary(file: TemporaryFile): Promise<void> {
    await file.handle.close().catch(() => {});
    await unlink(file.path).catch(() => {});
    await this.#release();
  }

  /** The first file of `name`, `name (1)`, … that has this size, with its MD5; stops at the first free name. */
  async findOfSize(name: string, size: number): Promise<FoundFile | undefined> {
    for (const candidate of candidateNames(name)) {
      const look = await this.#lookAt(candidate);
      if (look === undefined) return undefined;
      if (look.regular && look.size === size) return this.#hashed(candidate, look);
    }
    return undefined;
  }

  /** Whether what was found is still there and untouched. */
  async isUnchanged(found: FoundFile): Promise<boolean> {
    const look = await this.#lookAt(found.name);
    return look?.regular === true && look.identity === found.identity;
  }

  /** Gives a finished temporary file the first name that is free, or finds that one of them holds the same bytes. */
  async place(file: TemporaryFile, name: string, size: number, md5: string): Promise<Placed> {
    for (const candidate of candidateNames(name)) {
      const path = join(this.path, candidate);
      if (await takeName(file.path, path)) return { name: candidate, path, existing: false };
      const look = await this.#lookAt(candidate);
      if (look?.regular !== true || look.size !== size) continue;
      const found = await this.#hashed(candidate, look).catch(() => undefined); // unreadable: not ours to compare
      if (found?.md5 === md5) return { name: candidate, path, existing: true };
    }
    throw new TransferError('EXISTS', `there are ${MAX_NUMBER} files of this name already`);
  }

  /** Makes the bytes of a file outlive a power cut, unless the user traded that for speed. */
  async syncFile(file: TemporaryFile): Promise<void> {
    if (this.#fsync) await file.handle.sync();
  }

  /**
   * Makes names outlive a power cut. Callers that come while one fsync runs share the next: a thousand small files
   * then cost a few dozen, not a thousand.
   */
  syncNames(): Promise<void> {
    if (!this.#fsync) return Promise.resolve();
    if (this.#syncing === undefined) {
      this.#syncing = this.#syncDirectory().finally(() => {
        this.#syncing = undefined;
      });
      return this.#syncing;
    }
    this.#nextSync ??= this.#syncing
      .catch(() => {})
      .then(() => {
        this.#nextSync = undefined;
        return this.syncNames();
      });
    return this.#nextSync;
  }

  async #syncDirectory(): Promise<void> {
    const handle = await open(this.path, 'r').catch(() => undefined); // Windows opens no directories
    try {
      await handle?.sync();
    } catch (error) {
      if (!['EINVAL', 'ENOTSUP', 'EPERM', 'EBADF'].includes(systemCode(error) ?? '')) throw error;
    } finally {
      await handle?.close();
    }
  }

  async #createTemporary(): Promise<TemporaryFile> {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | noFollow;
    for (let attempt = 0; ; attempt += 1) {
      try {
        await this.#makePartials();
        const path = join(this.#partials, await partName());
        return { path, handle: await open(path, flags, 0o666) };
      } catch (error) {
        // Another process may have removed the empty `.wsferry` between our two steps.
        if (systemCode(error) !== 'ENOENT' || attempt === 5) throw error;
      }
    }
  }

  async #release(): Promise<void> {
    this.#open -= 1;
    if (this.#open === 0) await rmdir(this.#partials).catch(() => {});
  }

  async #makePartials(): Promise<void> {
    await mkdir(this.#partials).catch((error: unknown) => {
      if (systemCode(error) !== 'EEXIST') throw error;
    });
    // A planted symlink would lead our files out of the directory.
    if (!(await lstat(this.#partials)).isDirectory()) {
      throw new TransferError('STORAGE_FAILED', `${RESERVED_PREFIX} in the receiving directory is not a directory`);
    }
  }

  async #lookAt(name: string): Promise<Look | undefined> {
    try {
      const found = await lstat(join(this.path, name), { bigint: true });
      return {
        regular: found.isFile(),
        size: Number(found.size),
        identity: `${found.dev}:${found.ino}:${found.size}:${found.mtimeNs}`,
      };
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async #hashed(name: string, look: Look): Promise<FoundFile> {
    const path = join(this.path, name);
    return { name, path, size: look.size, identity: look.identity, md5: await fileMd5(path, look.size) };
  }
}

interface Look {
  readonly regular: boolean;
  readonly size: number;
  readonly identity: string;
}

/** MD5 of a regular file, in the hashing thread. A symlink that took its place meanwhile is not followed. */
async function fileMd5(path: string, size: number): Promise<string> {
  const handle = await open(path, constants.O_RDONLY | noFollow);
  const hasher = createHasher('md5', size);
  try {
    let buffer = new Uint8Array(Math.min(size + 1, 512 * 1024));
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.byteLength, null);
      if (bytesRead === 0) return await hasher.digest();
      buffer = new Uint8Array((await hasher.update(buffer.subarray(0, bytesRead))).buffer);
    }
  } finally {
    hasher.drop();
    await handle.close();
  }
}
