import type { Credit, Share } from './credit.ts';
import { asTransferError, TransferError } from './errors.ts';
import { fileOffer } from './file-offer.ts';
import type { CancelFile, ErrorPacket, FileData, FileEnd, NewFile, Packet, PauseFile, ResumeFile } from './packets.ts';
import type { PauseSwitch } from './pause-switch.ts';
import type { Accept, FileSink, StoredFile, TransferControl } from './ports.ts';
import { type ReceiveAction, ReceiveMachine } from './receive-machine.ts';
import { Seat, type SeatPort } from './seat.ts';
import type { TransferEvent, TransferNews } from './transfer-event.ts';

/** What a {@link ReceiveDriver} needs of its session. */
export interface ReceivePort {
  readonly send: (packet: Packet) => void;
  readonly emit: (event: TransferEvent) => void;
  /** Bytes came in (positive) or were written or dropped (negative). */
  readonly pending: (deltaBytes: number) => void;
  /** Whether the peer leaves so much unread that acknowledgements should be few. */
  readonly behind: () => boolean;
  readonly accept: Accept | undefined;
  /** Pauses this transfer, as its control does. */
  readonly pause?: PauseSwitch | undefined;
  /** Of all files of the session. */
  readonly credit: Credit;
  readonly maxFileBytes: number;
  /** Stands in the line in which the offer waits before it is decided on, and again after a pause. */
  readonly enter?: SeatPort['enter'] | undefined;
}

/** Runs one {@link ReceiveMachine} over a {@link FileSink} and a session. */
export class ReceiveDriver {
  /** Resolves when the transfer ended and its sink was committed or discarded. */
  readonly settled: Promise<void>;
  /** What came of it, once it is settled. Never an unhandled rejection, even if nobody looks. */
  readonly result: Promise<StoredFile>;
  readonly #machine: ReceiveMachine;
  readonly #offer: NewFile;
  readonly #port: ReceivePort;
  readonly #share: Share;
  readonly #seat: Seat;
  #settle!: (outcome: StoredFile | TransferError) => void;
  #sink: FileSink | undefined;
  /** The sink's calls never overlap: each waits here for the one before. */
  #work: Promise<void> = Promise.resolve();
  #pendingBytes = 0;
  /** What has come and is not being written yet. */
  #unwritten: Uint8Array[] = [];
  #flushing = false;
  readonly #failed = new AbortController();
  /** What the sink held was a part of the file. All of it is no part: there is nothing to go on with, or it is another file. */
  #heldPart = false;

