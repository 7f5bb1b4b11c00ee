import { createHash } from 'node:crypto';
import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { TransferError } from '../errors.ts';
import { DATA_HEADER_BYTES } from '../packets.ts';
import type { FileSource, OpenOptions, OpenSource } from '../ports.ts';
import { pathError, sourceError } from './file-errors.ts';
import { createHasher, type Hasher } from './hashing.ts';
import { machineId } from './machine.ts';
import { namedPipeSource } from './named-pipe.ts';
import { crowdThread, joinCrowd, type Look, type LookedAt, SMALL_FILE_BYTES } from './small-files.ts';
import { openSmallPath } from './small-path-source.ts';
import { checkUnchanged, sourceChanged } from './source-changed.ts';

export type { Look } from './small-files.ts';

/**
 * A file on disk, to be sent. Its digest is computed in a worker thread beside the reading. Its resume key is that of its
 * path on this machine, so a receiver goes on with what it kept of it, also when another process sends it.
 *
 * A named pipe (`<(command)`) is taken too: as a `streamSource`, of unknown size, gone on with by the same object only. One whose
 * writer is silent or not there yet is waited for, and can be cancelled at any time.
 *
 * @throws TransferError SOURCE_FAILED, with Node's error as `cause`, when the path is missing, unreadable, a directory
 * or a device.
 */
export async function pathSource(path: string): Promise<FileSource> {
  const leave = joinCrowd();
  try {
    return (await regularFileAside(path)) ?? (await sourceAt(path));
  } catch (error) {
    throw pathError(path, error);
  } finally {
    leave();
  }
}

/** Of one path among many, if it leads to a file that can be read; whatever else it leads to is found out the long way. */
async function regularFileAside(path: string): Promise<FileSource | undefined> {
  const thread = crowdThread();
  const {
    look,
    realPath,
    mode = 0n,
  } = (await thread?.call<LookedAt>({ op: 'look', path }).catch(() => undefined)) ?? {};
  return look === undefined || realPath === undefined ? undefined : regularFile(path, look, realPath, mode);
}

async function sourceAt(path: string): Promise<FileSource> {
  const found = await stat(path, { bigint: true });
  if (found.isDirectory()) throw new TransferError('SOURCE_FAILED', `cannot read ${path}: it is a directory`);
  if (found.isFIFO()) return namedPipeSource(path, nameOf(path));
  if (!found.isFile()) {
    throw new TransferError('SOURCE_FAILED', `cannot read ${path}: expected a regular file, found a device or socket`);
  }
  // Opening is the only honest question whether it can be read.
  await (await open(path, 'r')).close();
  return regularFile(path, { size: Number(found.size), modified: found.mtimeNs }, await realpath(path), found.mode);
}

async function regularFile(path: string, look: Look, realPath: string, mode: bigint): Promise<FileSource> {
  return {
    name: nameOf(path),
    size: look.size,
    modified: Number(look.modified / 1_000_000n),
    resumeKey: await resumeKeyOf(realPath),
    ...(isExecutable({ mode }) && { executable: true }),
    open: (options) => openPath(path, look, options),
    again: () => pathSource(path),
  };
}

const nameOf = (path: string) => basename(resolve(path));

/**
 * The same for the same file whenever it is sent from this machine, and not made of its size or time: these are in the
 * offer, so that a receiver can say that the file it has begun is not what it was.
 */
export async function resumeKeyOf(realPath: string): Promise<string> {
  const what = JSON.stringify(['wsferry', await machineId(), realPath]);
  return createHash('sha256').update(what).digest('hex');
}

/** Whether its owner may execute it; what the others may is the umask's business where it arrives. */
export function isExecutable({ mode }: { readonly mode: bigint }): boolean {
  return process.platform !== 'win32' && (mode & 0o100n) !== 0n;
}

async function openPath(path: string, look: Look, options: OpenOptions): Promise<OpenSource> {
  if (look.size <= SMALL_FILE_BYTES) {
    const leave = joinCrowd();
    const small = await openSmallPath(path, look, options).finally(leave);
    if (small !== undefined) return small;
  }
  const file = await open(path, 'r').catch((error: unknown) => {
    throw sourceError(error);
  });
  return openFile(file, look, options);
}

/** A file that was opened for it, and that it closes. */
export async function openFile(file: FileHandle, look: Look, options: OpenOptions): Promise<OpenSource> {
  const source = new OpenPath(file, look, options);
  try {
    await source.begin();
    return source;
  } catch (error) {
    await source.close();
    throw sourceError(error);
  }
}

/** Never more than this many bytes are asked of the disk at once, and at least one chunk. */
const BLOCK_BYTES = 1024 * 1024;

/** Bytes in front of each block, for the header of its first packet. Those of the next ones overwrite what has been sent. */
const HEADROOM_BYTES = DATA_HEADER_BYTES;

