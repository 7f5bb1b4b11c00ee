import { asTransferError, TransferError } from './errors.ts';
import { IncomingFolders, OutgoingFolders } from './folders.ts';
import { Gets } from './gets.ts';
import { OwnIds, PeerIds } from './ids.ts';
import { Incoming } from './incoming.ts';
import { listFiles } from './list-files.ts';
import { wholeNumber } from './options.ts';
import { Outbox } from './outbox.ts';
import { Outgoing } from './outgoing.ts';
import { type CancelFile, type ErrorPacket, type ListedEntry, MAX_NOTE_LENGTH, type Packet } from './packets.ts';
import { parsePacket } from './parse.ts';
import type { MessagePipe } from './pipe.ts';
import { connectionLost } from './pipe-end.ts';
import { Places } from './places.ts';
import type { FileSource, StoredFile } from './ports.ts';
import { type About, Probes } from './probes.ts';
import { Requests } from './requests.ts';
import { Serving } from './serving.ts';
import type {
  FolderSource,
  GetOptions,
  SendOptions,
  Session,
  SessionOptions,
  WatchListeners,
} from './session-options.ts';
import { TurnTaking } from './turn-taking.ts';
import { Watching } from './watching.ts';

/** How many malformed or misplaced packets a peer may send before the connection is closed with 1008. */
export const MAX_VIOLATIONS = 16;

/** The session of one pipe. `openSession` makes it. */
export class PipeSession implements Session {
  readonly closed: Promise<void>;
  readonly #pipe: MessagePipe;
  readonly #probes: Probes;
  readonly #turns: TurnTaking;
  readonly #outbox: Outbox;
  readonly #places: Places;
  readonly #ids: OwnIds;
  readonly #outgoing: Outgoing;
  readonly #incoming: Incoming;
  readonly #foldersOut: OutgoingFolders;
  readonly #foldersIn: IncomingFolders;
  readonly #requests: Requests;
  readonly #gets: Gets;
  readonly #serving: Serving;
  readonly #watching: Watching;
  #violations = 0;
  #closing = false;

