import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { TransferError } from '../errors.ts';
import type { DigestAlgorithm } from '../packets.ts';
import type { Accepted, FileSink, StoredFile } from '../ports.ts';
import { DirectorySink, type Storing, storing } from './directory-sink.ts';
import type { KeptSpace } from './disk-space.ts';
import { ownName } from './partial-names.ts';
import type { SideThread } from './side-thread.ts';
import { storeAside } from './small-files.ts';

/**
 * A small file on its way into a directory, one of a crowd: it is in memory until it is complete, and is stored in one go.
 * Whatever is out of the ordinary then, a name that is taken, a full disk, is left to a {@link DirectorySink}, which has all
 * the rules.
 */
export class SmallFileSink implements FileSink {
  readonly #storing: Storing;
  readonly #thread: SideThread;
  readonly #onEnd: () => void;
  readonly #algorithm: DigestAlgorithm;
  readonly #space: KeptSpace | undefined;
  readonly #bytes: Uint8Array;
  #byteLength = 0;
  #ended = false;

  private constructor(storing: Storing, thread: SideThread, onEnd: () => void, space: KeptSpace | undefined) {
    this.#storing = storing;
    this.#thread = thread;
    this.#onEnd = onEnd;
    this.#space = space;
    this.#algorithm = storing.offer.digest ?? 'md5';
    this.#bytes = new Uint8Array(storing.offer.size!);
  }

  /** @param onEnd called once, when nothing is written any more: also before this rejects */
  static async open(storing: Storing, thread: SideThread, onEnd: () => void): Promise<Accepted> {
    const { receiving, offer, folder } = storing;
    try {
      const space = await receiving.space.keep(offer.size);
      const sink = new SmallFileSink(storing, thread, onEnd, space);
      return { sink, digest: sink.#algorithm };
    } catch (error) {
      folder.release();
      onEnd();
      throw error;
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    const end = this.#byteLength + bytes.byteLength;
    if (end > this.#bytes.byteLength) throw new TransferError('SIZE_MISMATCH');
    this.#bytes.set(bytes, this.#byteLength);
    this.#byteLength = end;
  }

  async restart(): Promise<void> {
    this.#byteLength = 0;
  }

  async digest(): Promise<string> {
    return createHash(this.#algorithm).update(this.#written).digest('hex');
  }

  commit(): Promise<StoredFile> {
    return storing(async () => {
      const digest = await this.digest();
      if (!(await this.#store())) return this.#storeOtherwise(digest);
      const { receiving, folder, offer } = this.#storing;
      const size = this.#byteLength;
      try {
        this.#space?.written(size);
        if (!receiving.options.compare) await receiving.brought.remember(offer, folder.handle, offer.name);
        await folder.syncNames();
      } finally {
        this.#end();
        folder.release();
      }
      const { name } = offer;
      const path = join(folder.path, name);
      return {
        name,
        path,
        toldPath: receiving.toldPath(path),
        size,
        digest,
        algorithm: this.#algorithm,
        existing: false,
      };
    });
  }

  /** Also behind a commit that failed: then all is given back already. */
  async discard(): Promise<void> {
    this.#end();
    this.#storing.folder.release();
  }

  get #written(): Uint8Array {
    return this.#bytes.subarray(0, this.#byteLength);
  }

  /** Whether the file is there now, under the name that was offered. */
  async #store(): Promise<boolean> {
    const { receiving, folder, offer } = this.#storing;
    const path = folder.handle.pathOf(offer.name);
    try {
      return await receiving.partials.open(async (lease) => {
        const temporary = lease.folder.pathOf(await ownName());
        if (path === undefined || temporary === undefined) throw new Error('a path has to be checked with each call');
        const { modified } = offer;
        const file = { temporary, path, bytes: this.#written, modified, fsync: receiving.options.fsync };
        const taken = await folder.names.take(offer.name, () => storeAside(this.#thread, file));
        await lease.release();
        return taken;
      });
    } catch {
      return false;
    }
  }

  /** By the sink for any file, which may find that this one is there already. */
  async #storeOtherwise(digest: string): Promise<StoredFile> {
    this.#space?.release();
    const { sink, offset, prefixDigest } = await DirectorySink.open(this.#storing, () => this.#end());
    if (offset === this.#byteLength && prefixDigest === digest) return sink.commit();
    try {
      if (offset !== undefined) await sink.restart();
      await sink.write(this.#written);
    } catch (error) {
      await sink.discard();
      throw error;
    }
    return sink.commit();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#space?.release();
    this.#onEnd();
  }
}
