import {
  CloseCode,
  type CloseStatus,
  FrameDecoder,
  FrameError,
  isSendableCloseCode,
  isTextBytes,
  isUtf8,
  type Message,
  Opcode,
  parseClosePayload,
  type Role,
} from '@wsferry/frames';
import { ConnectionError } from './errors.ts';
import { isTakenAway } from './given-away.ts';
import { Incoming, type IncomingOptions, maxPayloadBytes } from './incoming.ts';
import { Outgoing } from './outgoing.ts';
import {
  DEFAULT_MAX_MESSAGE_BYTES,
  DEFAULT_THRESHOLD_BYTES,
  type ProtocolOptions,
  type SendOptions,
} from './protocol-options.ts';
import { type ConnectionState, nextState, type Trigger } from './transitions.ts';

/** What the peer's bytes meant. `failure` and `close` come at most once, and nothing comes after them. */
export type ConnectionEvent =
  | { type: 'message'; data: Message }
  | { type: 'pong'; payload: Uint8Array }
  | { type: 'close'; status: CloseStatus }
  | { type: 'failure'; error: FrameError | Error };

const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();

/**
 * A WebSocket connection after its handshake (RFC 6455 §5–§7), without socket and clock: bytes in by `receive`, events
 * out by `nextEvent`, bytes out by `takeOutput`. Whoever owns the socket writes the output after every call.
 *
 * `receive`, `receiveEnd` and `nextEvent` never throw, whatever the peer sends; the calls that send throw
 * `ConnectionError` when they are misused.
 */
export class ConnectionProtocol {
  readonly role: Role;
  #state: ConnectionState = 'open';
  readonly #decoder: FrameDecoder;
  readonly #incomingOptions: IncomingOptions;
  /** Made with the first data frame: many connections only listen. */
  #incoming: Incoming | undefined;
  readonly #outgoing: Outgoing;
  /** A large message is being decompressed; what comes behind it waits. */
  #pending: Promise<void> | undefined;
  #decompressed: { message: Message } | { error: unknown } | undefined;
  /** The peer's Close, while `closeHeld`. */
  #heldClose: CloseStatus | undefined;
  #closeStatus: CloseStatus | undefined;
  #closeSent = false;
  /** Our Close frame, which waits until the messages before it are compressed. */
  #closeWaiting: { status: CloseStatus | undefined } | undefined;
  #pongsHeld = false;
  #heldPong: Uint8Array | undefined;

  constructor({
    role,
    maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES,
    compression,
    thresholdBytes = DEFAULT_THRESHOLD_BYTES,
    slab,
    messageMemory,
    text,
    spent,
  }: ProtocolOptions) {
    this.role = role;
    this.#incomingOptions = { maxMessageBytes, inflater: compression?.inflater, memory: messageMemory, text };
    this.#decoder = new FrameDecoder({
      role,
      maxPayloadBytes: maxPayloadBytes(this.#incomingOptions),
      pieces: true,
      masked: true,
      spent,
      allowRsv1: compression !== undefined,
    });
    this.#outgoing = new Outgoing({ masked: role === 'client', deflater: compression?.deflater, thresholdBytes, slab });
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The Close frame the peer sent first (§7.1.5, 1005 when it carried no code), or what we failed it with. */
  get closeStatus(): CloseStatus | undefined {
    return this.#closeStatus;
  }

  /** Bytes that wait in the output, and those of messages that still wait to be compressed. */
  get outputBytes(): number {
    return this.#outgoing.bytes;
  }

  /** Whether a long message is not yet compressed to its end: call `continueSending`, again and again, between other work. */
  get hasUnfinishedOutput(): boolean {
    return this.#outgoing.unfinished;
  }

  /** Set while a large compressed message is being decompressed: `nextEvent` has news when it settles. Never rejects. */
  get pending(): Promise<void> | undefined {
    return this.#pending;
  }

