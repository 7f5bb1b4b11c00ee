import { TransferError } from '../errors.ts';
import type { DigestAlgorithm, OnConflict, RestartReason } from '../packets.ts';
import type { Accepted, FileOffer, FileSink, StoredFile } from '../ports.ts';
import type { KeptSpace } from './disk-space.ts';
import { storageError } from './file-errors.ts';
import type { Folder } from './folder-tree.ts';
import { HashFeed } from './hash-feed.ts';
import { findKept, findKeptOrWatch } from './kept-partial.ts';
import { PartialFile, type PartialKey } from './partial-file.ts';
import { checkTaken, type FoundFile, findOfSize, isUnchanged, place, settleFound } from './placing.ts';
import type { ReceivingFolder } from './receiving-folder.ts';
import { writeAt } from './write-at.ts';

/** What a {@link DirectorySink} stores, and where. */
export interface Storing {
  readonly receiving: ReceivingFolder;
  readonly offer: FileOffer;
  /** Where the file is to appear. Released at the end. */
  readonly folder: Folder;
  readonly policy: OnConflict;
  /** Under which what is written can be kept; `undefined` when it is not to be. */
  readonly key: PartialKey | undefined;
  /** Aborted when nobody waits any more for what is there of the file. */
  readonly signal: AbortSignal;
}

type ExistingFile = FoundFile & { readonly digest: string };

/**
 * One file on its way into a directory. It begins as a new temporary file, or as what was kept of it, or, when a file of
 * the same name and size is there already, as that one: if the sender proves that it has the same bytes, nothing moves.
 */
export class DirectorySink implements FileSink {
  readonly #storing: Storing;
  readonly #onEnd: () => void;
  readonly #algorithm: DigestAlgorithm;
  #existing: ExistingFile | undefined;
  #partial: PartialFile | undefined;
  #feed: HashFeed | undefined;
  #space: KeptSpace | undefined;
  #position = 0;
  /** A write failed in its middle: the disk and the running digest may not have the same bytes. */
  #torn = false;
  /** The disk did not take what was written: the kernel may have forgotten it, and will not say so a second time. */
  #unsynced = false;
  #ended = false;

  private constructor(storing: Storing, onEnd: () => void) {
    this.#storing = storing;
    this.#onEnd = onEnd;
    this.#algorithm = storing.offer.digest ?? 'md5';
  }

