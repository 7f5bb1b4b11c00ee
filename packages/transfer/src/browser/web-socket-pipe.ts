import { TransferError } from '../errors.ts';
import { wholeNumberOrInfinity } from '../options.ts';
import type { MessagePipe, PipeEnd } from '../pipe.ts';

/** What is used of a WebSocket; the browser's own fits, and so does Node's and `ws`'s. */
export interface WebSocketLike {
  /** 0 connecting, 1 open, 2 closing, 3 closed. */
  readonly readyState: number;
  readonly bufferedAmount: number;
  binaryType: string;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(
    type: 'close',
    listener: (event: { readonly code?: number; readonly reason?: string }) => void,
  ): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
}

/** Settings of {@link fromWebSocket}. */
export interface FromWebSocketOptions {
  /** `send` answers false when more than this many bytes are queued. Default 4 MiB: some 30 ms at 1 Gbit/s. */
  readonly bufferedBytes?: number;
}

/** A WebSocket has no event for "drained"; this is how often it is asked. At 4 MiB a tick that still allows 200 MB/s. */
const POLL_MS = 20;

/** The most UTF-8 bytes of a close reason (RFC 6455 §5.5: a control frame has 125, the code takes two). */
const MAX_REASON_BYTES = 123;

/**
 * Makes a MessagePipe of a WebSocket, connecting or open. What is sent while it connects goes out when it is open.
 *
 * Call it in the same turn in which the WebSocket was made (or opened), so that no message is missed. A browser's
 * WebSocket cannot be slowed down by its reader: what nobody has iterated yet is queued here, bounded by the credit
 * window of the protocol.
 */
export function fromWebSocket(socket: WebSocketLike, options: FromWebSocketOptions = {}): MessagePipe {
  const bufferedBytes = wholeNumberOrInfinity('bufferedBytes', options.bufferedBytes ?? 4 * 1024 * 1024, 0);
  return new WebSocketPipe(socket, bufferedBytes);
}

type Data = string | Uint8Array;

class WebSocketPipe implements MessagePipe {
  readonly closed: Promise<PipeEnd>;
  readonly #socket: WebSocketLike;
  readonly #limitBytes: number;
  readonly #beforeOpen: Data[] = [];
  #beforeOpenBytes = 0;
  #received: Data[] = [];
  #next = 0;
  #closed: boolean;
  #closing = false;
  #wake: (() => void) | undefined;
  /** All bytes that left, up to the last measurement, and when that was. */
  #left = 0;
  #measuredAt = 0;
  #sentBytes = 0;
  /** Of the fastest time of late. */
  #bytesPerMs = 0;
  /** Those who wait for room: each looks whether there is some, or whether all is over. */
  readonly #looks = new Set<() => void>();

