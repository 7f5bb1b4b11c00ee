import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { TransferError } from '../errors.ts';
import type { DigestAlgorithm, RestartReason } from '../packets.ts';
import type { FileOffer } from '../ports.ts';
import { systemCode } from './file-errors.ts';
import { type FolderHandle, identity } from './folder-handle.ts';
import { HashFeed } from './hash-feed.ts';
import { Heartbeat } from './heartbeat.ts';
import type { Kept, KeptPartial } from './kept-partial.ts';
import { forgetDigest, keepDigest, takeDigest } from './live-digests.ts';
import { freeName, ownName } from './partial-names.ts';
import { removeNote, writeNote } from './partial-note.ts';
import type { PartialsLease } from './partials-folder.ts';
import { setExecutable } from './placing.ts';

const { O_RDWR, O_CREAT, O_EXCL } = constants;

/** Bytes read at once to digest what is there already. */
const BLOCK_BYTES = 1024 * 1024;

/** Which file of which sender a partial file is a part of. */
export interface PartialKey {
  /** In file names. */
  readonly key: string;
  /** In this process: the receiving folder too. */
  readonly id: string;
}

/** An unfinished file in `.wsferry`, which this process alone writes to. */
export class PartialFile {
  readonly handle: FileHandle;
  readonly folder: FolderHandle;
  readonly name: string;
  /** What it held when it was opened, and why that is of no use, if so. */
  readonly kept: { readonly bytes: number; readonly restarted?: RestartReason };
  readonly #lease: PartialsLease;
  /** Present when it can be kept. */
  readonly #key: PartialKey | undefined;
  readonly #heartbeat = new Heartbeat(() => this.#touch());
  #synced = false;

  private constructor(lease: PartialsLease, name: string, handle: FileHandle, key?: PartialKey, kept?: KeptPartial) {
    this.#lease = lease;
    this.folder = lease.folder;
    this.name = name;
    this.handle = handle;
    this.#key = key;
    this.kept = { bytes: kept?.size ?? 0, ...(kept?.restarted && { restarted: kept.restarted }) };
  }

  /** One that did not exist, and that will not be kept. */
  static async temporary(lease: PartialsLease, executable: boolean): Promise<PartialFile> {
    return PartialFile.#create(lease, await ownName(), executable);
  }

