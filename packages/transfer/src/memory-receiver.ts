import { TransferError } from './errors.ts';
import { digestOf, joined, sameBytes } from './memory.ts';
import { type MemoryDetails, memoryShelf } from './memory-shelf.ts';
import { type DigestAlgorithm, type OnConflict, onConflictWishes } from './packets.ts';
import type {
  Accept,
  Accepted,
  AcceptFolder,
  FileOffer,
  FileShelf,
  FileSink,
  FolderOffer,
  StoredFile,
  TransferControl,
} from './ports.ts';

/** Settings of {@link memoryReceiver}. */
export interface MemoryReceiverOptions {
  /** What happens when a name is taken and the sender wishes nothing. Default: `fail`. */
  readonly onConflict?: OnConflict;
  /** The wishes that are granted; others are FORBIDDEN. Default: all. */
  readonly allowed?: readonly OnConflict[];
}

/** Files in a map. */
export interface MemoryReceiver {
  readonly accept: Accept;
  readonly acceptFolder: AcceptFolder;
  /** By name, behind its folders with a `/` after each. */
  readonly files: Map<string, Uint8Array>;
  /** Those that were sent. */
  readonly folders: ReadonlySet<string>;
  /** Of files and folders, by path. */
  readonly details: ReadonlyMap<string, MemoryDetails>;
  /** What is there can be got. */
  readonly shelf: FileShelf;
  /** What was kept of unfinished files, by `resumeKey` and path. */
  readonly partials: ReadonlyMap<string, { readonly byteLength: number }>;
}

/**
 * A receiver that keeps files in a map, for tests and examples. It does what one with a disk does: unfinished files that
 * have a `resumeKey` are kept and gone on with, the identical file is recognised, and a name that is taken is a case for
 * `onConflict`. Nothing expires.
 */
export function memoryReceiver(options: MemoryReceiverOptions = {}): MemoryReceiver {
  const store = new MemoryStore(options);
  const { files, folders, details, partials } = store;
  return {
    accept: (offer, control) => store.accept(offer, control),
    acceptFolder: async (offer) => store.acceptFolder(offer),
    files,
    folders,
    details,
    partials,
    shelf: memoryShelf(store),
  };
}

/** An unfinished file. While `owner` is there it belongs to that transfer. */
class Partial {
  readonly offer: FileOffer;
  owner: TransferControl | undefined;
  parts: Uint8Array[] = [];

  constructor(offer: FileOffer, owner: TransferControl) {
    this.offer = offer;
    this.owner = owner;
  }

  get byteLength(): number {
    return this.parts.reduce((sum, { length }) => sum + length, 0);
  }

  isOf({ size, modified }: FileOffer): boolean {
    return this.offer.size === size && this.offer.modified === modified;
  }
}

class MemoryStore {
  readonly files = new Map<string, Uint8Array>();
  readonly folders = new Set<string>();
  readonly details = new Map<string, MemoryDetails>();
  readonly partials = new Map<string, Partial>();
  /** What came of a stream, by its key: its sender may not have heard that it is stored, and has no size to find it by. */
  readonly #brought = new Map<string, Uint8Array>();
  readonly #options: MemoryReceiverOptions;

  constructor(options: MemoryReceiverOptions) {
    this.#options = options;
  }

  async accept(offer: FileOffer, control: TransferControl): Promise<Accepted> {
    const policy = this.#policy(offer);
    const path = pathOf(offer);
    const { partial, restarted } = await this.#claim(offer, control);
    const { digest: algorithm = 'md5' } = offer;
    const existing = this.files.get(path);
    if (existing !== undefined && partial.byteLength === 0 && this.#mayBe(offer, existing)) {
      const digest = await digestOf(existing, algorithm);
      const sink = this.#sink(partial, policy, algorithm, digest);
      return { sink, offset: existing.length, prefixDigest: digest, digest: algorithm };
    }
    if (existing !== undefined) {
      try {
        checkFree(path, policy);
      } catch (error) {
        this.#release(partial, false);
        throw error;
      }
    }
    const accepted = { sink: this.#sink(partial, policy, algorithm), digest: algorithm };
    if (partial.byteLength === 0) return { ...accepted, ...(restarted && { restarted }) };
    const prefixDigest = await digestOf(joined(partial.parts), algorithm);
    return { ...accepted, offset: partial.byteLength, prefixDigest };
  }

  acceptFolder({ name, folder, modified }: FolderOffer): { readonly name: string } {
    const path = pathOf({ name, folder });
    if (this.files.has(path)) throw new TransferError('EXISTS', `${path} is a file`);
    this.folders.add(path);
    this.details.set(path, { modified });
    return { name };
  }

  #policy({ onConflict }: FileOffer): OnConflict {
    const { onConflict: own = 'fail', allowed = onConflictWishes } = this.#options;
    const policy = onConflict ?? own;
    if (policy === own || allowed.includes(policy)) return policy;
    throw new TransferError('FORBIDDEN', `the receiver does not allow to ${policy} what is there`);
  }

