import type { TransferCode } from './codes.ts';
import { TransferError } from './errors.ts';
import type {
  CancelFile,
  DigestAlgorithm,
  ErrorPacket,
  FileData,
  FileEnd,
  NewFile,
  Packet,
  PauseFile,
  ResumeFile,
} from './packets.ts';
import { type PauseAction, Pauses } from './pauses.ts';
import { peerError } from './peer-error.ts';
import type { Accepted, StoredFile } from './ports.ts';
import { next, type ReceiveEvent, type ReceiveState, receiveTransitions } from './states.ts';

/** What the receiver's driver has to do, in order. */
export type ReceiveAction =
  | { readonly do: 'send'; readonly packet: Packet }
  /** Forget what the sink holds. */
  | { readonly do: 'restart' }
  /** The sender goes on behind the `offset` bytes that were held. */
  | { readonly do: 'resume'; readonly offset: number }
  | { readonly do: 'write'; readonly bytes: Uint8Array }
  /** It is time to tell what is stored: make it as safe as it is to be, and answer by `acknowledge`. */
  | { readonly do: 'flush' }
  /** After all writes: digest what is stored and answer by `verify`. */
  | { readonly do: 'digest' }
  | { readonly do: 'commit' }
  | PauseAction
  /** The transfer failed; discard the sink, once there is one. */
  | { readonly do: 'fail'; readonly error: TransferError; readonly keepPartial: boolean };

/**
 * Codes after which nobody is to go on with what is stored: it is known, or must be feared, to be wrong, or there is no
 * place for it. After all others the same file may be offered again, and what is stored is the beginning of it. A
 * cancelled one too: whoever cancelled may think again, and what nobody comes back to expires.
 */
const spoiling: ReadonlySet<TransferCode> = new Set([
  'DIGEST_MISMATCH',
  'SIZE_MISMATCH',
  'SOURCE_CHANGED',
  'TOO_LARGE',
  'BAD_PACKET',
  'BAD_NAME',
  'EXISTS',
  'SKIPPED',
]);

/**
 * The only codes after which anybody can go on with a file whose size was not declared: it came out of a pipe. Once somebody
 * has ended the transfer nobody can read it again, and it would fill the disk until it expires.
 */
const interrupting: ReadonlySet<TransferCode> = new Set(['CONNECTION_LOST', 'SHUTTING_DOWN', 'SUPERSEDED']);

/** The receiver of one file, without I/O: packets and what the sink says in, {@link ReceiveAction}s out. */
export class ReceiveMachine {
  readonly id: number;
  readonly #pauses: Pauses;
  #state: ReceiveState = 'deciding';
  readonly #size: number | undefined;
  readonly #maxFileBytes: number;
  /** As the sender was last told. */
  #windowBytes: number;
  #expected = 0;
  #gotData = false;
  #stored = 0;
  #acknowledged = 0;
  readonly #offeredDigest: DigestAlgorithm;
  #algorithm: DigestAlgorithm = 'md5';
  #digest = '';

  constructor(offer: NewFile, limits: { readonly maxFileBytes: number; readonly windowBytes: number }) {
    this.id = offer.id;
    this.#pauses = new Pauses(offer.id);
    this.#size = offer.size;
    this.#offeredDigest = offer.digest ?? 'md5';
    this.#maxFileBytes = limits.maxFileBytes;
    this.#windowBytes = limits.windowBytes;
  }

  get state(): ReceiveState {
    return this.#state;
  }

  /** True once nothing can happen any more. */
  get ended(): boolean {
    return this.#state === 'done' || this.#state === 'failed';
  }

  /** Bytes of the file the sink has stored. */
  get stored(): number {
    return this.#stored;
  }