  static async #create(
    lease: PartialsLease,
    name: string,
    executable: boolean,
    key?: PartialKey,
  ): Promise<PartialFile> {
    // The kernel takes away what the umask forbids.
    const handle = await lease.folder.open(name, O_RDWR | O_CREAT | O_EXCL, executable ? 0o777 : 0o666);
    return new PartialFile(lease, name, handle, key);
  }

  /**
   * The one of a key: what was kept of it, else a new one. Another process that works on it, or takes it before us, keeps
   * it: then ours is a temporary one.
   */
  static async of(
    lease: PartialsLease,
    key: PartialKey,
    { best, others, busy }: Kept,
    executable: boolean,
  ): Promise<PartialFile> {
    const { folder } = lease;
    const name = await ownName(key.key);
    for (const other of others) await folder.remove(other).catch(() => {});
    if (best !== undefined) {
      const handle = await take(folder, best, name);
      if (handle === 'gone') return PartialFile.temporary(lease, executable);
      if (handle !== 'unusable') {
        await setExecutable(handle, executable);
        // Whatever this process knows of it, another one has had it since.
        if (best.abandoned) forgetDigest(key.id);
        return new PartialFile(lease, name, handle, key, best);
      }
    } else if (busy) return PartialFile.temporary(lease, executable);
    return PartialFile.#create(lease, name, executable, key);
  }

  /**
   * The running digest of all that was kept; `undefined` when that is not what this process wrote, or cannot be read. Rejects
   * with the reason of `signal` when that is aborted.
   */
  async digested(
    algorithm: DigestAlgorithm,
    expectedBytes: number | undefined,
    signal: AbortSignal,
  ): Promise<HashFeed | undefined> {
    const found = await this.handle.stat({ bigint: true });
    const { feed, changed } = takeDigest(this.#key!.id, found);
    if (changed) return undefined;
    if (feed?.algorithm === algorithm) return feed;
    feed?.drop();
    const digesting = digested(this.handle, this.kept.bytes, new HashFeed(algorithm, expectedBytes), signal);
    // What nobody waits for is not useless.
    return digesting.catch(() => {
      signal.throwIfAborted();
      return undefined;
    });
  }

  /** Forgets what it holds, and writes down what it will be a part of. That this fails is no reason not to receive. */
  async empty(offer: FileOffer, written: boolean): Promise<void> {
    if (written || this.kept.bytes > 0) await this.handle.truncate(0);
    if (this.#key === undefined) return;
    forgetDigest(this.#key.id);
    await writeNote(this.folder, this.#key.key, offer).catch(() => {});
  }

  /**
   * Before it is written to: nothing to wait for, as a rule.
   *
   * @throws TransferError SUPERSEDED when a process that took us for dead has it, and writes to it
   */
  ours(): Promise<void> | undefined {
    const due = this.#heartbeat.due();
    if (due !== undefined) return due.then(() => this.#checkOurs());
    this.#checkOurs();
    return undefined;
  }

  /** Leaves its time alone from here on. */
  async rest(): Promise<void> {
    await this.ours();
    await this.#heartbeat.stop();
  }

  /** Makes what was written outlive a power cut. */
  async sync(): Promise<void> {
    await this.handle.datasync();
    if (this.#synced) return;
    await this.folder.sync();
    await this.#lease.syncName();
    this.#synced = true;
  }

  /** Lets go of it, so that anybody may go on with it. `feed` has digested all that was written. Never rejects. */
  async keep(feed: HashFeed | undefined): Promise<void> {
    const key = this.#key;
    await this.#heartbeat.stop();
    try {
      const found = await this.handle.stat({ bigint: true });
      if (key === undefined || found.size === 0n) {
        feed?.drop();
        await this.remove();
        return;
      }
      await this.handle.close();
      await feed?.rest();
      await this.folder.rename(this.name, this.folder, freeName(key.key));
      if (feed !== undefined) keepDigest(key.id, found, feed);
    } catch {
      // It stays under our name, and is free when this process has ended.
      feed?.drop();
    }
    await this.#lease.release();
  }

  /** Never rejects. */
  async remove(): Promise<void> {
    await this.#heartbeat.stop();
    await this.handle.close().catch(() => {});
    // In this order: a note without its file would be left behind for ever.
    if (this.#key !== undefined && !this.#heartbeat.lost) await removeNote(this.folder, this.#key.key);
    await this.folder.remove(this.name).catch(() => {});
    await this.#lease.release();
  }

  /** Whether it is still ours; then its time says that we live. */
  async #touch(): Promise<boolean> {
    const [own, named] = [await this.handle.stat({ bigint: true }), await this.folder.lookAt(this.name)];
    if (named === undefined || identity(named) !== identity(own)) return false;
    await this.handle.utimes(new Date(), new Date());
    return true;
  }

  #checkOurs(): void {
    if (this.#heartbeat.lost) throw new TransferError('SUPERSEDED');
  }
}

/** Makes a kept partial file ours. Renaming has one winner, in whatever process. */
async function take(folder: FolderHandle, best: KeptPartial, name: string): Promise<FileHandle | 'gone' | 'unusable'> {
  try {
    await folder.rename(best.name, folder, name);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 'gone';
    throw error;
  }
  let handle: FileHandle | undefined;
  try {
    handle = await folder.open(name, O_RDWR);
    const found = await handle.stat({ bigint: true });
    if (identity(found) === best.identity && found.nlink === 1n) {
      // Now it lives, whether or not a new name changes its time here.
      if (best.abandoned) await handle.utimes(new Date(), new Date()).catch(() => {});
      return handle;
    }
  } catch (error) {
    if (!['EACCES', 'EPERM', 'ELOOP'].includes(systemCode(error) ?? '')) {
      // A passing shortage, of descriptors for one: whoever comes later goes on with it.
      await handle?.close();
      await folder.rename(name, folder, best.name).catch(() => {});
      throw error;
    }
    // Of another user, who lets us no more than read it.
  }
  await handle?.close();
  await folder.remove(name);
  return 'unusable';
}

async function digested(handle: FileHandle, bytes: number, feed: HashFeed, signal: AbortSignal): Promise<HashFeed> {
  try {
    for (let at = 0; at < bytes; ) {
      signal.throwIfAborted();
      const block = new Uint8Array(Math.min(bytes - at, BLOCK_BYTES)); // the feed keeps it
      const { bytesRead } = await handle.read(block, 0, block.byteLength, at);
      if (bytesRead === 0) throw new Error('a partial file became shorter while it was read');
      await feed.add([block.subarray(0, bytesRead)]);
      at += bytesRead;
    }
    return feed;
  } catch (error) {
    feed.drop();
    throw error;
  }
}
