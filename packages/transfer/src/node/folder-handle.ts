import { type BigIntStats, constants } from 'node:fs';
import {
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  rename,
  rmdir,
  stat,
  unlink,
  utimes,
} from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from './file-errors.ts';

const { O_RDONLY } = constants;
const O_NOFOLLOW = constants.O_NOFOLLOW ?? 0; // not on Windows
const O_DIRECTORY = constants.O_DIRECTORY ?? 0;

/** What tells one file or folder from every other, as long as it exists. */
export function identity({ dev, ino }: Pick<BigIntStats, 'dev' | 'ino'>): string {
  return `${dev}:${ino}`;
}

/**
 * A folder held open, and the calls of the file system within it. A name never leads anywhere else: no symlink is followed,
 * neither as the last component nor, because nothing is looked up from the root again, as one before it.
 *
 * Node has no openat(2). On Linux `/proc/self/fd/N/name` is the same: the kernel goes straight to the open folder, however
 * it is called by now, so whoever swaps a folder for a symlink under our hands changes nothing. Elsewhere every component
 * is looked at before and after each call, which leaves a gap of microseconds for somebody who may write into the folder.
 *
 * Not to be closed while a call is under way: its number would soon mean another file.
 */
export class FolderHandle {
  /** For people, and where there is no `/proc`. */
  readonly path: string;
  /** Of the folder: `dev:ino`. */
  readonly identity: string;
  /** The file system it lies on. */
  readonly device: bigint;
  readonly #handle: FileHandle | undefined;
  readonly #base: string;
  /** The folders above whose paths are looked up again with every call; `undefined` where none is. */
  readonly #chain: readonly FolderHandle[] | undefined;

  private constructor(
    path: string,
    look: BigIntStats,
    handle: FileHandle | undefined,
    above: FolderHandle | undefined,
  ) {
    this.path = path;
    this.identity = identity(look);
    this.device = look.dev;
    this.#handle = handle;
    const direct = handle !== undefined && procFd;
    this.#base = direct ? `/proc/self/fd/${handle.fd}` : path;
    this.#chain = direct ? undefined : [...(above ? (above.#chain ?? []) : []), this];
  }

