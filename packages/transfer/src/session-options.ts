import type { ArrivalBoard } from './arrival-board.ts';
import type { TransferError } from './errors.ts';
import { wholeNumber, wholeNumberOrInfinity } from './options.ts';
import type { DigestAlgorithm, FileArrived, ListedEntry, NotePosted, OnConflict } from './packets.ts';
import type { PauseSwitch } from './pause-switch.ts';
import type { Accept, AcceptFolder, FileShelf, FileSource, StoredFile } from './ports.ts';
import { type About, checkAbout } from './probes.ts';
import type { SendingEvent, SendProgress } from './send-driver.ts';
import type { ServedEvent } from './served-event.ts';
import type { TransferEvent } from './transfer-event.ts';
import type { TransferLimit } from './transfer-limit.ts';

/** How a session is to run. */
export interface SessionOptions {
  /** `opener`: this side called `connect`, and its transfers have odd ids. */
  readonly role: 'opener' | 'acceptor';
  /** Decides on offered files; without it every one is refused with FORBIDDEN. */
  readonly accept?: Accept | undefined;
  /** Makes folders that the peer sends; without it every one is refused with FORBIDDEN. */
  readonly acceptFolder?: AcceptFolder | undefined;
  /** What the peer may list and get; without it both are refused with FORBIDDEN. */
  readonly shelf?: FileShelf | undefined;
  /** Where stored files are announced, notes are posted and WATCH is served; without it the latter two are FORBIDDEN. */
  readonly board?: ArrivalBoard | undefined;
  /** Whether the peer may post notes to the board. Default true; `false` refuses each with FORBIDDEN, and watching goes on. */
  readonly acceptNotes?: boolean | undefined;
  /** The peer's address, or whatever else tells peers apart: their notes are counted by it. Without it each session counts alone. */
  readonly peer?: string | undefined;
  /** Bytes per transfer a sender may have on the way beyond what is stored, from 1 on, 4 MiB by default. */
  readonly windowBytes?: number | undefined;
  /** The most bytes of one FILE_DATA we send, from 1 on, 256 KiB by default. */
  readonly chunkBytes?: number | undefined;
  /** The largest file that is taken; without it the sink's disk is the limit. */
  readonly maxFileBytes?: number | undefined;
  /** Open transfers in one direction, from 1 on, 128 by default. More of ours wait; more of the peer's are refused. */
  readonly maxTransfers?: number | undefined;
  /** How many files are taken at once over all sessions that share it; offers beyond wait for their turn. */
  readonly limit?: TransferLimit | undefined;
  /**
   * What this program tells a peer that asks, by `about()`: such as `{ software: 'ferry/1.2.3' }`. At most 1,000 characters
   * together; by default nothing.
   */
  readonly about?: About | undefined;
  /** Hears about every file that the peer offers by itself. What it throws is dropped. */
  readonly onTransfer?: ((event: TransferEvent) => void) | undefined;
  /** Hears about every file that the peer asks for. What it throws is dropped. */
  readonly onServed?: ((event: ServedEvent) => void) | undefined;
}

/** What `sendFile` takes. */
export interface SendOptions {
  /**
   * Called when the receiver has taken the offer, and whenever it has acknowledged more or more was `compared` with what it
   * holds. What it throws is dropped.
   */
  readonly onProgress?: ((progress: SendProgress) => void) | undefined;
  /** Hears what happens beside progress: it is gone on with, begun anew, paused. What it throws is dropped. */
  readonly onEvent?: ((event: SendingEvent) => void) | undefined;
  /** Cancels the transfer; the promise rejects with CANCELLED. */
  readonly signal?: AbortSignal | undefined;
  /** Holds the transfer back and lets it go on, as often as one likes. */
  readonly pause?: PauseSwitch | undefined;
  /** What is to happen when the name is taken; the receiver has the last word. */
  readonly onConflict?: OnConflict | undefined;
  /**
   * `md5` by default. With `sha256` the receiver is offered both, and one that can do only MD5 gets that: look at the
   * `algorithm` of what was stored.
   */
  readonly digest?: DigestAlgorithm | undefined;
}