  /**
   * Looks for what is there of the file, and makes ready for the rest.
   *
   * @param onEnd called once, when nothing is written any more: also before this rejects
   */
  static async open(storing: Storing, onEnd: () => void): Promise<Accepted> {
    const sink = new DirectorySink(storing, onEnd);
    return { sink, digest: sink.#algorithm, ...(await sink.#open()) };
  }

  /** Resolves when the kernel has the bytes: they survive the death of this process. */
  write(bytes: Uint8Array): Promise<void> {
    return this.writeAll([bytes]);
  }

  writeAll(parts: readonly Uint8Array[]): Promise<void> {
    return storing(async () => {
      const end = parts.reduce((at, { byteLength }) => at + byteLength, this.#position);
      if (this.#existing !== undefined || end > (this.#storing.offer.size ?? end)) {
        throw new TransferError('SIZE_MISMATCH');
      }
      const more = this.#space?.need(end);
      if (more !== undefined) await more;
      const ours = this.#partial!.ours();
      if (ours !== undefined) await ours;
      this.#torn = true;
      await writeAt(this.#partial!.handle, parts, this.#position);
      this.#position = end;
      this.#space?.written(end);
      // Only now: the hashing thread takes the buffers away.
      await this.#feed!.add(parts);
      this.#torn = false;
    });
  }

  /** Resolves when what was written survives a power cut, where that was asked for. */
  flush(): Promise<void> {
    return storing(async () => {
      if (this.#storing.receiving.options.durable) await this.#synced(this.#partial?.sync());
    });
  }

  restart(): Promise<void> {
    return storing(async () => {
      if (this.#existing === undefined) {
        await this.#startOver(this.#partial!);
        return;
      }
      this.#existing = undefined;
      await checkTaken(this.#storing.folder, this.#storing.offer.name, this.#storing.policy);
      // Also what was kept of it begins anew: the sender is at the first byte.
      this.#partial = await this.#openPartial();
      await this.#startOver(this.#partial);
    });
  }

  digest(): Promise<string> {
    return storing(async () => this.#existing?.digest ?? this.#feed!.digest());
  }

  commit(): Promise<StoredFile> {
    return storing(async () => {
      try {
        if (this.#existing !== undefined) return await this.#commitExisting(this.#existing);
        const stored = await this.#place(this.#partial!).finally(() => this.#removePartial());
        if (stored.existing) this.#space?.written(0);
        await this.#storing.folder.syncNames();
        return stored;
      } finally {
        this.#end();
      }
    });
  }

  /** Keeps what was written for the next offer of the same resume key, or removes it. */
  async discard({ keepPartial }: { readonly keepPartial: boolean } = { keepPartial: false }): Promise<void> {
    const partial = this.#partial;
    if (keepPartial && partial !== undefined && this.#storing.key !== undefined && !this.#unsynced) {
      this.#partial = undefined;
      await partial.keep(this.#torn ? undefined : this.#feed);
      if (!this.#torn) this.#feed = undefined; // it is kept as well
    }
    if (this.#partial !== undefined) this.#space?.written(0);
    await this.#removePartial();
    this.#end();
  }

  /** What is there of the file. Ends the sink when it rejects. */
  async #open(): Promise<{ offset?: number; prefixDigest?: string; restarted?: RestartReason }> {
    try {
      const { folder, offer, policy } = this.#storing;
      const existing = await this.#findExisting();
      if (existing !== undefined) {
        this.#existing = existing;
        return { offset: existing.size, prefixDigest: existing.digest };
      }
      await checkTaken(folder, offer.name, policy);
      return await this.#begin();
    } catch (error) {
      await this.discard({ keepPartial: true });
      throw error;
    }
  }

  /** A file that cannot be read cannot be proven to be the same; it keeps its name and ours gets a number. */
  async #findExisting(): Promise<ExistingFile | undefined> {
    const { receiving, folder, offer, policy, signal } = this.#storing;
    const looking =
      receiving.options.compare && offer.size !== undefined
        ? findOfSize(folder, offer.name, offer.size, policy)
        : receiving.brought.find(offer, folder.handle);
    const found = await looking.catch(() => undefined);
    if (found === undefined || (await this.#keptIsLikelier(found))) return undefined;
    const digesting = receiving.comparisons.digest(folder, found, this.#algorithm, signal);
    try {
      return { ...found, digest: await digesting };
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  }

  /**
   * Whether to go on with what was kept rather than to compare with a file of another time that is there: an image of
   * always the same size would never get beyond its first interruption.
   */
  async #keptIsLikelier(found: FoundFile): Promise<boolean> {
    const { receiving, offer, key, policy } = this.#storing;
    if (key === undefined || found.modified === offer.modified || policy === 'skip' || policy === 'fail') return false;
    return receiving.partials.open(async (lease) => {
      const { best } = await findKept(lease.folder, key.key, offer);
      await lease.release();
      return best !== undefined && best.restarted === undefined;
    });
  }

  /** What was kept of it, or a new file. Refuses what the disk cannot hold, before a byte of it has travelled. */
  async #begin(): Promise<{ offset?: number; prefixDigest?: string; restarted?: RestartReason }> {
    const { receiving, offer, signal } = this.#storing;
    const partial = await this.#openPartial();
    this.#partial = partial;
    const { bytes, restarted } = partial.kept;
    if (bytes > 0 && restarted === undefined) {
      this.#space = await receiving.space.keep(offer.size, bytes);
      const feed = await partial.digested(this.#algorithm, offer.size, signal);
      if (feed !== undefined) {
        this.#feed = feed;
        this.#position = bytes;
        return { offset: bytes, prefixDigest: await feed.digest() };
      }
    }
    await this.#startOver(partial);
    return bytes > 0 ? { restarted: restarted ?? 'PARTIAL_CHANGED' } : {};
  }

  #openPartial(): Promise<PartialFile> {
    const { receiving, offer, folder, key, signal } = this.#storing;
    const executable = offer.executable === true;
    return receiving.partials.open(async (lease) => {
      // Its name could not lead there.
      if (folder.handle.device !== lease.folder.device) {
        throw new TransferError('STORAGE_FAILED', 'the folder lies on another disk than the receiving folder');
      }
      if (key === undefined) return PartialFile.temporary(lease, executable);
      return PartialFile.of(lease, key, await findKeptOrWatch(lease.folder, key.key, offer, signal), executable);
    });
  }

  async #startOver(partial: PartialFile): Promise<void> {
    const { receiving, offer } = this.#storing;
    this.#feed?.drop();
    this.#feed = new HashFeed(this.#algorithm, offer.size);
    await partial.empty(offer, this.#position > 0);
    this.#position = 0;
    this.#torn = false;
    if (this.#space !== undefined) this.#space.written(0);
    else this.#space = await receiving.space.keep(offer.size);
  }

  async #place(partial: PartialFile): Promise<StoredFile> {
    const { receiving, offer, folder, policy } = this.#storing;
    const contents = { size: this.#position, digest: await this.#feed!.digest(), algorithm: this.#algorithm };
    await partial.rest();
    await this.#setModified(partial);
    if (receiving.options.fsync) await this.#synced(partial.handle.sync());
    try {
      const compare = receiving.options.compare ? receiving.comparisons : undefined;
      const placed = await place(partial, folder, offer.name, contents, { policy, compare });
      if (placed.existing) await this.#settle(placed.name);
      if (!compare || offer.size === undefined) await receiving.brought.remember(offer, folder.handle, placed.name);
      return { ...placed, toldPath: receiving.toldPath(placed.path), ...contents };
    } catch (error) {
      // A full disk may have no room for a name: with room it is complete. What came out of a pipe is never offered again.
      if (storageError(error).code === 'NO_SPACE') await this.discard({ keepPartial: offer.size !== undefined });
      throw error;
    }
  }

  async #synced(syncing: Promise<void> | undefined): Promise<void> {
    this.#unsynced = true;
    await syncing;
    this.#unsynced = false;
  }

  async #commitExisting(found: ExistingFile): Promise<StoredFile> {
    if (!(await isUnchanged(this.#storing.folder, found))) {
      throw new TransferError(
        'STORAGE_FAILED',
        'the identical file that was there has been changed or removed; send it again',
      );
    }
    const { name, path, size, digest } = found;
    await this.#settle(name);
    await this.#storing.folder.syncNames();
    const toldPath = this.#storing.receiving.toldPath(path);
    return { name, path, toldPath, size, digest, algorithm: this.#algorithm, existing: true };
  }

  /** A file that was there counts as stored: it is to outlive a power cut, and may be executed if ours might. */
  async #settle(name: string): Promise<void> {
    const { receiving, folder, offer, policy } = this.#storing;
    const executable = offer.executable === true && policy !== 'skip' && policy !== 'fail';
    await settleFound(folder, name, { fsync: receiving.options.fsync, executable });
  }

  async #setModified({ handle }: PartialFile): Promise<void> {
    const { modified } = this.#storing.offer;
    if (modified === undefined) return;
    // A time that this file system cannot hold is no reason to lose the file.
    await handle.utimes(new Date(), new Date(modified)).catch(() => {});
  }

  async #removePartial(): Promise<void> {
    const partial = this.#partial;
    this.#partial = undefined;
    await partial?.remove();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#feed?.drop();
    this.#space?.release();
    this.#storing.folder.release();
    this.#onEnd();
  }
}

/** Runs `work`, and tells in our words what the file system has against it. */
export async function storing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storageError(error);
  }
}
