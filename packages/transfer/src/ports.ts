import type { TransferError } from './errors.ts';
import type { DigestAlgorithm, ListedEntry, OnConflict, RestartReason } from './packets.ts';
import type { SafeName } from './safe-name.ts';

/** How a source is to be opened. */
export interface OpenOptions {
  /** Bytes to skip; they still count in the digest. */
  readonly start: number;
  /** The most bytes one `read()` should return. */
  readonly chunkBytes: number;
  readonly algorithm: DigestAlgorithm;
  /**
   * Called while the first `start` bytes are digested, with how many are: of a long file that takes seconds in which
   * nothing travels. A source need not call it. Never throws.
   */
  readonly onCompared?: (bytes: number) => void;
}

/** A file that can be sent. It may be opened again (a resume that could not be proven starts over). */
export interface FileSource {
  readonly name: string;
  /** Bytes; `undefined` when it is not known beforehand. */
  readonly size: number | undefined;
  /** Milliseconds since 1970. */
  readonly modified?: number;
  /** The folders it is to lie in at the receiver, outermost first; none when absent. */
  readonly folder?: readonly string[];
  /** Whether it may be executed. */
  readonly executable?: boolean;
  /**
   * The same for the same source whenever it is sent, 1 to 128 characters from `!` to `~`: what a receiver kept of it is
   * found by this, and gone on with. Not made of size or time: a changed source is to be recognised as such.
   */
  readonly resumeKey?: string;
  /** Rejects with TransferError SOURCE_FAILED or SOURCE_CHANGED. */
  open(options: OpenOptions): Promise<OpenSource>;
  /**
   * The same source as it is by now, when it is there: for an offer anew, because it may have changed since this one was made
   * and could not be opened then. Rejects when there is no such source any more.
   */
  again?(): Promise<FileSource>;
}

/** A source being read. One `read()` at a time. */
export interface OpenSource {
  /** Hex digest of the first `start` bytes; absent when `start` is 0 or the source is shorter than that. */
  readonly prefixDigest?: string;
  /**
   * So many bytes in front of what `read()` gives, in the same buffer, may be overwritten: a packet's header is then written
   * there and nothing is copied. 0 when absent.
   */
  readonly headroomBytes?: number;
  /** The next bytes, `undefined` at the end. Rejects with TransferError SOURCE_CHANGED or SOURCE_FAILED. */
  read(): Promise<Uint8Array | undefined>;
  /** Hex digest of the whole file, prefix included; called after the end. */
  digest(): Promise<string>;
  /**
   * So many bytes of the file are stored at the receiver, prefix included, and are not asked for again unless it has lost
   * them: for a source that keeps what it cannot read a second time. Never throws.
   */
  stored?(bytes: number): void;
  /**
   * Called once, and possibly while `read()` or `digest()` is under way (the transfer was cancelled): what that call
   * gives then is of no interest. A session counts as closed when this resolves, so it should not wait for what may
   * never come. `mayReopen`: the connection was lost, and another transfer may go on with the source.
   */
  close(options?: { readonly mayReopen: boolean }): Promise<void>;
}

/** A file that was stored. */
export interface StoredFile {
  /** The name it got. */
  readonly name: string;
  /** Where it is: the absolute path on this machine, or `toldPath` of a peer that tells. */
  readonly path?: string;
  /** Where it is, in words that the sender may hear: the way from the receiving folder, with `/`. */
  readonly toldPath?: string;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hex. */
  readonly digest: string;
  /** What `digest` is: `md5` unless both sides agreed on `sha256`. */
  readonly algorithm: DigestAlgorithm;
  /** True when an identical file was there already. */
  readonly existing: boolean;
}

/** Where a file goes while it is received. Calls never overlap; nothing is called after `commit` or `discard`. */
export interface FileSink {
  /** Appends. When it resolves the bytes count as stored and are acknowledged. Owns `bytes`. */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * The same for several parts, in order, when it is there: what came while the call before was running goes to the disk
   * in one.
   */
  writeAll?(parts: readonly Uint8Array[]): Promise<void>;
  /** Forgets everything written, also the prefix it was opened with. */
  restart(): Promise<void>;
  /** Hex digest of everything written so far, the prefix included, in the algorithm that {@link Accepted} named. */
  digest(): Promise<string>;
  /**
   * Awaited before written bytes are acknowledged, when it is there: for a receiver whose word is to survive a power cut.
   * One call stands for all writes before it.
   */
  flush?(): Promise<void>;
  /** Makes the file appear under its final name. */
  commit(): Promise<StoredFile>;
  /**
   * Gives up. `keepPartial` is true when what was written is good and may be gone on with by a later offer of the same
   * `resumeKey`: the connection was lost, either side cancelled or shuts down, the disk is full, storage or source failed,
   * a newer transfer took over. False when it is known, or must be feared, to be wrong: DIGEST_MISMATCH, SIZE_MISMATCH,
   * SOURCE_CHANGED, TOO_LARGE, a sender that broke the rules (BAD_PACKET).
   */
  discard(options?: { readonly keepPartial: boolean }): Promise<void>;
}