  /**
   * Whether our side of TCP should end now, once the output is written. §7.1.1: the server ends first, the client waits
   * for it; §7.1.7: whoever fails the connection does not wait.
   */
  get shouldEnd(): boolean {
    if (this.#state === 'closed') return this.role === 'server' && !this.#outgoing.unfinished;
    return this.#state === 'failed';
  }

  /** Takes what came from the socket. The bytes are ours from here on: they are unmasked where they lie. */
  receive(chunk: Uint8Array): void {
    if (this.#isReading()) this.#decoder.push(chunk);
  }

  /** The peer ended TCP. */
  receiveEnd(): void {
    this.#apply('tcp-ended');
  }

  /**
   * While `true`, a Close of the peer waits for what came before it to be dealt with: "until its current message is sent"
   * (§5.5.1). `nextEvent` gives nothing meanwhile, and `closeWaits` says that there is one.
   */
  holdsClose = false;

  /** Whether the peer's Close has come and is held. Nothing of what follows it is read. */
  get closeWaits(): boolean {
    return this.#heldClose !== undefined;
  }

  /** The next event in what was received, or `undefined` when more bytes are needed. Not asking is backpressure. */
  nextEvent(): ConnectionEvent | undefined {
    try {
      while (this.#isReading() && !this.#pending) {
        if (this.#decompressed) return this.#takeDecompressed(this.#decompressed);
        if (this.#heldClose) return this.holdsClose ? undefined : this.#receiveClose(this.#heldClose);
        const frame = this.#decoder.next();
        if (!frame) return undefined;
        if (frame.opcode < Opcode.Close) {
          this.#incoming ??= new Incoming(this.#incomingOptions);
          const data = this.#incoming.add(frame);
          if (data instanceof Promise) this.#pending = this.#settle(data);
          else if (data !== undefined) return { type: 'message', data };
        } else if (frame.opcode === Opcode.Ping) {
          this.#pong(frame.payload);
        } else if (frame.opcode === Opcode.Pong) {
          return { type: 'pong', payload: frame.payload };
        } else {
          this.#heldClose = parseClosePayload(frame.payload);
        }
      }
      return undefined;
    } catch (error) {
      const { closeCode = CloseCode.InternalError, message } = error as Partial<FrameError> & Error;
      this.fail({
        closeCode,
        message: error instanceof FrameError ? message : 'this endpoint failed to read a message',
      });
      return { type: 'failure', error: error as Error };
    }
  }

  /** Sends a message (§5.6). Throws `NOT_OPEN`, and `BAD_ARGUMENT` for what is no message, no text or was given away before. */
  send(data: Message, { compress = true, transfer = false }: SendOptions = {}): void {
    this.#assertOpen('send');
    if (typeof data !== 'string' && !(data instanceof Uint8Array)) {
      throw new ConnectionError('BAD_ARGUMENT', `expected a string or a Uint8Array to send, got ${kindOf(data)}`);
    }
    const text = typeof data === 'string';
    if (!text && isTakenAway(data)) {
      throw new ConnectionError('BAD_ARGUMENT', 'expected bytes to send, got some that were given away before');
    }
    // §8.1: also those that came as text may have been changed since.
    if (!text && isTextBytes(data) && !isUtf8(data)) {
      throw new ConnectionError('BAD_ARGUMENT', 'expected UTF-8 in a text to send, got other bytes');
    }
    this.#outgoing.message(data, compress, transfer);
  }

  /** Compresses the next part of a long message, a few milliseconds of work. See `hasUnfinishedOutput`. */
  continueSending(): void {
    this.#outgoing.continue();
    if (this.#closeWaiting && !this.#outgoing.unfinished) this.#sendClose(this.#closeWaiting.status);
  }

  /** Sends a Ping (§5.5.2) with at most 125 bytes. */
  ping(payload: Uint8Array = NOTHING): void {
    this.#assertOpen('ping');
    if (payload.length > 125) {
      throw new ConnectionError('BAD_ARGUMENT', `expected at most 125 bytes of ping payload, got ${payload.length}`);
    }
    this.#outgoing.frame(Opcode.Ping, payload);
  }

  /** Sends a Pong that nobody asked for, "a unidirectional heartbeat" (§5.5.3). */
  pong(): void {
    this.#assertOpen('pong');
    this.#outgoing.frame(Opcode.Pong, NOTHING);
  }

  /**
   * Starts the closing handshake (§7.1.2); a second call does nothing. Without `status` the Close frame is empty. What
   * was sent before goes out before it, also what is not yet compressed.
   * Throws `BAD_ARGUMENT` for a code that must not be sent (§7.4) or a reason over 123 bytes.
   */
  close(status?: CloseStatus): void {
    if (status) assertClosable(status);
    if (!this.#apply('close-sent')) return;
    if (this.#outgoing.unfinished) this.#closeWaiting = { status };
    else this.#sendClose(status);
  }

  /** Fails the connection (§7.1.7): sends a Close frame with that code, and ignores the peer from now on. */
  fail({ closeCode, message }: { closeCode: number; message: string }): void {
    if (!this.#apply('violation')) return;
    this.#closeStatus = { code: closeCode, reason: message };
    this.#sendClose(this.#closeStatus);
  }

  /**
   * While the peer does not take what we write, a flood of Pings must not grow the output: `true` keeps only the answer
   * to the latest (§5.5.3 allows just that), `false` sends it.
   */
  holdPongs(held: boolean): void {
    this.#pongsHeld = held;
    const payload = this.#heldPong;
    this.#heldPong = undefined;
    if (!held && payload && this.#isReading()) this.#outgoing.frame(Opcode.Pong, payload);
  }

  /** The bytes to write to the socket, in order. They are taken: the next call gives only what came since. */
  takeOutput(): Uint8Array[] {
    return this.#outgoing.take();
  }

  #isReading(): boolean {
    return this.#state === 'open' || this.#state === 'closing';
  }

  #apply(trigger: Trigger): boolean {
    const state = nextState(this.#state, trigger);
    if (state) this.#state = state;
    return state !== undefined;
  }

  #receiveClose(status: CloseStatus): ConnectionEvent {
    this.#heldClose = undefined;
    this.#apply('close-received');
    this.#closeStatus = status;
    // §5.5.1: "the endpoint typically echos the status code it received"; 1005 stands for none and is never sent.
    const echo = status.code === CloseCode.NoStatusReceived ? undefined : { code: status.code, reason: '' };
    // §5.5.1 lets the answer wait "until its current message is sent": what `send` took goes out whole.
    if (this.#outgoing.unfinished) this.#closeWaiting ??= { status: echo };
    else this.#sendClose(this.#closeWaiting ? this.#closeWaiting.status : echo);
    return { type: 'close', status };
  }

  #settle(data: Promise<Message>): Promise<void> {
    const settled = (outcome: { message: Message } | { error: unknown }) => {
      this.#pending = undefined;
      this.#decompressed = outcome;
    };
    return data.then(
      (message) => settled({ message }),
      (error) => settled({ error }),
    );
  }

  #takeDecompressed(outcome: { message: Message } | { error: unknown }): ConnectionEvent {
    this.#decompressed = undefined;
    if ('error' in outcome) throw outcome.error;
    return { type: 'message', data: outcome.message };
  }

  #sendClose(status: CloseStatus | undefined): void {
    if (this.#closeSent) return; // §5.5.1: nothing follows a Close frame, another one neither
    this.#outgoing.close(status);
    this.#closeSent = true;
  }

  /** §5.5.2: answered until the peer's Close has come, also behind our own: it is only data that §5.5.1 forbids there. */
  #pong(payload: Uint8Array): void {
    if (this.#pongsHeld) this.#heldPong = new Uint8Array(payload);
    else this.#outgoing.frame(Opcode.Pong, payload);
  }

  #assertOpen(wanted: string): void {
    if (this.#state !== 'open') {
      throw new ConnectionError('NOT_OPEN', `expected an open connection to ${wanted}, this one is ${this.#state}`);
    }
  }
}

/** Throws `BAD_ARGUMENT` for a code that must not be sent (§7.4), or a reason that does not fit into a Close frame. */
export function assertClosable({ code, reason }: CloseStatus): void {
  if (!isSendableCloseCode(code)) {
    throw new ConnectionError(
      'BAD_ARGUMENT',
      `expected a close code that may be sent (1000–1003, 1007–1014, 3000–4999), got ${code}`,
    );
  }
  if (typeof reason !== 'string') {
    throw new ConnectionError('BAD_ARGUMENT', `expected a string as the reason, got ${kindOf(reason)}`);
  }
  const bytes = encoder.encode(reason).length;
  if (bytes > 123) throw new ConnectionError('BAD_ARGUMENT', `expected a reason of at most 123 bytes, got ${bytes}`);
}

function kindOf(value: unknown): string {
  if (value === null || typeof value !== 'object') return String(typeof value);
  return Object.getPrototypeOf(value)?.constructor?.name ?? 'an object';
}
