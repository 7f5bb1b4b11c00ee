import type { ArrivalBoard } from './arrival-board.ts';
import { TransferError } from './errors.ts';
import type { Outbox } from './outbox.ts';
import type { ErrorPacket, FileArrived, NotePosted, Packet } from './packets.ts';
import { peerError } from './peer-error.ts';
import { quietly } from './quietly.ts';
import type { WatchListeners } from './session-options.ts';

/** What is pushed, both ways: news of our board to a peer that watches, and the peer's news to our listeners. */
export class Watching {
  readonly #outbox: Outbox;
  readonly #board: ArrivalBoard | undefined;
  readonly #acceptNotes: boolean;
  readonly #peer: string | object;
  #listeners: WatchListeners = {};
  #unsubscribe: (() => void) | undefined;

  /** `peer`: whose notes are counted together; without it those of this session. */
  constructor(
    outbox: Outbox,
    board: ArrivalBoard | undefined,
    options: { readonly acceptNotes?: boolean | undefined; readonly peer?: string | undefined } = {},
  ) {
    const { acceptNotes = true, peer = this } = options;
    this.#outbox = outbox;
    this.#board = board;
    this.#acceptNotes = acceptNotes;
    this.#peer = peer;
  }

  /** This side asks. */
  watch(listeners: WatchListeners, recent: number | undefined): void {
    this.#listeners = listeners;
    this.#outbox.send({ type: 'WATCH', recent });
  }

  /** The peer asks. */
  watched(recent: number | undefined): void {
    this.#unsubscribe?.();
    if (!this.#board)
      this.#outbox.send({ type: 'ERROR', code: 'FORBIDDEN', message: 'there is nothing to watch here' });
    this.#unsubscribe = this.#board?.subscribe(
      {
        onArrived: (arrival) => this.#push({ type: 'FILE_ARRIVED', ...arrival }),
        onNote: (note) => this.#push({ type: 'NOTE_POSTED', ...note }),
      },
      recent,
    );
  }

  /** The peer posts a note. Throws TransferError FORBIDDEN or TOO_MANY_REQUESTS. */
  post(text: string): void {
    if (!this.#board) throw new TransferError('FORBIDDEN', 'there is nobody to tell here');
    if (!this.#acceptNotes) throw new TransferError('FORBIDDEN', 'this side takes no notes');
    this.#board.post(text, this.#peer);
  }

  /** The peer has news for us. */
  heard(packet: FileArrived | NotePosted): void {
    const { onArrived, onNote } = this.#listeners;
    if (packet.type === 'FILE_ARRIVED') quietly(() => onArrived?.(packet));
    else quietly(() => onNote?.(packet));
  }

  /** An ERROR that names nothing: a peer that has nothing to watch says so. */
  stopped({ code, message, id, request }: ErrorPacket): void {
    if (code !== 'FORBIDDEN' || id !== undefined || request !== undefined) return;
    quietly(() => this.#listeners.onRefused?.(peerError(code, message)));
  }

  end(): void {
    this.#unsubscribe?.();
  }

  /** A watcher that does not read what it asked for misses what it has no room for: news must not grow without bound. */
  #push(packet: Packet): void {
    if (!this.#outbox.behind) this.#outbox.send(packet);
  }
}