/** A block that is read, or being read, and will have been hashed when `hashed` resolves. */
interface Block {
  readonly byteLength: number;
  readonly hashed: Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * What `read()` gives is good until the next `read()`: its buffer is used again, so that the garbage of a long file
 * does not pile up faster than it is collected.
 *
 * While the caller sends one block, the next is in the hashing thread and the one after that is read from disk.
 * That is all it ever holds: three blocks, however long the file.
 */
class OpenPath implements OpenSource {
  prefixDigest?: string;
  readonly headroomBytes = HEADROOM_BYTES;
  readonly #file: FileHandle;
  readonly #look: Look;
  readonly #start: number;
  readonly #onCompared: OpenOptions['onCompared'];
  readonly #chunkBytes: number;
  readonly #blockBytes: number;
  readonly #hasher: Hasher;
  readonly #ahead: Promise<Block | undefined>[] = [];
  #position = 0;
  readonly #spare: ArrayBuffer[] = [];
  #current: Uint8Array<ArrayBuffer> = new Uint8Array();
  #closed: Promise<void> | undefined;

  constructor(file: FileHandle, look: Look, options: OpenOptions) {
    this.#file = file;
    this.#look = look;
    this.#start = options.start;
    this.#onCompared = options.onCompared;
    this.#chunkBytes = options.chunkBytes;
    this.#blockBytes = Math.max(1, Math.floor(BLOCK_BYTES / options.chunkBytes)) * options.chunkBytes;
    this.#hasher = createHasher(options.algorithm, look.size);
  }

  /** Checks that it is still the file that was named, and hashes the prefix that the receiver holds already. */
  async begin(): Promise<void> {
    await this.#checkUnchanged();
    if (this.#start === 0 || this.#start > this.#look.size) return;
    let left = this.#start;
    while (left > 0) {
      const block = await this.#nextBlock(left);
      if (block === undefined) return;
      left -= block.byteLength;
      this.#spare.push((await block.hashed).buffer);
      this.#onCompared?.(this.#start - left);
    }
    this.prefixDigest = await this.#hasher.peek();
  }

  async read(): Promise<Uint8Array | undefined> {
    if (this.#current.byteLength === 0) {
      if (this.#current.buffer.byteLength > 0) this.#spare.push(this.#current.buffer);
      this.#current = new Uint8Array();
      try {
        const next = await this.#advance();
        if (next === undefined) {
          await this.#checkUnchanged();
          return undefined;
        }
        this.#current = next;
      } catch (error) {
        throw sourceError(error);
      }
    }
    const chunk = this.#current.subarray(0, this.#chunkBytes);
    this.#current = this.#current.subarray(chunk.byteLength);
    return chunk;
  }

  digest(): Promise<string> {
    return this.#hasher.digest();
  }

  close(): Promise<void> {
    this.#closed ??= (async () => {
      // A read that is still under way must end before its descriptor may.
      await Promise.allSettled(this.#ahead);
      this.#hasher.drop();
      await this.#file.close();
    })();
    return this.#closed;
  }

  /** Takes the oldest block and keeps two more on their way. */
  async #advance(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    while (this.#ahead.length < 2) this.#readAhead();
    const block = await this.#ahead.shift();
    this.#readAhead();
    return block?.hashed;
  }

  #readAhead(): void {
    const before = this.#ahead.at(-1) ?? Promise.resolve();
    // After an end or a failure nothing more is read: what follows inherits it.
    const block = before.then(() => (this.#closed ? undefined : this.#nextBlock(this.#blockBytes)));
    block.catch(() => {});
    this.#ahead.push(block);
  }

  /** Reads up to `limit` bytes and hands them to the hasher; `undefined` at the end of the file. */
  async #nextBlock(limit: number): Promise<Block | undefined> {
    const wanted = Math.min(limit, this.#blockBytes, this.#look.size - this.#position);
    if (wanted === 0) return undefined;
    const bytes = this.#buffer(wanted);
    let filled = 0;
    while (filled < wanted) {
      const { bytesRead } = await this.#file.read(bytes, filled, wanted - filled, this.#position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    if (filled < wanted) {
      throw sourceChanged(`it ended after ${this.#position + filled} of ${this.#look.size} bytes`);
    }
    this.#position += filled;
    const hashed = this.#hasher.update(bytes.subarray(0, filled));
    hashed.catch(() => {});
    return { byteLength: filled, hashed };
  }

  #buffer(byteLength: number): Uint8Array<ArrayBuffer> {
    const spare = this.#spare.pop();
    const length = HEADROOM_BYTES + byteLength;
    const buffer = spare !== undefined && spare.byteLength >= length ? spare : new ArrayBuffer(length);
    return new Uint8Array(buffer, HEADROOM_BYTES, byteLength);
  }

  async #checkUnchanged(): Promise<void> {
    const { size, mtimeNs } = await this.#file.stat({ bigint: true });
    checkUnchanged(this.#look, { size: Number(size), modified: mtimeNs });
  }
}