/** What the receiver is asked to take. */
export interface FileOffer {
  readonly name: SafeName;
  /** The folders it is to lie in, outermost first; empty when it lies in none. */
  readonly folder: readonly SafeName[];
  readonly id: number;
  /** Bytes, when declared. */
  readonly size?: number;
  /** Milliseconds since 1970. */
  readonly modified?: number;
  readonly executable?: boolean;
  /** See {@link FileSource.resumeKey}: the sender's word. */
  readonly resumeKey?: string;
  /** What the sender wishes when the name is taken; the receiver has the last word. Absent: no wish. */
  readonly onConflict?: OnConflict;
  /** It was asked for by this request of ours. */
  readonly request?: number;
  /** A digest that the sender can do beside `md5`; name it in {@link Accepted} to have it. */
  readonly digest?: DigestAlgorithm;
}

/** What an {@link Accept} answers: the sink, and what it holds already. */
export interface Accepted {
  readonly sink: FileSink;
  /** Bytes the sink holds already; 0 when absent. */
  readonly offset?: number;
  /** Hex digest of exactly those bytes. Without it the sender starts over. */
  readonly prefixDigest?: string;
  /** Something was kept of this file, and is not gone on with: why. The sender is told. */
  readonly restarted?: RestartReason;
  /** What the sink digests in: `md5` when absent, or what the offer named. */
  readonly digest?: DigestAlgorithm;
}

/** The receiver's own hold of one transfer, given to {@link Accept}; good from then until the transfer has ended. */
export interface TransferControl {
  /** Aborted, with the TransferError, when the transfer has failed: nobody waits any more for what `accept` prepares. */
  readonly signal: AbortSignal;
  /**
   * Ends the transfer, and tells the sender: the peer's `sendFile` rejects with that code. Resolves once the sink is
   * discarded, or committed when it was too late; at once when all that is over. So a newer transfer of the same
   * `resumeKey` takes over from one whose connection is dead and does not know it (SUPERSEDED). Not to be awaited by the
   * `accept` that got it, which it waits for.
   */
  end(error: TransferError): Promise<void>;
  /** Asks the sender to hold the file's bytes back until `resume`. What is on the way still comes. */
  pause(): void;
  resume(): void;
}

/** Decides on an offered file. Throw `TransferError(code)` to refuse. */
export type Accept = (offer: FileOffer, control: TransferControl) => Promise<Accepted>;

/** A folder the receiver is asked to have. */
export interface FolderOffer {
  readonly name: SafeName;
  /** The folders it is to lie in, outermost first; empty when it lies in none. */
  readonly folder: readonly SafeName[];
  /** Milliseconds since 1970. */
  readonly modified?: number;
}

/** Makes the folder unless it is there, and sets its time. Throw `TransferError(code)` to refuse. */
export type AcceptFolder = (offer: FolderOffer) => Promise<{
  /** The name it got. */
  readonly name: string;
}>;

/** How a {@link FileShelf} is to be listed. */
export interface ListOptions {
  /** Also what lies in the folder's folders. */
  readonly recursive?: boolean;
  /** The `next` of the page before, as it was given. It comes from the peer and may be anything. */
  readonly after?: string;
  /** Nobody waits for the page any more. */
  readonly signal?: AbortSignal;
}

/** Some entries of a list. */
export interface ListPage {
  readonly entries: readonly ListedEntry[];
  /** There are more, and this says where: opaque to whoever lists. */
  readonly next?: string;
}

/** Files that a peer may ask for. */
export interface FileShelf {
  /** The file, ready to be opened. Rejects with TransferError NOT_FOUND, FORBIDDEN or SOURCE_FAILED. */
  file(name: SafeName, folder: readonly SafeName[]): Promise<FileSource>;
  /** One page of what lies in the folder; put together with `PageBuilder`, it fits into a packet. Rejects likewise. */
  list(folder: readonly SafeName[], options?: ListOptions): Promise<ListPage>;
}