  constructor(socket: WebSocketLike, limitBytes: number) {
    this.#socket = socket;
    this.#limitBytes = limitBytes;
    this.#closed = socket.readyState === 3;
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('open', () => this.#flush());
    socket.addEventListener('message', (event) => this.#receive(event.data));
    this.closed = new Promise((resolve) => {
      if (this.#closed) resolve({ code: 1006, reason: '' }); // whoever had it before heard why
      socket.addEventListener('close', ({ code = 1005, reason = '' }) => {
        resolve({ code, reason });
        this.#end();
      });
    });
    // An error says nothing and is always followed by close; without a listener Node's and ws's would throw it.
    socket.addEventListener('error', () => {});
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount + this.#beforeOpenBytes;
  }

  send(data: Data): boolean {
    if (this.#closing || this.#socket.readyState > 1) throw lost();
    if (this.#socket.readyState === 0) {
      // The bytes are the caller's again when we return.
      this.#beforeOpen.push(typeof data === 'string' ? data : new Uint8Array(data)); // slice() of a Buffer would not copy
      this.#beforeOpenBytes += byteLength(data);
    } else {
      this.#socket.send(plain(data));
    }
    this.#sentBytes += byteLength(data);
    return this.bufferedAmount <= this.#limitBytes;
  }

  /**
   * With `belowBytes` no less is left in the queue than goes out until it is looked at again: on a slow line next to nothing,
   * so that what is said meanwhile is soon through, on a fast one enough to keep it busy.
   */
  drained({ signal, belowBytes }: { signal?: AbortSignal; belowBytes?: number } = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearInterval(timer);
        this.#looks.delete(look);
        signal?.removeEventListener('abort', onAbort);
        act();
      };
      const onAbort = () => settle(() => reject(signal?.reason));
      const look = () => {
        if (this.#closed || this.#socket.readyState > 1) settle(() => reject(lost()));
        else if (this.bufferedAmount <= this.#enough(belowBytes)) settle(resolve);
      };
      const timer = setInterval(look, POLL_MS);
      this.#looks.add(look);
      signal?.addEventListener('abort', onAbort);
      if (signal?.aborted) onAbort();
      else look();
    });
  }

  /** Codes that a page may not send (RFC 6455 §7.4: all but 1000 and 3000–4999) go out as 1000. */
  close(code = 1000, reason = ''): void {
    if (this.#closing || this.#closed) return;
    this.#closing = true;
    const allowed = code === 1000 || (code >= 3000 && code <= 4999);
    this.#socket.close(allowed ? code : 1000, cut(reason));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Data, void, undefined> {
    for (;;) {
      while (this.#next < this.#received.length) {
        const data = this.#received[this.#next]!;
        this.#next += 1;
        if (this.#next === this.#received.length) {
          this.#received = [];
          this.#next = 0;
        }
        yield data;
      }
      if (this.#closed) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** How little must be in the queue for more to be sent. */
  #enough(belowBytes: number | undefined): number {
    this.#measure();
    if (belowBytes === undefined) return this.#limitBytes / 2;
    return Math.min(this.#limitBytes / 2, Math.max(belowBytes, this.#bytesPerMs * 2 * POLL_MS));
  }

  /** How fast the line is, between looks that are far enough apart to tell. */
  #measure(): void {
    const now = performance.now();
    const left = this.#sentBytes - this.bufferedAmount;
    const elapsedMs = now - this.#measuredAt;
    if (elapsedMs < POLL_MS / 2) return;
    // It slows down over some looks: one in which nothing happened to leave says little.
    this.#bytesPerMs = Math.max((left - this.#left) / elapsedMs, this.#bytesPerMs * 0.75);
    this.#left = left;
    this.#measuredAt = now;
  }

  #flush(): void {
    this.#beforeOpenBytes = 0;
    for (const data of this.#beforeOpen.splice(0)) this.#socket.send(plain(data));
  }

  #receive(data: unknown): void {
    if (typeof data === 'string') this.#received.push(data);
    else if (data instanceof ArrayBuffer) this.#received.push(new Uint8Array(data));
    else return; // a Blob that was on its way before binaryType was set
    this.#wake?.();
    // A page in the background has its timers slowed to one a second; acknowledgements still come in at full speed.
    this.#look();
  }

  #look(): void {
    for (const look of [...this.#looks]) look();
  }

  #end(): void {
    this.#closed = true;
    this.#wake?.();
    this.#look();
  }
}

function lost(): TransferError {
  return new TransferError('CONNECTION_LOST', 'the WebSocket is closed');
}

function byteLength(data: Data): number {
  return typeof data === 'string' ? data.length : data.byteLength;
}

/** A WebSocket takes no shared memory, so such bytes are copied. */
function plain(data: Data): string | Uint8Array<ArrayBuffer> {
  if (typeof data === 'string') return data;
  return data.buffer instanceof ArrayBuffer ? (data as Uint8Array<ArrayBuffer>) : new Uint8Array(data);
}

function cut(reason: string): string {
  const encoder = new TextEncoder();
  if (encoder.encode(reason).length <= MAX_REASON_BYTES) return reason;
  const { read } = encoder.encodeInto(reason, new Uint8Array(MAX_REASON_BYTES)); // stops on a code-point border
  return reason.slice(0, read);
}
