import type { Arrival, ArrivalBoard } from './arrival-board.ts';
import { asTransferError, TransferError } from './errors.ts';
import { Incoming } from './incoming.ts';
import { wholeNumber } from './options.ts';
import { Outbox } from './outbox.ts';
import { Outgoing } from './outgoing.ts';
import type { FileArrived, ListedEntry, Packet } from './packets.ts';
import { parsePacket } from './parse.ts';
import type { MessagePipe } from './pipe.ts';
import { connectionLost } from './pipe-end.ts';
import type { FileSource, StoredFile } from './ports.ts';
import { type About, Probes } from './probes.ts';
import {
  checkOptions,
  type FolderSource,
  type GetOptions,
  type SendOptions,
  type Session,
  type SessionOptions,
  type WatchListeners,
} from './session-options.ts';
import { TurnTaking } from './turn-taking.ts';

export type { SendOptions, Session, SessionOptions } from './session-options.ts';

/** How many malformed or misplaced packets a peer may send before the connection is closed with 1008. */
export const MAX_VIOLATIONS = 16;

const sessions = new WeakMap<MessagePipe, Session>();

/** The session of a pipe, when one was opened. */
export function sessionOf(pipe: MessagePipe): Session | undefined {
  return sessions.get(pipe);
}

/**
 * Starts to read the pipe and to answer what comes. A pipe has one session; a second one is an error of the caller.
 *
 * @throws {RangeError} when an option is out of range, before anything is read.
 */
export function openSession(pipe: MessagePipe, options: SessionOptions): Session {
  checkOptions(options);
  if (sessions.has(pipe)) throw new TransferError('INTERNAL', 'this pipe has a session already');
  const session = new PipeSession(pipe, options);
  sessions.set(pipe, session);
  return session;
}

class PipeSession implements Session {
  readonly closed: Promise<void>;
  readonly #pipe: MessagePipe;
  readonly #board: ArrivalBoard | undefined;
  readonly #probes: Probes;
  readonly #turns: TurnTaking;
  readonly #outbox: Outbox;
  readonly #outgoing: Outgoing;
  readonly #incoming: Incoming;
  #violations = 0;
  #closing = false;
  #listeners: WatchListeners = {};
  #unsubscribe: (() => void) | undefined;