  /** The folder at a path, whose symlinks are followed: it is the user's word. */
  static async open(path: string): Promise<FolderHandle> {
    const handle = await openFolder(path, 0).catch((error: unknown) => {
      // May be written to, but not read: its path has to do, and what is in it stays unknown.
      if (systemCode(error) !== 'EACCES') throw error;
    });
    return FolderHandle.#made(
      path,
      handle ?? undefined,
      handle ? undefined : await stat(path, { bigint: true }),
      undefined,
    );
  }

  static async #made(
    path: string,
    handle: FileHandle | undefined,
    look: BigIntStats | undefined,
    above: FolderHandle | undefined,
  ): Promise<FolderHandle> {
    try {
      await proc();
      return new FolderHandle(path, look ?? (await handle!.stat({ bigint: true })), handle, above);
    } catch (error) {
      await handle?.close();
      throw error;
    }
  }

  /** A folder in this one. Rejects with ENOTDIR when it is anything else, a symlink to a folder included. */
  async folder(name: string): Promise<FolderHandle> {
    const path = join(this.path, name);
    const look = procFd && this.#chain === undefined ? undefined : await this.#checked(() => this.#lookAtFolder(name));
    const handle = await openFolder(this.#at(name), O_NOFOLLOW).catch((error: unknown) => {
      throw systemCode(error) === 'ELOOP' ? notAFolder(name) : error;
    });
    const folder = await FolderHandle.#made(path, handle, handle ? undefined : look, this);
    if (look === undefined || identity(look) === folder.identity) return folder;
    await folder.close();
    throw notAFolder(name);
  }

  /** The path of an entry for calls that are made elsewhere; `undefined` where each call must be checked here. */
  pathOf(name: string): string | undefined {
    return this.#chain === undefined ? this.#at(name) : undefined;
  }

  /** How the folder itself looks by now. */
  look(): Promise<BigIntStats> {
    return this.#handle?.stat({ bigint: true }) ?? stat(this.path, { bigint: true });
  }

  /** How an entry looks, symlinks not followed; `undefined` when there is none. */
  async lookAt(name: string): Promise<BigIntStats | undefined> {
    return this.#checked(async () => {
      try {
        return await lstat(this.#at(name), { bigint: true });
      } catch (error) {
        if (systemCode(error) === 'ENOENT') return undefined;
        throw error;
      }
    });
  }

  /** Opens a file, never through a symlink (ELOOP). `flags` as in `constants`. */
  async open(name: string, flags: number, mode?: number): Promise<FileHandle> {
    let opened: FileHandle | undefined;
    try {
      return await this.#checked(async () => {
        opened = await open(this.#at(name), flags | O_NOFOLLOW, mode);
        return opened;
      });
    } catch (error) {
      await opened?.close();
      throw error;
    }
  }

  /** Names in no order. Bytes that are no UTF-8 come as U+FFFD. */
  names(): Promise<string[]> {
    return this.#checked(() => readdir(this.#base));
  }

  /** Rejects with EEXIST when there is anything of that name. */
  async makeFolder(name: string): Promise<void> {
    await this.#checked(() => mkdir(this.#at(name)));
  }

  /** Rejects with EEXIST when `to` is taken. */
  async link(name: string, into: FolderHandle, to: string): Promise<void> {
    await this.#checked(() => into.#checked(() => link(this.#at(name), into.#at(to))));
  }

  /** Replaces what `to` was. */
  async rename(name: string, into: FolderHandle, to: string): Promise<void> {
    await this.#checked(() => into.#checked(() => rename(this.#at(name), into.#at(to))));
  }

  async remove(name: string): Promise<void> {
    await this.#checked(() => unlink(this.#at(name)));
  }

  async removeFolder(name: string): Promise<void> {
    await this.#checked(() => rmdir(this.#at(name)));
  }

  /** Milliseconds since 1970. */
  async setModified(modified: number): Promise<void> {
    const times = [new Date(), new Date(modified)] as const;
    await (this.#handle?.utimes(...times) ?? this.#checked(() => utimes(this.path, ...times)));
  }

  /** Makes the names in the folder outlive a power cut, where the system can. */
  async sync(): Promise<void> {
    try {
      await this.#handle?.sync();
    } catch (error) {
      if (!['EINVAL', 'ENOTSUP', 'EPERM', 'EBADF'].includes(systemCode(error) ?? '')) throw error;
    }
  }

  async close(): Promise<void> {
    await this.#handle?.close();
  }

  #at(name: string): string {
    // Every caller gives one component. Should one ever not, it ends here and not in another folder.
    if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) throw new TypeError('expected one name');
    return `${this.#base}/${name}`;
  }

  async #lookAtFolder(name: string): Promise<BigIntStats> {
    const look = await lstat(this.#at(name), { bigint: true });
    if (!look.isDirectory()) throw notAFolder(name);
    return look;
  }

  /** The call, and where it had to find its way by the path, that the path led here before it and after it. */
  async #checked<T>(call: () => Promise<T>): Promise<T> {
    const chain = this.#chain;
    if (chain === undefined) return call();
    await led(chain);
    const result = await call();
    await led(chain);
    return result;
  }
}

async function led(chain: readonly FolderHandle[]): Promise<void> {
  const [root, ...rest] = chain;
  // The root's own path may have symlinks in it: it is the user's word.
  const looks = [stat(root!.path, { bigint: true }), ...rest.map(({ path }) => lstat(path, { bigint: true }))];
  for (const [index, look] of (await Promise.all(looks)).entries()) {
    if (identity(look) !== chain[index]!.identity) throw notAFolder(chain[index]!.path);
  }
}

/** A folder, opened; `undefined` on Windows, which opens none: then its path has to do. */
async function openFolder(path: string, flags: number): Promise<FileHandle | undefined> {
  return process.platform === 'win32' ? undefined : open(path, O_RDONLY | O_DIRECTORY | flags);
}

function notAFolder(name: string): Error {
  return Object.assign(new Error(`ENOTDIR: not a directory, '${name}'`), { code: 'ENOTDIR', errno: -20 });
}

/** Whether `/proc/self/fd/N` leads to the open folder N, as far as we have asked. */
let procFd = false;
let asked: Promise<void> | undefined;

function proc(): Promise<void> {
  asked ??= (async () => {
    if (process.platform !== 'linux') return;
    const handle = await open('/proc/self', O_RDONLY | O_DIRECTORY).catch(() => undefined);
    if (handle === undefined) return;
    try {
      const through = await stat(`/proc/self/fd/${handle.fd}/.`, { bigint: true });
      procFd = identity(through) === identity(await handle.stat({ bigint: true }));
    } catch {
      // No /proc, or not ours: a container without it.
    } finally {
      await handle.close();
    }
  })();
  return asked;
}
