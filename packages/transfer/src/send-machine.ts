import { digestField } from './digest.ts';
import { TransferError } from './errors.ts';
import {
  type AckFileData,
  type AckFileEnd,
  type AckNewFile,
  type CancelFile,
  type DigestAlgorithm,
  type ErrorPacket,
  type NewFile,
  type Packet,
  type PauseFile,
  type RestartReason,
  type ResumeFile,
  restartReasons,
} from './packets.ts';
import { type PauseAction, Pauses } from './pauses.ts';
import { peerError } from './peer-error.ts';
import type { StoredFile } from './ports.ts';
import { next, type SendEvent, type SendState, sendTransitions } from './states.ts';

/** What the sender's driver has to do, in order. */
export type SendAction =
  | { readonly do: 'send'; readonly packet: Packet }
  /** Open the source at `start`. With a `prefixDigest` answer by `judgePrefix`, else begin reading. */
  | { readonly do: 'open'; readonly start: number; readonly prefixDigest?: string }
  /** More credit, or more is stored. */
  | { readonly do: 'credit' }
  /** The receiver's prefix is ours: it goes on behind it. */
  | { readonly do: 'resumed'; readonly offset: number }
  /** What the receiver had kept is of no use. */
  | { readonly do: 'restarted'; readonly reason: RestartReason }
  | PauseAction
  | { readonly do: 'finish'; readonly file: StoredFile }
  | { readonly do: 'fail'; readonly error: TransferError };

/** The packets that concern the sender of a file. */
export type ToSender = AckNewFile | AckFileData | AckFileEnd | PauseFile | ResumeFile | CancelFile | ErrorPacket;

/** The sender of one file, without I/O: packets and what the source says in, {@link SendAction}s out. */
export class SendMachine {
  readonly id: number;
  readonly #pauses: Pauses;
  #state: SendState = 'offered';
  readonly #name: string;
  readonly #size: number | undefined;
  #stored = 0;
  #sent = 0;
  #window = Number.POSITIVE_INFINITY;
  #startedOver = false;
  #prefix: { offset: number; digest: string } | undefined;
  readonly #offeredDigest: DigestAlgorithm;
  #algorithm: DigestAlgorithm = 'md5';
  #digest = '';

  /** `digest`: what the receiver may choose beside `md5`. */
  constructor(options: {
    readonly id: number;
    readonly name: string;
    readonly size: number | undefined;
    readonly digest?: DigestAlgorithm | undefined;
  }) {
    this.id = options.id;
    this.#pauses = new Pauses(options.id);
    this.#name = options.name;
    this.#size = options.size;
    this.#offeredDigest = options.digest ?? 'md5';
  }

  get state(): SendState {
    return this.#state;
  }

  /** True once nothing can happen any more. */
  get ended(): boolean {
    return this.#state === 'done' || this.#state === 'failed';
  }

  /** Bytes the receiver says it stored. */
  get stored(): number {
    return this.#stored;
  }

  /** Bytes handed out, a proven prefix included. */
  get sent(): number {
    return this.#sent;
  }

  /** What the file is digested with; known once the receiver has answered. */
  get algorithm(): DigestAlgorithm {
    return this.#algorithm;
  }

  /** Whether either side has paused it: nothing more is sent of the file until both go on. */
  get paused(): boolean {
    return this.#pauses.any;
  }