/** What `getFile` takes. */
export interface GetOptions {
  /** The folders it lies in at the peer, outermost first. */
  readonly folder?: readonly string[] | undefined;
  /** Where it goes; the offer has the name and folder that were asked for. */
  readonly accept: Accept;
  /** `md5` by default. With `sha256` the peer may offer both, and `accept` chooses. */
  readonly digest?: DigestAlgorithm | undefined;
  /** Cancels the transfer; the promise rejects with CANCELLED. */
  readonly signal?: AbortSignal | undefined;
  /** Holds the transfer back and lets it go on, as often as one likes. */
  readonly pause?: PauseSwitch | undefined;
  /** Hears what `onTransfer` hears of a file that the peer sends by itself. What it throws is dropped. */
  readonly onEvent?: ((event: TransferEvent) => void) | undefined;
}

/** A folder to be made at the peer. */
export interface FolderSource {
  readonly name: string;
  /** The folders it lies in, outermost first. */
  readonly folder?: readonly string[] | undefined;
  /** Milliseconds since 1970. */
  readonly modified?: number | undefined;
}

/** Who hears what the peer pushes. What they throw is dropped. */
export interface WatchListeners {
  readonly onArrived?: ((arrival: FileArrived) => void) | undefined;
  readonly onNote?: ((note: NotePosted) => void) | undefined;
  /** The peer has nothing to watch. */
  readonly onRefused?: ((error: TransferError) => void) | undefined;
}

/** All transfers of one connection, both ways. */
export interface Session {
  /** Resolves when the receiver has stored the file; rejects with a TransferError. */
  sendFile(source: FileSource, options?: SendOptions): Promise<StoredFile>;
  /**
   * Makes a folder at the peer, unless it is there, and sets its time: send it after what lies in it. Resolves with the
   * name it got.
   */
  sendFolder(folder: FolderSource, options?: { readonly signal?: AbortSignal }): Promise<{ readonly name: string }>;
  /** Asks for a file of the peer and takes it with `accept`: resumed, verified and stored as one that is sent. */
  getFile(name: string, options: GetOptions): Promise<StoredFile>;
  /** What lies in a folder of the peer, page by page as it is consumed. Throws TransferError NOT_FOUND, FORBIDDEN, … */
  list(
    folder?: readonly string[],
    options?: { readonly recursive?: boolean; readonly signal?: AbortSignal },
  ): AsyncIterable<ListedEntry>;
  /** Tells a text of at most `MAX_NOTE_LENGTH` characters to everybody who watches there; resolves when it was told. */
  postNote(text: string): Promise<void>;
  /**
   * Asks the peer to tell of every file and note that arrives there, the `recent` (0) last ones first. Replaces an earlier
   * watch.
   */
  watch(listeners: WatchListeners, options?: { readonly recent?: number }): void;
  /**
   * Milliseconds until the peer has answered, behind whatever it said before: for pipes without a Ping. Rejects with
   * UNKNOWN_TYPE when the peer is of before there was PROBE.
   */
  probe(options?: { readonly signal?: AbortSignal }): Promise<number>;
  /** What the program at the other end tells of itself; `{}` when that is nothing. Rejects as `probe` does. */
  about(options?: { readonly signal?: AbortSignal }): Promise<About>;
  /** Bytes of files that have come and are not stored yet. */
  readonly pendingBytes: number;
  /**
   * For a server that is to stop: files that are offered from now on wait, and are refused with SHUTTING_DOWN when the
   * session is closed; files and lists that are asked for are refused at once. Resolves when those under way, and those asked
   * for before, have ended, in both directions.
   */
  retire(): Promise<void>;
  /** Resolves, never rejects, when the pipe has ended and every sink and source is closed. */
  readonly closed: Promise<void>;
  /** Cancels what is open with SHUTTING_DOWN, closes the pipe (1000 unless told otherwise) and resolves like `closed`. */
  close(code?: number, reason?: string): Promise<void>;
}

/** @throws {RangeError} naming the option that is out of range. */
export function checkOptions({
  role,
  windowBytes,
  chunkBytes,
  maxFileBytes,
  maxTransfers,
  about,
}: SessionOptions): void {
  if (role !== 'opener' && role !== 'acceptor') {
    throw new RangeError(`expected role to be 'opener' or 'acceptor', got ${role}`);
  }
  if (windowBytes !== undefined) wholeNumber('windowBytes', windowBytes, 1);
  if (chunkBytes !== undefined) wholeNumber('chunkBytes', chunkBytes, 1);
  if (maxFileBytes !== undefined) wholeNumberOrInfinity('maxFileBytes', maxFileBytes, 0);
  if (maxTransfers !== undefined) wholeNumberOrInfinity('maxTransfers', maxTransfers, 1);
  if (about !== undefined) checkAbout(about);
}
