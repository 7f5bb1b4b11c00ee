import { TransferError } from '../errors.ts';
import type { FileOffer, FileSink, StoredFile } from '../ports.ts';
import type { KeptSpace } from './disk-space.ts';
import { storageError } from './file-errors.ts';
import { HashFeed } from './hash-feed.ts';
import type { FoundFile, Placed, ReceivingFolder, TemporaryFile } from './receiving-folder.ts';

/**
 * One file on its way into a directory. It begins either as a new temporary file or, when a file of the same name and
 * size is there already, as that one: if the sender proves that it has the same bytes, nothing moves.
 */
export class DirectorySink implements FileSink {
  readonly #folder: ReceivingFolder;
  readonly #offer: FileOffer;
  #existing: FoundFile | undefined;
  #temporary: TemporaryFile | undefined;
  #feed: HashFeed | undefined;
  #space: KeptSpace | undefined;
  #position = 0;

  private constructor(folder: ReceivingFolder, offer: FileOffer) {
    this.#folder = folder;
    this.#offer = offer;
  }

  /** A sink that begins empty. */
  static async fresh(folder: ReceivingFolder, offer: FileOffer): Promise<DirectorySink> {
    const sink = new DirectorySink(folder, offer);
    await sink.#begin();
    return sink;
  }

  /** A sink that holds a complete file already. */
  static existing(folder: ReceivingFolder, offer: FileOffer, found: FoundFile): DirectorySink {
    const sink = new DirectorySink(folder, offer);
    sink.#existing = found;
    return sink;
  }

  /** Resolves when the kernel has the bytes: they survive the death of this process. */
  write(bytes: Uint8Array): Promise<void> {
    return storing(async () => {
      if (this.#existing !== undefined) throw new TransferError('SIZE_MISMATCH');
      const { handle } = this.#temporary!;
      const hashing = this.#feed!.add(bytes);
      hashing.catch(() => {});
      let done = 0;
      while (done < bytes.byteLength) {
        const { bytesWritten } = await handle.write(bytes, done, bytes.byteLength - done, this.#position + done);
        done += bytesWritten;
      }
      this.#position += done;
      this.#space?.written(this.#position);
      await hashing;
    });
  }

  restart(): Promise<void> {
    return storing(async () => {
      this.#existing = undefined;
      this.#position = 0;
      if (this.#temporary === undefined) {
        await this.#begin();
        return;
      }
      this.#feed?.drop();
      this.#feed = new HashFeed(this.#offer.size);
      await this.#temporary.handle.truncate(0);
      this.#space?.written(0);
    });
  }

  digest(): Promise<string> {
    return storing(async () => this.#existing?.md5 ?? this.#feed!.digest());
  }

  commit(): Promise<StoredFile> {
    return storing(async () => {
      if (this.#existing !== undefined) return this.#commitExisting(this.#existing);
      const { placed, digest } = await this.#place(this.#temporary!).finally(() => this.#end());
      await this.#folder.syncNames();
      return { ...placed, size: this.#position, digest };
    });
  }

  /** Removes what was written. (Keeping it for a later resume comes with resuming itself.) */
  async discard(_options?: { readonly keepPartial: boolean }): Promise<void> {
    await this.#end();
  }

  async #place(temporary: TemporaryFile): Promise<{ placed: Placed; digest: string }> {
    const digest = await this.#feed!.digest();
    await this.#setModified(temporary);
    await this.#folder.syncFile(temporary);
    return { placed: await this.#folder.place(temporary, this.#offer.name, this.#position, digest), digest };
  }

  async #commitExisting(found: FoundFile): Promise<StoredFile> {
    if (!(await this.#folder.isUnchanged(found))) {
      throw new TransferError(
        'STORAGE_FAILED',
        'the identical file that was there has been changed or removed; send it again',
      );
    }
    return { name: found.name, path: found.path, size: found.size, digest: found.md5, existing: true };
  }

  async #begin(): Promise<void> {
    // Refuses what the disk cannot hold, if possible before a byte of it has travelled.
    if (this.#offer.size !== undefined) this.#space = await this.#folder.space.keep(this.#offer.size);
    try {
      this.#temporary = await this.#folder.openTemporary();
    } catch (error) {
      this.#space?.release();
      throw error;
    }
    this.#feed = new HashFeed(this.#offer.size);
  }

  async #end(): Promise<void> {
    this.#feed?.drop();
    this.#space?.release();
    const temporary = this.#temporary;
    this.#temporary = undefined;
    if (temporary !== undefined) await this.#folder.removeTemporary(temporary);
  }

  async #setModified({ handle }: TemporaryFile): Promise<void> {
    if (this.#offer.modified === undefined) return;
    // A time that this file system cannot hold is no reason to lose the file.
    await handle.utimes(new Date(), new Date(this.#offer.modified)).catch(() => {});
  }
}

async function storing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storageError(error);
  }
}
