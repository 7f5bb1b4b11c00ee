import {
  CloseCode,
  type CloseStatus,
  createMaskingKey,
  encodeClosePayload,
  encodeFrame,
  FrameDecoder,
  FrameError,
  isSendableCloseCode,
  type Message,
  MessageAssembler,
  Opcode,
  parseClosePayload,
  type Role,
} from '@wsferry/frames';
import { ConnectionError } from './errors.ts';
import { type ConnectionState, nextState, type Trigger } from './transitions.ts';

/** What the peer's bytes meant. `failure` and `close` come at most once, and nothing comes after them. */
export type ConnectionEvent =
  | { type: 'message'; data: Message }
  | { type: 'pong'; payload: Uint8Array }
  | { type: 'close'; status: CloseStatus }
  | { type: 'failure'; error: FrameError };

export interface ProtocolOptions {
  role: Role;
  /** Largest message taken, in bytes after reassembly. Default 64 MiB. A larger one fails the connection with 1009. */
  maxMessageBytes?: number;
}

/** 64 MiB: a page's screenshot or a photo fits in one message; a file does not need to, it travels in chunks. */
export const DEFAULT_MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

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
  readonly #assembler: MessageAssembler;
  #output: Uint8Array[] = [];
  #outputBytes = 0;
  #closeStatus: CloseStatus | undefined;
  #closeSent = false;
  #pongsHeld = false;
  #heldPong: Uint8Array | undefined;

  constructor({ role, maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES }: ProtocolOptions) {
    this.role = role;
    this.#decoder = new FrameDecoder({ role, maxPayloadBytes: maxMessageBytes, pieces: true });
    this.#assembler = new MessageAssembler({ maxMessageBytes });
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The Close frame the peer sent first (§7.1.5, 1005 when it carried no code), or what we failed it with. */
  get closeStatus(): CloseStatus | undefined {
    return this.#closeStatus;
  }

  /** Bytes that wait in the output. */
  get outputBytes(): number {
    return this.#outputBytes;
  }

  /**
   * Whether our side of TCP should end now, once the output is written. §7.1.1: the server ends first, the client waits
   * for it; §7.1.7: whoever fails the connection does not wait.
   */
  get shouldEnd(): boolean {
    return this.#state === 'failed' || (this.#state === 'closed' && this.role === 'server');
  }

  /** Takes what came from the socket. The bytes are ours from here on: they are unmasked where they lie. */
  receive(chunk: Uint8Array): void {
    if (this.#reading) this.#decoder.push(chunk);
  }

  /** The peer ended TCP. */
  receiveEnd(): void {
    this.#apply('tcp-ended');
  }

  /** The next event in what was received, or `undefined` when more bytes are needed. Not asking is backpressure. */
  nextEvent(): ConnectionEvent | undefined {
    try {
      while (this.#reading) {
        const frame = this.#decoder.next();
        if (!frame) return undefined;
        if (frame.opcode < Opcode.Close) {
          const data = this.#assembler.add(frame);
          if (data !== undefined) return { type: 'message', data };
        } else if (frame.opcode === Opcode.Ping) {
          this.#pong(frame.payload);
        } else if (frame.opcode === Opcode.Pong) {
          return { type: 'pong', payload: frame.payload };
        } else {
          return this.#receiveClose(parseClosePayload(frame.payload));
        }
      }
      return undefined;
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.fail(error);
      return { type: 'failure', error };
    }
  }

  /** Sends a message in one frame (§5.6). */
  send(data: Message): void {
    this.#assertOpen('send');
    if (typeof data === 'string') this.#frame(Opcode.Text, encoder.encode(data));
    else this.#frame(Opcode.Binary, data);
  }

  /** Sends a Ping (§5.5.2) with at most 125 bytes. */
  ping(payload: Uint8Array = NOTHING): void {
    this.#assertOpen('ping');
    if (payload.length > 125) {
      throw new ConnectionError('BAD_ARGUMENT', `expected at most 125 bytes of ping payload, got ${payload.length}`);
    }
    this.#frame(Opcode.Ping, payload);
  }

  /**
   * Starts the closing handshake (§7.1.2); a second call does nothing. Without `status` the Close frame is empty.
   * Throws `BAD_ARGUMENT` for a code that must not be sent (§7.4) or a reason over 123 bytes.
   */
  close(status?: CloseStatus): void {
    if (status) assertClosable(status);
    if (this.#apply('close-sent')) this.#sendClose(status);
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
    if (!held && payload && !this.#closeSent) this.#frame(Opcode.Pong, payload);
  }

  /** The bytes to write to the socket, in order. They are taken: the next call gives only what came since. */
  takeOutput(): Uint8Array[] {
    const output = this.#output;
    this.#output = [];
    this.#outputBytes = 0;
    return output;
  }

  get #reading(): boolean {
    return this.#state === 'open' || this.#state === 'closing';
  }

  #apply(trigger: Trigger): boolean {
    const state = nextState(this.#state, trigger);
    if (state) this.#state = state;
    return state !== undefined;
  }

  #receiveClose(status: CloseStatus): ConnectionEvent {
    this.#apply('close-received');
    this.#closeStatus = status;
    // §5.5.1: "the endpoint typically echos the status code it received"; 1005 stands for none and is never sent.
    this.#sendClose(status.code === CloseCode.NoStatusReceived ? undefined : { code: status.code, reason: '' });
    return { type: 'close', status };
  }

  #sendClose(status: CloseStatus | undefined): void {
    if (this.#closeSent) return; // §5.5.1: nothing follows a Close frame, another one neither
    this.#frame(Opcode.Close, status ? encodeClosePayload(status) : NOTHING);
    this.#closeSent = true;
  }

  #pong(payload: Uint8Array): void {
    if (this.#closeSent) return;
    if (this.#pongsHeld) this.#heldPong = payload.slice();
    else this.#frame(Opcode.Pong, payload);
  }

  #frame(opcode: Opcode, payload: Uint8Array): void {
    // §5.3: a client masks every frame with a fresh key, a server none.
    const key = this.role === 'client' ? createMaskingKey() : undefined;
    const bytes = encodeFrame({ fin: true, opcode, payload }, key);
    this.#output.push(bytes);
    this.#outputBytes += bytes.length;
  }

  #assertOpen(wanted: string): void {
    if (this.#state !== 'open') {
      throw new ConnectionError('NOT_OPEN', `expected an open connection to ${wanted}, this one is ${this.#state}`);
    }
  }
}

function assertClosable({ code, reason }: CloseStatus): void {
  if (!isSendableCloseCode(code)) {
    throw new ConnectionError(
      'BAD_ARGUMENT',
      `expected a close code that may be sent (1000–1003, 1007–1014, 3000–4999), got ${code}`,
    );
  }
  const bytes = encoder.encode(reason).length;
  if (bytes > 123) throw new ConnectionError('BAD_ARGUMENT', `expected a reason of at most 123 bytes, got ${bytes}`);
}