  constructor(pipe: MessagePipe, options: SessionOptions) {
    const { role, board, shelf, onServed, chunkBytes = 262_144, maxTransfers = 128 } = options;
    this.#pipe = pipe;
    this.#turns = new TurnTaking(pipe, (cause) => {
      // Closes what somehow is still open; does nothing to what is closed.
      this.#closePipe(1011, 'sending failed');
      void this.#lost(cause);
    });
    this.#outbox = new Outbox(pipe, () => this.#incoming.caughtUp());
    const send = (packet: Packet) => this.#outbox.send(packet);
    this.#probes = new Probes(send, options.about);
    this.#places = new Places(maxTransfers);
    this.#ids = new OwnIds(role === 'opener' ? 1 : 2);
    this.#outgoing = new Outgoing({ send, turns: this.#turns, chunkBytes }, this.#ids, this.#places);
    this.#foldersOut = new OutgoingFolders(send, this.#ids, this.#places);
    this.#requests = new Requests(send);
    this.#gets = new Gets(this.#requests, maxTransfers);
    this.#watching = new Watching(this.#outbox, board, { acceptNotes: options.acceptNotes, peer: options.peer });
    const post = (text: string) => this.#watching.post(text);
    this.#serving = new Serving(this.#outbox, this.#outgoing, { shelf, onServed, post });
    const ids = new PeerIds(role === 'opener' ? 0 : 1);
    this.#foldersIn = new IncomingFolders(send, ids, { ...options, maxTransfers });
    this.#incoming = new Incoming(send, ids, {
      ...options,
      behind: () => this.#outbox.behind,
      gets: this.#gets,
      maxTransfers,
      onStored: (file, folder) => board?.announce(folder === undefined ? file : { ...file, folder }),
    });
    this.closed = this.#run();
  }

  sendFile(source: FileSource, options: SendOptions = {}): Promise<StoredFile> {
    return this.#outgoing.sendFile(source, options);
  }

  sendFolder(folder: FolderSource, { signal }: { readonly signal?: AbortSignal } = {}) {
    return handled(this.#foldersOut.send(folder, signal));
  }

  getFile(name: string, options: GetOptions): Promise<StoredFile> {
    return handled(this.#gets.get(name, options));
  }

  list(
    folder: readonly string[] = [],
    options: { readonly recursive?: boolean; readonly signal?: AbortSignal } = {},
  ): AsyncIterable<ListedEntry> {
    return listFiles(this.#requests, folder, options);
  }

  postNote(text: string): Promise<void> {
    if (text.length > MAX_NOTE_LENGTH) {
      throw new RangeError(`expected a note of at most ${MAX_NOTE_LENGTH} characters, got ${text.length}`);
    }
    return handled(this.#requests.ask('NOTE', { text }).then(() => {}));
  }

  async probe({ signal }: { readonly signal?: AbortSignal } = {}): Promise<number> {
    return (await this.#probes.ask({ signal })).ms;
  }

  async about({ signal }: { readonly signal?: AbortSignal } = {}): Promise<About> {
    return (await this.#probes.ask({ about: true, signal })).about;
  }

  watch(listeners: WatchListeners, { recent }: { readonly recent?: number } = {}): void {
    if (recent !== undefined) wholeNumber('recent', recent, 0);
    this.#watching.watch(listeners, recent);
  }

  get pendingBytes(): number {
    return this.#incoming.pendingBytes;
  }

  async retire(): Promise<void> {
    // Who was about to offer what he was asked for is no driver yet.
    await Promise.all([this.#incoming.retire(), this.#serving.retire()]);
    await this.#outgoing.settled();
  }

  close(code = 1000, reason = ''): Promise<void> {
    if (!this.#closing) {
      this.#stop(new TransferError('SHUTTING_DOWN'), true);
      this.#closePipe(code, reason);
    }
    return this.closed;
  }

  /**
   * Reads until the pipe ends. Not pulling the next message is how a peer is held that ignores its credit, or that goes
   * on asking without reading the answers.
   */
  async #run(): Promise<void> {
    let cause: unknown;
    try {
      for await (const message of this.#pipe) {
        if (this.#closing) continue;
        this.#receive(message);
        await this.#incoming.room();
        await this.#outbox.room();
      }
    } catch (error) {
      cause = error;
    }
    await this.#lost(cause);
    await Promise.all([this.#incoming.settled(), this.#foldersIn.settled(), this.#outgoing.settled()]);
  }

  /** The pipe has ended, or takes nothing any more: then reading may be held just now and not see the end. */
  async #lost(cause: unknown): Promise<void> {
    if (!this.#closing) this.#stop(await connectionLost(this.#pipe, cause), false);
  }

  #receive(message: string | Uint8Array): void {
    try {
      this.#route(parsePacket(message));
    } catch (error) {
      this.#violation(asTransferError(error, 'INTERNAL'));
    }
  }

  #route(packet: Packet): void {
    switch (packet.type) {
      case 'NEW_FILE':
      case 'FILE_DATA':
      case 'FILE_END':
        this.#incoming.receive(packet);
        break;
      case 'ACK_NEW_FILE':
      case 'ACK_FILE_DATA':
      case 'ACK_FILE_END':
        this.#outgoing.receive(packet);
        break;
      case 'PAUSE_FILE':
      case 'RESUME_FILE':
        if (this.#ids.owns(packet.id)) this.#outgoing.receive(packet);
        else this.#incoming.receive(packet);
        break;
      case 'NEW_FOLDER':
        this.#foldersIn.receive(packet);
        break;
      case 'ACK_NEW_FOLDER':
        this.#foldersOut.receive(packet);
        break;
      case 'GET_FILE':
      case 'LIST_FILES':
      case 'NOTE':
        this.#serving.receive(packet);
        break;
      case 'ACK_GET_FILE':
      case 'FILE_LIST':
      case 'ACK_NOTE':
        this.#requests.receive(packet);
        break;
      case 'WATCH':
        this.#watching.watched(packet.recent);
        break;
      case 'FILE_ARRIVED':
      case 'NOTE_POSTED':
        this.#watching.heard(packet);
        break;
      case 'PROBE':
      case 'ACK_PROBE':
        this.#probes.receive(packet);
        break;
      case 'CANCEL_FILE':
        this.#stopped(packet.id, packet);
        break;
      case 'ERROR':
        this.#probes.stopped(packet);
        this.#requests.stopped(packet);
        this.#watching.stopped(packet);
        if (packet.id !== undefined) this.#stopped(packet.id, packet);
        break;
    }
  }

  /** Each looks among its own; ids of the two directions differ in parity, so at most one finds it. */
  #stopped(id: number, packet: CancelFile | ErrorPacket): void {
    this.#incoming.stopped(id, packet);
    this.#outgoing.stopped(id, packet);
    this.#foldersOut.stopped(id, packet);
  }

  /** Says what was wrong, fails what it was about, and after too many of them ends the connection. */
  #violation(error: TransferError): void {
    const { code, message, id, request, answer } = error;
    this.#outbox.send({ type: 'ERROR', code, message, id, request });
    // A type nobody knows is no fault of a transfer: a later version may have meant well.
    if (id !== undefined && code !== 'UNKNOWN_TYPE') {
      this.#incoming.fail(id, error);
      this.#outgoing.fail(id, error);
      this.#foldersOut.fail(id, error);
    }
    if (answer !== undefined) {
      this.#requests.fail(answer, error);
      this.#gets.fail(answer, error);
    }
    this.#violations += 1;
    if (this.#violations < MAX_VIOLATIONS) return;
    this.#stop(
      new TransferError('CONNECTION_LOST', `the connection was closed after ${MAX_VIOLATIONS} bad packets`),
      false,
    );
    this.#closePipe(1008, 'too many bad packets');
  }

  #stop(error: TransferError, tell: boolean): void {
    this.#closing = true;
    this.#watching.end();
    this.#places.end(error);
    this.#outgoing.end(error, tell);
    this.#foldersOut.end(error);
    this.#incoming.end(error, tell);
    this.#gets.end(error);
    this.#requests.end(error);
    this.#serving.end();
    this.#turns.end(error);
    this.#probes.end(error);
    this.#outbox.end();
  }

  #closePipe(code: number, reason: string): void {
    try {
      // A Connection answers with a promise. Its outcome is the end of the iteration.
      void Promise.resolve(this.#pipe.close(code, reason)).catch(() => {});
    } catch {
      // Closed already.
    }
  }
}

/** The caller's copy still rejects; this one only keeps a forgotten promise from ending the process. */
function handled<T>(result: Promise<T>): Promise<T> {
  result.catch(() => {});
  return result;
}