  constructor(offer: NewFile, port: ReceivePort) {
    this.#offer = offer;
    this.#port = port;
    this.#share = port.credit.open();
    const { maxFileBytes, credit } = port;
    this.#machine = new ReceiveMachine(offer, { maxFileBytes, windowBytes: credit.windowBytes });
    this.result = new Promise((resolve, reject) => {
      this.#settle = (outcome) => {
        this.#share.close();
        if (outcome instanceof TransferError) reject(outcome);
        else resolve(outcome);
      };
    });
    const over = () => this.#seat.leave();
    this.settled = this.result.then(over, over);
    this.#seat = new Seat({
      enter: port.enter,
      resting: () => this.#machine.state === 'receiving' && this.#pendingBytes === 0 && !this.#flushing,
      pause: (paused) => this.#apply(this.#machine.pause(paused)),
    });
  }

  /** Whether more waits to be written than the sender was given credit for. */
  get full(): boolean {
    return this.#pendingBytes > this.#share.givenBytes;
  }

  /** Whether it is not its turn yet. */
  get waiting(): boolean {
    return this.#seat.waiting;
  }

  /** Decides on the offer; the answer goes out when `accept` has one. `refusal`: it is decided already. */
  start(refusal?: TransferError): void {
    this.#emit({ type: 'offered' });
    this.#port.pause?.hold((paused) => this.#seat.pause(paused), this.settled);
    this.#do(async () => {
      try {
        if (refusal) throw refusal;
        this.#machine.checkOffer();
        const offer = fileOffer(this.#offer);
        if (!this.#port.accept) throw new TransferError('FORBIDDEN', 'this side takes no files');
        await this.#seat.turn();
        if (this.#machine.ended) return;
        const held = await this.#port.accept(offer, this.#control());
        this.#sink = held.sink;
        // Ended while we decided: the task of `#fail` stands behind this one and discards the sink.
        if (this.#machine.ended) return;
        this.#heldPart = held.offset !== this.#offer.size;
        if (held.restarted !== undefined) this.#emit({ type: 'restarted', reason: held.restarted });
        this.#share.stored(held.offset ?? 0);
        this.#apply(this.#machine.accept(held, this.#share.grant()));
        this.#seat.opened();
      } catch (error) {
        this.#apply(this.#machine.stop(asTransferError(error, 'STORAGE_FAILED'), 'ACK_NEW_FILE'));
      }
    });
  }

  /** FILE_DATA. Throws TransferError BAD_PACKET when it is out of place. */
  data(packet: FileData): void {
    this.#apply(this.#machine.data(packet));
    this.#seat.came();
  }

  /** FILE_END. Throws TransferError BAD_PACKET when it is out of place. */
  end(packet: FileEnd): void {
    this.#apply(this.#machine.end(packet));
    this.#seat.came();
  }

  /** Tells the sender what is stored, if it does not know. */
  acknowledge(): void {
    this.#apply(this.#machine.caughtUp());
  }

  /** PAUSE_FILE or RESUME_FILE of the sender. */
  paused(packet: PauseFile | ResumeFile): void {
    this.#apply(this.#machine.paused(packet));
    this.#seat.peerPaused(packet.type === 'PAUSE_FILE');
  }

  /** CANCEL_FILE or ERROR of the peer. */
  stopped(packet: CancelFile | ErrorPacket): void {
    this.#apply(this.#machine.stopped(packet));
  }

  /** Ends the transfer from our side, unless it is being committed. */
  stop(error: TransferError, answer: 'CANCEL_FILE' | undefined): void {
    this.#apply(this.#machine.stop(error, answer));
  }

  #control(): TransferControl {
    return {
      signal: this.#failed.signal,
      end: (error) => {
        this.stop(error, 'CANCEL_FILE');
        return this.settled;
      },
      pause: () => this.#seat.pause(true),
      resume: () => this.#seat.pause(false),
    };
  }

  #apply(actions: readonly ReceiveAction[]): void {
    for (const action of actions) {
      switch (action.do) {
        case 'send':
          this.#port.send(action.packet);
          break;
        case 'restart':
          if (this.#heldPart) this.#emit({ type: 'restarted', reason: 'PARTIAL_CHANGED' });
          this.#share.restart();
          this.#storage(() => this.#sink!.restart());
          break;
        case 'resume':
          if (this.#heldPart) this.#emit({ type: 'resumed', offset: action.offset });
          break;
        case 'write':
          this.#write(action.bytes);
          break;
        case 'flush':
          this.#flush();
          break;
        case 'digest':
          this.#storage(async () => {
            const own = await this.#sink!.digest();
            if (!this.#machine.ended) this.#apply(this.#machine.verify(own));
          });
          break;
        case 'commit':
          this.#commit();
          break;
        case 'paused':
        case 'continued':
          this.#emit({ type: action.do, by: action.by });
          break;
        case 'fail':
          this.#fail(action.error, action.keepPartial);
          break;
      }
    }
  }

  #write(bytes: Uint8Array): void {
    this.#pending(bytes.length);
    this.#unwritten.push(bytes);
    // Else the write that waits for its turn takes it along.
    if (this.#unwritten.length === 1) this.#do(() => this.#writeAll());
  }

  async #writeAll(): Promise<void> {
    await this.#seat.turn();
    const parts = this.#unwritten;
    this.#unwritten = [];
    // Now: they are the sink's then, which may give them away.
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    await this.#attempt(async () => {
      const sink = this.#sink!;
      if (parts.length > 1 && sink.writeAll) await sink.writeAll(parts);
      else for (const part of parts) await sink.write(part);
      if (this.#machine.ended) return;
      const idle = this.#pendingBytes === length && !this.#port.behind();
      const due = this.#machine.wrote(length, idle);
      this.#share.stored(this.#machine.stored);
      this.#apply(due);
      this.#emit({ type: 'progress', stored: this.#machine.stored });
    });
    this.#pending(-length);
    this.#seat.touch();
  }

  /** Acknowledges what is written, once it is as safe as the sink makes it. Never two at once: one covers all before it. */
  #flush(): void {
    if (this.#sink?.flush === undefined) {
      this.#acknowledge();
      return;
    }
    if (this.#flushing) return;
    this.#flushing = true;
    this.#do(async () => {
      await this.#attempt(async () => {
        await this.#sink!.flush!();
        this.#acknowledge();
      });
      this.#flushing = false;
    });
  }

  #acknowledge(): void {
    if (!this.#machine.ended) this.#apply(this.#machine.acknowledge(this.#share.grant()));
  }

  #commit(): void {
    this.#do(async () => {
      try {
        const file = await this.#sink!.commit();
        this.#apply(this.#machine.committed(file));
        this.#emit({ type: 'stored', file });
        this.#settle(file);
      } catch (error) {
        this.#apply(this.#machine.commitFailed(asTransferError(error, 'STORAGE_FAILED')));
      }
    });
  }

  #fail(error: TransferError, keepPartial: boolean): void {
    const refused = this.#sink === undefined;
    this.#seat.stop();
    this.#failed.abort(error);
    // After the call that is running; the ones behind it see that the machine ended and do nothing.
    this.#do(async () => {
      await this.#sink?.discard({ keepPartial }).catch(() => {});
      this.#emit({ type: refused && error.side === 'local' ? 'refused' : 'failed', ...said(error) });
      this.#settle(error);
    });
  }

  #storage(call: () => Promise<void>): void {
    this.#do(() => this.#attempt(call));
  }

  /** A call of the sink, skipped when the transfer has ended by then, and an answer to the sender when it fails. */
  async #attempt(call: () => Promise<void>): Promise<void> {
    try {
      if (!this.#machine.ended) await call();
    } catch (error) {
      this.#apply(this.#machine.stop(asTransferError(error, 'STORAGE_FAILED'), 'ACK_FILE_END'));
    }
  }

  #do(task: () => Promise<void>): void {
    // A task that throws here is a bug of this file; it ends the transfer instead of the process.
    this.#work = this.#work.then(task).catch((error: unknown) => {
      this.#apply(this.#machine.stop(asTransferError(error, 'INTERNAL'), 'CANCEL_FILE'));
    });
  }

  #pending(delta: number): void {
    this.#pendingBytes += delta;
    this.#port.pending(delta);
  }

  #emit(event: TransferNews): void {
    const { id, name, size, folder = [] } = this.#offer;
    this.#port.emit({
      id,
      name,
      ...(size === undefined ? {} : { size }),
      ...(folder.length === 0 ? {} : { folder }),
      ...event,
    });
  }
}

function said({ code, message }: TransferError): { code: TransferError['code']; message: string } {
  return { code, message };
}
