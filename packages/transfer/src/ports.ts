import type { DigestAlgorithm } from './packets.ts';
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
  /** Rejects with TransferError SOURCE_FAILED or SOURCE_CHANGED. */
  open(options: OpenOptions): Promise<OpenSource>;
}

/** A source being read. One `read()` at a time. */
export interface OpenSource {
  /** Hex digest of the first `start` bytes; absent when `start` is 0 or the source is shorter than that. */
  readonly prefixDigest?: string;
  /** The next bytes, `undefined` at the end. Rejects with TransferError SOURCE_CHANGED or SOURCE_FAILED. */
  read(): Promise<Uint8Array | undefined>;
  /** Hex digest of the whole file, prefix included; called after the end. */
  digest(): Promise<string>;
  /**
   * Called once, and possibly while `read()` or `digest()` is under way (the transfer was cancelled): what that call
   * gives then is of no interest. A session counts as closed when this resolves, so it should not wait for what may
   * never come.
   */
  close(): Promise<void>;
}

/** A file that was stored. */
export interface StoredFile {
  /** The name it got. */
  readonly name: string;
  /** Where it is, if the receiver tells. */
  readonly path?: string;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hex, of the algorithm of the transfer (MD5 unless agreed otherwise). */
  readonly digest: string;
  /** True when an identical file was there already. */
  readonly existing: boolean;
}

/** Where a file goes while it is received. Calls never overlap; nothing is called after `commit` or `discard`. */
export interface FileSink {
  /** Appends. When it resolves the bytes count as stored and are acknowledged. Owns `bytes`. */
  write(bytes: Uint8Array): Promise<void>;
  /** Forgets everything written, also the prefix it was opened with. */
  restart(): Promise<void>;
  /** Hex digest of everything written so far, the prefix included. */
  digest(): Promise<string>;
  /** Makes the file appear under its final name. */
  commit(): Promise<StoredFile>;
  /**
   * Gives up. `keepPartial` is true when what was written is good and may be resumed (the connection was lost, the
   * disk is full, somebody cancelled); false when it is known to be wrong (DIGEST_MISMATCH, SIZE_MISMATCH).
   */
  discard(options?: { readonly keepPartial: boolean }): Promise<void>;
}

/** What the receiver is asked to take. */
export interface FileOffer {
  readonly name: SafeName;
  readonly id: number;
  /** Bytes, when declared. */
  readonly size?: number;
  /** Milliseconds since 1970. */
  readonly modified?: number;
  readonly onConflict?: string;
}

/** What an {@link Accept} answers: the sink, and what it holds already. */
export interface Accepted {
  readonly sink: FileSink;
  /** Bytes the sink holds already; 0 when absent. */
  readonly offset?: number;
  /** Hex MD5 of exactly those bytes. Without it the sender starts over. */
  readonly prefixDigest?: string;
}

/** Decides on an offered file. Throw `TransferError(code)` to refuse. */
export type Accept = (offer: FileOffer) => Promise<Accepted>;