  /** The declared size against the limit, before anything is opened. Throws TransferError TOO_LARGE. */
  checkOffer(): void {
    if (this.#size !== undefined && this.#size > this.#maxFileBytes) throw this.#tooLarge(`${this.#size}`);
  }

  /**
   * There is a sink, and it holds this much already. The sender may have `windowBytes` on the way. Throws TransferError
   * INTERNAL when it digests in what was not offered.
   */
  accept(held: Omit<Accepted, 'sink'>, windowBytes = this.#windowBytes): readonly ReceiveAction[] {
    const { digest: algorithm = 'md5' } = held;
    if (algorithm !== 'md5' && algorithm !== this.#offeredDigest) {
      throw new TransferError('INTERNAL', `the sink digests in ${algorithm}, which the sender did not offer`);
    }
    this.#algorithm = algorithm;
    this.#windowBytes = windowBytes;
    this.#go('SINK_READY', 'a sink');
    const offset = held.offset ?? 0;
    this.#expected = offset;
    this.#stored = offset;
    this.#acknowledged = offset;
    const prefix = offset > 0 ? { offset, prefixDigest: held.prefixDigest } : {};
    const { restarted } = held;
    const digest = algorithm === 'md5' ? {} : { digest: algorithm };
    const answer = { ...prefix, restarted, window: this.#windowBytes, ...digest };
    const packet = { type: 'ACK_NEW_FILE', id: this.id, code: 'OK', ...answer } as const;
    return [{ do: 'send', packet }, ...this.#pauses.opened()];
  }

  /**
   * FILE_DATA. Throws TransferError BAD_PACKET when it is out of place; a wrong size is an answer, not a violation, and
   * after the end it is late: a whole window may be on the way when we refuse the rest.
   */
  data(packet: FileData): readonly ReceiveAction[] {
    if (this.ended) return [];
    this.#go('DATA', packet.type);
    const actions: ReceiveAction[] = [];
    if (packet.offset !== this.#expected) {
      // Starting over is allowed once, before anything else came: the prefix we offered was not the sender's.
      if (packet.offset !== 0 || this.#gotData) {
        throw this.#violation(`FILE_DATA at offset ${this.#expected} was expected, but ${packet.offset} came`);
      }
      this.#expected = 0;
      this.#stored = 0;
      this.#acknowledged = 0;
      actions.push({ do: 'restart' });
    } else actions.push(...this.#resumed());
    this.#gotData = true;
    const end = this.#expected + packet.bytes.length;
    if (this.#size !== undefined && end > this.#size) {
      return this.stop(this.#wrongSize(`at least ${end}`), 'ACK_FILE_END');
    }
    if (end > this.#maxFileBytes) return this.stop(this.#tooLarge(`at least ${end}`), 'ACK_FILE_END');
    this.#expected = end;
    if (packet.bytes.length > 0) actions.push({ do: 'write', bytes: packet.bytes });
    return actions;
  }

  /** The sender has proven that it has what was held: it says so by going on behind it. */
  #resumed(): readonly ReceiveAction[] {
    return this.#gotData || this.#expected === 0 ? [] : [{ do: 'resume', offset: this.#expected }];
  }

  /** The sink stored `bytes` more; `idle` says that no write is waiting, and that the peer reads what it is told. */
  wrote(bytes: number, idle: boolean): readonly ReceiveAction[] {
    this.#stored += bytes;
    // One acknowledgement for many writes: an eighth of the window keeps the sender running, and the last one is exact.
    if (!idle && this.#stored - this.#acknowledged < this.#windowBytes / 8) return [];
    return this.caughtUp();
  }

  /** The peer reads what it is told: an acknowledgement that was put off is due, if there is one. */
  caughtUp(): readonly ReceiveAction[] {
    return this.ended || this.#acknowledged === this.#stored ? [] : [{ do: 'flush' }];
  }

  /**
   * What is stored is safe. Tells the sender, unless it knows or nobody asks any more, and how much it may have on the way
   * from now on.
   */
  acknowledge(windowBytes = this.#windowBytes): readonly ReceiveAction[] {
    if (this.ended || this.#acknowledged === this.#stored) return [];
    this.#acknowledged = this.#stored;
    const window = windowBytes === this.#windowBytes ? {} : { window: windowBytes };
    this.#windowBytes = windowBytes;
    return [{ do: 'send', packet: { type: 'ACK_FILE_DATA', id: this.id, stored: this.#stored, ...window } }];
  }

  /** FILE_END. Throws TransferError BAD_PACKET when it is out of place; after the end it is late, as FILE_DATA is. */
  end(packet: FileEnd): readonly ReceiveAction[] {
    if (this.ended) return [];
    const digest = packet[this.#algorithm];
    if (digest === undefined) throw this.#violation(`FILE_END has no ${this.#algorithm}, which was agreed on`);
    this.#go('END', packet.type);
    if (this.#size !== undefined && this.#expected !== this.#size) {
      return this.stop(this.#wrongSize(`${this.#expected}`), 'ACK_FILE_END');
    }
    this.#digest = digest;
    return [...this.#resumed(), { do: 'digest' }];
  }

  /** What the sink holds digests to `own`. */
  verify(own: string): readonly ReceiveAction[] {
    const verified = this.#next('VERIFIED', 'a digest');
    if (own.toLowerCase() !== this.#digest) {
      // A file that was there before is not ours to remove, and a partial one was the peer's to prove.
      const arrived = this.#gotData || this.#expected === 0;
      const found = arrived ? `what arrived has ${own}; it was removed` : `what was there already has ${own}`;
      const message = `the source has the ${this.#algorithm.toUpperCase()} ${this.#digest}, but ${found}`;
      return this.stop(new TransferError('DIGEST_MISMATCH', message, { id: this.id }), 'ACK_FILE_END');
    }
    this.#state = verified;
    return [{ do: 'commit' }];
  }

  /** The file has its final name. */
  committed({ name, toldPath, size, existing }: StoredFile): readonly ReceiveAction[] {
    this.#go('COMMITTED', 'a commit');
    const packet = {
      type: 'ACK_FILE_END',
      id: this.id,
      code: 'OK',
      name,
      // Never the absolute path: it is nobody's business how the disk of a receiver is laid out.
      path: toldPath,
      size,
      existing: existing || undefined,
    } as const;
    return [{ do: 'send', packet }];
  }

  /** The sink could not give the file its final name. */
  commitFailed(error: TransferError): readonly ReceiveAction[] {
    this.#go('COMMIT_FAILED', 'a failed commit');
    return this.#failure(error, 'ACK_FILE_END');
  }

  /** This side pauses the transfer, or goes on. */
  pause(paused: boolean): readonly ReceiveAction[] {
    return this.ended ? [] : this.#pauses.turn(paused);
  }

  /** The sender pauses the transfer, or goes on. */
  paused(packet: PauseFile | ResumeFile): readonly ReceiveAction[] {
    return this.ended ? [] : this.#pauses.receive(packet);
  }

  /** CANCEL_FILE or ERROR of the peer. */
  stopped(packet: CancelFile | ErrorPacket): readonly ReceiveAction[] {
    // A sender may do without all that a receiver says on its own: credit, pauses.
    if (packet.type === 'ERROR' && packet.code === 'UNKNOWN_TYPE') return [];
    return this.stop(peerError(packet.code ?? 'CANCELLED', packet.message, { id: this.id }), undefined);
  }

  /**
   * Ends the transfer from our side, unless it is too late. `answer` is the packet that tells the sender: the
   * acknowledgement it waits for, CANCEL_FILE, or nothing when it is gone or knows.
   */
  stop(
    error: TransferError,
    answer: 'ACK_NEW_FILE' | 'ACK_FILE_END' | 'CANCEL_FILE' | undefined,
  ): readonly ReceiveAction[] {
    const to = next(receiveTransitions, this.#state, 'STOPPED');
    if (to === undefined) return [];
    this.#state = to;
    return this.#failure(error, answer);
  }

  #failure(
    error: TransferError,
    answer: 'ACK_NEW_FILE' | 'ACK_FILE_END' | 'CANCEL_FILE' | undefined,
  ): readonly ReceiveAction[] {
    const { code } = error;
    const keepPartial = this.#size === undefined ? interrupting.has(code) : !spoiling.has(code);
    const fail: ReceiveAction = { do: 'fail', error, keepPartial };
    if (answer === undefined) return [fail];
    const packet = { type: answer, id: this.id, code: error.code, message: error.message };
    return [{ do: 'send', packet }, fail];
  }

  #go(event: ReceiveEvent, cause: string): void {
    this.#state = this.#next(event, cause);
  }

  #next(event: ReceiveEvent, cause: string): ReceiveState {
    const to = next(receiveTransitions, this.#state, event);
    if (to === undefined) throw this.#violation(`${cause} came while the receiver was ${this.#state}`);
    return to;
  }

  #violation(message: string): TransferError {
    return new TransferError('BAD_PACKET', message, { id: this.id });
  }

  #wrongSize(came: string): TransferError {
    return new TransferError('SIZE_MISMATCH', `${this.#size} bytes were declared, but ${came} came`, { id: this.id });
  }

  #tooLarge(came: string): TransferError {
    const message = `at most ${this.#maxFileBytes} bytes are taken, but ${came} came`;
    return new TransferError('TOO_LARGE', message, { id: this.id });
  }
}