  /** What was kept for the offer, or a new one. Whoever still has it is sent away first: the newer transfer is the living. */
  async #claim(offer: FileOffer, owner: TransferControl): Promise<{ partial: Partial; restarted?: 'SOURCE_CHANGED' }> {
    const key = keyOf(offer);
    for (let kept = this.#kept(key); kept?.owner !== undefined; kept = this.#kept(key)) {
      await kept.owner.end(new TransferError('SUPERSEDED'));
    }
    const kept = this.#kept(key);
    if (kept?.isOf(offer)) {
      kept.owner = owner;
      return { partial: kept };
    }
    const partial = new Partial(offer, owner);
    if (key !== undefined) this.partials.set(key, partial);
    return kept === undefined ? { partial } : { partial, restarted: 'SOURCE_CHANGED' };
  }

  #mayBe(offer: FileOffer, existing: Uint8Array): boolean {
    if (offer.size !== undefined) return existing.length === offer.size;
    return this.#brought.get(keyOf(offer) ?? '') === existing;
  }

  #kept(key: string | undefined): Partial | undefined {
    return key === undefined ? undefined : this.partials.get(key);
  }

  #release(partial: Partial, keep: boolean): void {
    partial.owner = undefined;
    const key = keyOf(partial.offer);
    if (key !== undefined && !(keep && partial.byteLength > 0)) this.partials.delete(key);
  }

  /** `existing`: the digest of the file that is there, while the sender has not said that its own is another. */
  #sink(partial: Partial, policy: OnConflict, algorithm: DigestAlgorithm, existing?: string): FileSink {
    const path = pathOf(partial.offer);
    let same = existing;
    return {
      write: async (bytes) => {
        if (same !== undefined) throw new TransferError('SIZE_MISMATCH');
        partial.parts.push(bytes);
      },
      restart: async () => {
        same = undefined;
        partial.parts = [];
        if (this.files.has(path)) checkFree(path, policy);
      },
      digest: async () => same ?? digestOf(joined(partial.parts), algorithm),
      commit: async () => {
        const bytes = same === undefined ? joined(partial.parts) : this.files.get(path)!;
        const stored = this.#place(partial.offer, bytes, policy);
        const key = keyOf(partial.offer);
        if (key !== undefined && partial.offer.size === undefined) this.#brought.set(key, bytes);
        this.#release(partial, false);
        return { ...stored, size: bytes.length, digest: await digestOf(bytes, algorithm), algorithm };
      },
      discard: async ({ keepPartial } = { keepPartial: false }) => this.#release(partial, keepPartial),
    };
  }

  #place(offer: FileOffer, bytes: Uint8Array, policy: OnConflict): Pick<StoredFile, 'name' | 'existing'> {
    const { name, modified, executable } = offer;
    const path = pathOf(offer);
    const there = this.files.get(path);
    if (there !== undefined && sameBytes(there, bytes)) return { name, existing: true };
    // Two of one name may have been accepted at once; the first to finish has it.
    if (there !== undefined) checkFree(path, policy);
    let free = path;
    for (let number = 1; policy === 'rename' && this.files.has(free); number += 1) free = numbered(path, number);
    this.files.set(free, bytes);
    this.details.set(free, { modified, executable });
    return { name: free.slice(free.lastIndexOf('/') + 1), existing: false };
  }
}

/** A name that is taken, and the policy is to leave what is there alone. */
function checkFree(path: string, policy: OnConflict): void {
  if (policy === 'fail') throw new TransferError('EXISTS', `${path} is there already`);
  if (policy === 'skip') throw new TransferError('SKIPPED', `${path} is there already`);
}

function pathOf({ folder, name }: FolderOffer): string {
  return [...folder, name].join('/');
}

/** Only the same source, for the same place. No name and no key has a NUL. */
function keyOf(offer: FileOffer): string | undefined {
  return offer.resumeKey === undefined ? undefined : `${offer.resumeKey}\0${pathOf(offer)}`;
}

/** `a.txt` → `a (1).txt`, as a receiver with a disk does. */
function numbered(path: string, number: number): string {
  const [, stem, rest] = /^(.*?[^/])(\.[^./]*)?$/.exec(path)!;
  return `${stem} (${number})${rest ?? ''}`;
}