  constructor(pipe: MessagePipe, options: SessionOptions) {
    const { role, board, chunkBytes = 262_144, maxTransfers = 128 } = options;
    this.#pipe = pipe;
    this.#board = board;
    this.#turns = new TurnTaking(pipe, (cause) => {
      // Closes what somehow is still open; does nothing to what is closed.
      this.#closePipe(1011, 'sending failed');
      void this.#lost(cause);
    });
    this.#outbox = new Outbox(pipe, () => this.#incoming.caughtUp());
    const send = (packet: Packet) => this.#outbox.send(packet);
    this.#probes = new Probes(send, options.about);
    this.#outgoing = new Outgoing(
      { send, turns: this.#turns, chunkBytes },
      { firstId: role === 'opener' ? 1 : 2, maxTransfers },
    );
    this.#incoming = new Incoming(send, {
      ...options,
      behind: () => this.#outbox.behind,
      parity: role === 'opener' ? 0 : 1,
      maxTransfers,
      onStored: (file, folder) => board?.announce(folder === undefined ? file : { ...file, folder }),
    });
    this.closed = this.#run();
  }

  sendFile(source: FileSource, options: SendOptions = {}): Promise<StoredFile> {
    return this.#outgoing.sendFile(source, options);
  }

  async sendFolder(_folder: FolderSource): Promise<{ readonly name: string }> {
    throw new TransferError('FORBIDDEN', 'folders are not sent yet');
  }

  async getFile(_name: string, _options: GetOptions): Promise<StoredFile> {
    throw new TransferError('FORBIDDEN', 'files are not asked for yet');
  }

  // biome-ignore lint/correctness/useYield: nothing is listed yet
  async *list(): AsyncIterable<ListedEntry> {
    throw new TransferError('FORBIDDEN', 'files are not listed yet');
  }

  async postNote(_text: string): Promise<void> {
    throw new TransferError('FORBIDDEN', 'notes are not posted yet');
  }

  async probe({ signal }: { readonly signal?: AbortSignal } = {}): Promise<number> {
    return (await this.#probes.ask({ signal })).ms;
  }

  async about({ signal }: { readonly signal?: AbortSignal } = {}): Promise<About> {
    return (await this.#probes.ask({ about: true, signal })).about;
  }

  watch(listeners: WatchListeners, { recent }: { readonly recent?: number } = {}): void {
    if (recent !== undefined) wholeNumber('recent', recent, 0);
    this.#listeners = listeners;
    this.#outbox.send({ type: 'WATCH', recent });
  }

  get pendingBytes(): number {
    return this.#incoming.pendingBytes;
  }

  async retire(): Promise<void> {
    await Promise.all([this.#incoming.retire(), this.#outgoing.settled()]);
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
    await Promise.all([this.#incoming.settled(), this.#outgoing.settled()]);
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
        if (this.#outgoing.owns(packet.id)) this.#outgoing.receive(packet);
        else this.#incoming.receive(packet);
        break;
      case 'CANCEL_FILE':
      case 'ERROR':
        this.#probes.stopped(packet);
        if (packet.id === undefined) break;
        // Each looks among its own; ids of the two directions differ in parity, so at most one finds it.
        this.#incoming.stopped(packet.id, packet);
        this.#outgoing.stopped(packet.id, packet);
        break;
      case 'WATCH':
        this.#watched(packet.recent);
        break;
      case 'FILE_ARRIVED':
        this.#tellArrived(packet);
        break;
      case 'NEW_FOLDER':
        this.#outbox.send({ type: 'ACK_NEW_FOLDER', id: packet.id, code: 'FORBIDDEN' });
        break;
      case 'GET_FILE':
        this.#outbox.send({ type: 'ACK_GET_FILE', request: packet.request, code: 'FORBIDDEN' });
        break;
      case 'LIST_FILES':
        this.#outbox.send({ type: 'FILE_LIST', request: packet.request, code: 'FORBIDDEN' });
        break;
      case 'NOTE':
        if (packet.request !== undefined)
          this.#outbox.send({ type: 'ACK_NOTE', request: packet.request, code: 'FORBIDDEN' });
        break;
      case 'PROBE':
      case 'ACK_PROBE':
        this.#probes.receive(packet);
        break;
    }
  }

  #watched(recent: number | undefined): void {
    this.#unsubscribe?.();
    if (!this.#board)
      this.#outbox.send({ type: 'ERROR', code: 'FORBIDDEN', message: 'there is nothing to watch here' });
    this.#unsubscribe = this.#board?.subscribe((arrival) => this.#push(arrival), recent);
  }

  /** A watcher that does not read what it asked for misses what it has no room for: news must not grow without bound. */
  #push(arrival: Arrival): void {
    if (!this.#outbox.behind) this.#outbox.send({ type: 'FILE_ARRIVED', ...arrival });
  }

  #tellArrived(packet: FileArrived): void {
    try {
      this.#listeners.onArrived?.(packet);
    } catch {
      // A listener's bug is not the peer's violation.
    }
  }

  /** Says what was wrong, fails the transfer it was about, and after too many of them ends the connection. */
  #violation(error: TransferError): void {
    const { code, message, id, request } = error;
    this.#outbox.send({ type: 'ERROR', code, message, id, request });
    // A type nobody knows is no fault of a transfer: a later version may have meant well.
    if (id !== undefined && code !== 'UNKNOWN_TYPE') {
      this.#incoming.fail(id, error);
      this.#outgoing.fail(id, error);
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
    this.#unsubscribe?.();
    this.#outgoing.end(error, tell);
    this.#incoming.end(error, tell);
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