  /** Bytes that may be sent now. Infinite for a receiver that names no window: then the pipe alone holds us. */
  get creditBytes(): number {
    if (this.paused) return 0;
    return Math.max(0, this.#window - (this.#sent - this.#stored));
  }

  /** The packet that begins it all. */
  offer(fields: Omit<NewFile, 'type' | 'id' | 'name' | 'size' | 'digest'> = {}): NewFile {
    const digest = this.#offeredDigest === 'md5' ? {} : { digest: this.#offeredDigest };
    return { type: 'NEW_FILE', id: this.id, name: this.#name, size: this.#size, ...fields, ...digest };
  }

  /** A packet of the peer. Throws TransferError BAD_PACKET when it is out of place; after the end it is late, no fault. */
  receive(packet: ToSender): readonly SendAction[] {
    // It was on the way when the transfer ended, perhaps by our own CANCEL_FILE.
    if (this.ended) return [];
    switch (packet.type) {
      case 'ACK_NEW_FILE':
        if (packet.code !== 'OK') return this.#refused(packet.code, packet.message);
        return this.#accepted(packet);
      case 'ACK_FILE_DATA':
        this.#go('CREDITED', packet.type);
        if (packet.stored > this.#sent) {
          throw this.#violation(`${packet.stored} bytes acknowledged, but only ${this.#sent} sent`);
        }
        this.#stored = Math.max(this.#stored, packet.stored);
        if (packet.window !== undefined) this.#window = packet.window;
        return [{ do: 'credit' }];
      case 'ACK_FILE_END':
        // A receiver may give up early (a full disk), so a refusal is in place in every state.
        if (packet.code !== 'OK') return this.#refused(packet.code, packet.message);
        return this.#acknowledged(packet);
      case 'CANCEL_FILE':
        return this.#refused(packet.code ?? 'CANCELLED', packet.message);
      case 'ERROR':
        // It took the offer: what it does not know is something that it can do without, such as PAUSE_FILE.
        if (packet.code === 'UNKNOWN_TYPE' && this.#state !== 'offered') return [];
        return this.#refused(packet.code, packet.message);
      case 'PAUSE_FILE':
      case 'RESUME_FILE':
        return this.#pauses.receive(packet);
    }
  }

  /** This side pauses the transfer, or goes on. */
  pause(paused: boolean): readonly SendAction[] {
    return this.ended ? [] : this.#pauses.turn(paused);
  }

  /** What the source says its prefix digests to; `undefined` when it has no such prefix. */
  judgePrefix(own: string | undefined): readonly SendAction[] {
    const prefix = this.#prefix!;
    this.#go('PREFIX_JUDGED', 'a judged prefix');
    if (own?.toLowerCase() !== prefix.digest) return this.#startOver();
    this.#sent = prefix.offset;
    this.#stored = prefix.offset;
    // All of it is there: that is no going on.
    const whole = prefix.offset === this.#size;
    return [...(whole ? [] : [{ do: 'resumed', offset: prefix.offset } as const]), { do: 'credit' }];
  }

  /** The next bytes of the source as FILE_DATA; at most `creditBytes` of them. */
  data(bytes: Uint8Array): readonly SendAction[] {
    if (this.#size !== undefined && this.#sent + bytes.length > this.#size) {
      return this.stop(this.#changed(`at least ${this.#sent + bytes.length}`));
    }
    const packet = { type: 'FILE_DATA', id: this.id, offset: this.#sent, bytes } as const;
    this.#sent += bytes.length;
    return [{ do: 'send', packet }];
  }

  /** The source ended, and this is the digest of all of it. */
  sourceEnded(digest: string): readonly SendAction[] {
    if (this.#size !== undefined && this.#sent !== this.#size) return this.stop(this.#changed(`${this.#sent}`));
    this.#go('SOURCE_ENDED', 'the end of the source');
    this.#digest = digest;
    const packet = { type: 'FILE_END', id: this.id, ...digestField(this.#algorithm, digest) } as const;
    const end: SendAction = { do: 'send', packet };
    // An empty file that starts over has no byte that could say so; an empty FILE_DATA at offset 0 does.
    return this.#startedOver && this.#sent === 0 ? [...this.data(new Uint8Array(0)), end] : [end];
  }

  /** Ends the transfer from our side. `tell` false: the peer is gone, or knows. */
  stop(error: TransferError, tell = true): readonly SendAction[] {
    if (this.ended) return [];
    this.#state = 'failed';
    const fail: SendAction = { do: 'fail', error };
    if (!tell) return [fail];
    const packet = { type: 'CANCEL_FILE', id: this.id, code: error.code, message: error.message } as const;
    return [{ do: 'send', packet }, fail];
  }

  #accepted(packet: AckNewFile): readonly SendAction[] {
    const offset = packet.offset ?? 0;
    const provable = offset > 0 && packet.prefixDigest !== undefined && offset <= (this.#size ?? offset);
    this.#go(provable ? 'ACCEPTED_PREFIX' : 'ACCEPTED', packet.type);
    const { digest: algorithm = 'md5' } = packet;
    if (algorithm !== 'md5' && algorithm !== this.#offeredDigest) {
      throw this.#violation(`ACK_NEW_FILE chose ${algorithm}, which was not offered`);
    }
    this.#algorithm = algorithm;
    if (packet.window !== undefined) this.#window = packet.window;
    const said = restartReason(packet.restarted);
    const restarted: SendAction[] = said === undefined ? [] : [{ do: 'restarted', reason: said }];
    restarted.push(...this.#pauses.opened());
    if (offset > 0) this.#prefix = { offset, digest: packet.prefixDigest ?? '' };
    if (!provable) return [...restarted, ...(offset > 0 ? this.#startOver() : [{ do: 'open', start: 0 } as const])];
    return [...restarted, { do: 'open', start: offset, prefixDigest: packet.prefixDigest }];
  }

  #acknowledged(packet: AckFileEnd): readonly SendAction[] {
    const stored = this.#next('STORED', packet.type);
    // Nobody is to be told that a file is safe which the receiver itself says it does not have.
    if (packet.size !== undefined && packet.size !== this.#sent) {
      const message = `the receiver says that it stored ${packet.size} bytes, but ${this.#sent} were sent`;
      return this.stop(new TransferError('SIZE_MISMATCH', message, { id: this.id }), false);
    }
    this.#state = stored;
    this.#stored = this.#sent;
    return [{ do: 'credit' }, { do: 'finish', file: this.#file(packet) }];
  }

  #startOver(): readonly SendAction[] {
    this.#startedOver = true;
    // A whole file of our size was not kept for us: it is another one of that name.
    const kept = this.#prefix?.offset !== this.#size;
    return [...(kept ? [{ do: 'restarted', reason: 'PARTIAL_CHANGED' } as const] : []), { do: 'open', start: 0 }];
  }

  #refused(code: string, message: string | undefined): readonly SendAction[] {
    return this.stop(peerError(code, message, { id: this.id }), false);
  }

  #file(packet: AckFileEnd): StoredFile {
    return {
      name: packet.name ?? this.#name,
      ...(packet.path === undefined ? {} : { path: packet.path }),
      size: packet.size ?? this.#sent,
      digest: this.#digest,
      algorithm: this.#algorithm,
      existing: packet.existing ?? false,
    };
  }

  #go(event: SendEvent, cause: string): void {
    this.#state = this.#next(event, cause);
  }

  #next(event: SendEvent, cause: string): SendState {
    const to = next(sendTransitions, this.#state, event);
    if (to === undefined) throw this.#violation(`${cause} came while the sender was ${this.#state}`);
    return to;
  }

  #violation(message: string): TransferError {
    return new TransferError('BAD_PACKET', message, { id: this.id });
  }

  #changed(came: string): TransferError {
    const message = `the source had ${this.#size} bytes when it was offered, but ${came} came`;
    return new TransferError('SOURCE_CHANGED', message, { id: this.id });
  }
}

function restartReason(said: string | undefined): RestartReason | undefined {
  return said !== undefined && Object.hasOwn(restartReasons, said) ? (said as RestartReason) : undefined;
}
