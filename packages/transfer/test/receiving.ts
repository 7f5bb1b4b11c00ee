import { createHash, randomBytes } from 'node:crypto';
import {
  type Accepted,
  type FileOffer,
  type FileSink,
  type StoredFile,
  safeFolder,
  type TransferControl,
  type TransferError,
} from '../src/index.ts';
import { type DirectoryReceiver, type DirectoryReceiverOptions, directoryReceiver } from '../src/node/index.ts';
import { noControl, offerOf } from './offers.ts';
import { deferred } from './raw-peer.ts';

/** What `begin` and `interrupted` receive, under the name `a.bin`. */
export const content = randomBytes(500_000);
/** A copy of a part of it: a sink owns what it is given. */
export const part = (from = 0, to = content.length) => new Uint8Array(content.subarray(from, to));
/** Its modification time, milliseconds since 1970. */
export const modified = Date.UTC(2020, 1, 1);

/** Receives into a folder, by receivers that are closed together. */
export class Receiving {
  readonly #dir: string;
  readonly #receivers: DirectoryReceiver[] = [];
  readonly #sinks: FileSink[] = [];

  constructor(dir: string) {
    this.#dir = dir;
  }

  async receiver(options: DirectoryReceiverOptions = {}): Promise<DirectoryReceiver> {
    const receiver = await directoryReceiver(this.#dir, { fsync: false, ...options });
    this.#receivers.push(receiver);
    return receiver;
  }

  async accept(
    offer: FileOffer,
    options: DirectoryReceiverOptions = {},
    control: TransferControl = noControl,
  ): Promise<Accepted> {
    const { accept } = await this.receiver(options);
    const accepted = await accept(offer, control);
    this.#sinks.push(accepted.sink);
    return accepted;
  }

  /** Stores a text; `path` with slashes. */
  async store(
    path: string,
    text: string,
    rest: Partial<FileOffer> = {},
    options: DirectoryReceiverOptions = {},
  ): Promise<StoredFile> {
    const bytes = new TextEncoder().encode(text);
    const folder = path.split('/');
    const name = folder.pop()!;
    const offer = offerOf(name, { folder: safeFolder(folder), size: bytes.length, ...rest });
    const { sink, offset, prefixDigest } = await this.accept(offer, options);
    if (offset !== undefined) {
      if (prefixDigest === createHash('md5').update(bytes).digest('hex')) return sink.commit();
      await sink.restart();
    }
    await sink.write(bytes);
    return sink.commit();
  }

  /** A transfer of `content`, as a receiver sees it. Whoever ends it hears that it is over when its sink is. */
  async begin(rest: Partial<FileOffer> = {}, options: DirectoryReceiverOptions = {}) {
    const ended: TransferError[] = [];
    const accepted = deferred<Accepted>();
    const control: TransferControl = {
      ...noControl,
      end: async (error) => {
        ended.push(error);
        await (await accepted.promise).sink.discard({ keepPartial: true });
      },
    };
    const offer = offerOf('a.bin', { size: content.length, modified, resumeKey: 'key', ...rest });
    const held = await this.accept(offer, options, control);
    accepted.resolve(held);
    return { ...held, ended };
  }

  /** A transfer of `content` that broke off after so many bytes. */
  async interrupted(bytes: number, rest: Partial<FileOffer> = {}, options: DirectoryReceiverOptions = {}) {
    const { sink } = await this.begin(rest, options);
    for (let at = 0; at < bytes; at += 50_000) await sink.write(part(at, Math.min(bytes, at + 50_000)));
    await sink.discard({ keepPartial: true });
  }

  /** Gives up what was not ended, and closes the receivers. */
  async close(): Promise<void> {
    await Promise.all(this.#sinks.splice(0).map((sink) => sink.discard()));
    await Promise.all(this.#receivers.splice(0).map((receiver) => receiver.close()));
  }
}
