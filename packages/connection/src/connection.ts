import type { Socket } from 'node:net';
import { CloseCode, type Message } from '@wsferry/frames';
import type { Accepted, RequestHead, ResponseHead } from '@wsferry/handshake';
import { type Clock, systemClock } from './clock.ts';
import { ConnectionError } from './errors.ts';
import { Inbox } from './inbox.ts';
import { DEFAULT_KEEPALIVE, Keepalive, type KeepaliveOptions } from './keepalive.ts';
import { type ConnectionEvent, ConnectionProtocol } from './protocol.ts';
import { RoundTrips } from './round-trips.ts';

/** How a connection ended. `code` is the peer's or ours (RFC 6455 §7.1.5), 1006 when TCP ended without a Close frame. */
export interface CloseResult {
  code: number;
  reason: string;
  /** Whether the closing handshake was completed (§7.1.4). */
  wasClean: boolean;
  /** What the peer did wrong, when that ended the connection. */
  error?: Error;
}

export interface ConnectionOptions {
  /** Largest message taken, in bytes. Default 64 MiB. A larger one fails the connection with 1009. */
  maxMessageBytes?: number;
  /** Pings a silent peer and gives it up when nothing comes. On by default: 20 s and 20 s; `false` turns it off. */
  keepalive?: KeepaliveOptions | false;
  /** How long a closing handshake, and TCP's end after it, may make no progress. Default 10 s. */
  closeTimeoutMs?: number;
  /** Above this many unsent bytes `send` says `false`. Default 1 MiB; `drained` waits until half of it is gone. */
  highWaterMarkBytes?: number;
  /** Above this many received bytes that nobody took, reading stops and TCP slows the peer down. Default 1 MiB. */
  receiveHighWaterMarkBytes?: number;
  /** Where time comes from. Default: the system's. */
  clock?: Clock;
}

/** What a handshake left: see `Upgraded` of `@wsferry/handshake/node`. */
export interface ConnectionParts {
  role: 'client' | 'server';
  socket: Socket;
  rest: Uint8Array;
  accepted: Accepted;
  url: string;
  request?: RequestHead;
  response?: ResponseHead;
}

const MEBIBYTE = 1024 * 1024;
/** Up to here frames that leave together are copied into one write; larger ones are handed over side by side. */
const GATHER_BYTES = 64 * 1024;
/** So much unsent output means that the peer does not read: then its Pings are answered once for all. */
const PONG_BACKLOG_BYTES = 64 * 1024;

/**
 * An open WebSocket on a TCP or TLS socket. Read it by iterating, or by setting `onMessage`; text comes as a string,
 * binary as bytes that are yours. Made by `connect` and `listen`.
 *
 * Iteration ends when the connection closes, however it ends; `closed` says how.
 */
export class Connection implements AsyncIterable<string | Uint8Array> {
  readonly protocol: string;
  readonly url: string;
  /** The request that opened it, on the server; its answer, on the client. */
  readonly request: RequestHead | undefined;
  readonly response: ResponseHead | undefined;
  readonly remoteAddress: string | undefined;
  /** Settles when TCP is closed. Never rejects. */
  readonly closed: Promise<CloseResult>;

  readonly #socket: Socket;
  readonly #machine: ConnectionProtocol;
  readonly #inbox = new Inbox();
  readonly #clock: Clock;
  readonly #keepalive: Keepalive | undefined;
  readonly #roundTrips: RoundTrips;
  readonly #closeTimeoutMs: number;
  readonly #highWaterMarkBytes: number;
  readonly #receiveHighWaterMarkBytes: number;
  readonly #resolveClosed: (result: CloseResult) => void;

  #onMessage: ((data: Message) => void | Promise<void>) | undefined;
  #readyState: 1 | 2 | 3 = 1;
  #handling = false;
  #pumping = false;
  #flushScheduled = false;
  #closedByUs = false;
  #wasClean = false;
  #ended = false;
  #error: Error | undefined;
  #closeTimer: unknown;
  #bytesLeftAtTimer = 0;
  #drainWaiters: { resolve: () => void; reject: (error: Error) => void }[] = [];

  constructor(parts: ConnectionParts, options: ConnectionOptions = {}) {
    const { role, socket, rest, accepted, url, request, response } = parts;
    this.protocol = accepted.protocol;
    this.url = url;
    this.request = request;
    this.response = response;
    this.remoteAddress = socket.remoteAddress;
    this.#socket = socket;
    this.#machine = new ConnectionProtocol({
      role,
      ...(options.maxMessageBytes === undefined ? {} : { maxMessageBytes: options.maxMessageBytes }),
    });
    this.#clock = options.clock ?? systemClock;
    this.#roundTrips = new RoundTrips(this.#clock);
    this.#closeTimeoutMs = options.closeTimeoutMs ?? 10_000;
    this.#highWaterMarkBytes = options.highWaterMarkBytes ?? MEBIBYTE;
    this.#receiveHighWaterMarkBytes = options.receiveHighWaterMarkBytes ?? MEBIBYTE;
    let resolveClosed!: (result: CloseResult) => void;
    this.closed = new Promise((resolve) => {
      resolveClosed = resolve;
    });
    this.#resolveClosed = resolveClosed;

    const keepalive = options.keepalive ?? DEFAULT_KEEPALIVE;
    if (keepalive !== false) {
      this.#keepalive = new Keepalive(keepalive, this.#clock, {
        ping: () => this.#sendPing(),
        dead: () => this.#die(new ConnectionError('CLOSED', 'the peer is gone: silent even after a ping')),
      });
    }
    socket.setNoDelay(true);
    socket.on('data', (chunk: Uint8Array) => this.#received(chunk));
    socket.on('end', () => this.#receivedEnd());
    socket.on('error', (error) => {
      this.#error ??= error;
    });
    socket.on('close', () => this.#finish());
    if (socket.destroyed) queueMicrotask(() => this.#finish());
    else if (rest.length > 0) socket.unshift(rest);
    this.#steer();
  }

  /** As in the WHATWG standard: 1 open, 2 closing, 3 closed. 0, connecting, lies before this object exists. */
  get readyState(): 0 | 1 | 2 | 3 {
    return this.#readyState;
  }

  /** Bytes given to `send` (with their frame headers) that the kernel has not taken yet. */
  get bufferedAmount(): number {
    return this.#machine.outputBytes + this.#socket.writableLength;
  }

  /**
   * Called with each message, in order, instead of iterating. While a promise it returned is pending nothing more is
   * read; if it throws or rejects, the connection fails with 1011.
   */
  get onMessage(): ((data: string | Uint8Array) => void | Promise<void>) | undefined {
    return this.#onMessage;
  }

  set onMessage(handler: ((data: string | Uint8Array) => void | Promise<void>) | undefined) {
    this.#onMessage = handler;
    this.#pump();
  }

  /**
   * Sends one message: a string as text, bytes as binary; the bytes are copied. `false` means that more than
   * `highWaterMarkBytes` wait: the message was taken all the same, now await `drained()`.
   * Throws `ConnectionError` `NOT_OPEN` when the connection is closing or closed.
   */
  send(data: string | Uint8Array): boolean {
    if (this.#readyState !== 1) {
      throw new ConnectionError('NOT_OPEN', `expected an open connection to send, readyState is ${this.#readyState}`);
    }
    this.#machine.send(data);
    this.#scheduleFlush();
    return this.bufferedAmount <= this.#highWaterMarkBytes;
  }

  /** Waits until half of `highWaterMarkBytes` is free. Rejects with `CLOSED` when the connection ends, or on `signal`. */
  drained({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#readyState === 3) return Promise.reject(closedError());
    if (this.bufferedAmount <= this.#highWaterMarkBytes / 2) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const waiter = { resolve: () => settle(resolve), reject: (error: Error) => settle(() => reject(error)) };
      const onAbort = () => {
        this.#drainWaiters = this.#drainWaiters.filter((other) => other !== waiter);
        waiter.reject(signal?.reason as Error);
      };
      const settle = (done: () => void) => {
        signal?.removeEventListener('abort', onAbort);
        done();
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#drainWaiters.push(waiter);
    });
  }

  /** Sends a Ping (§5.5.2) and gives the milliseconds until its Pong. Rejects with `CLOSED` when the connection ends. */
  ping(): Promise<number> {
    if (this.#readyState !== 1) {
      return Promise.reject(
        new ConnectionError('NOT_OPEN', `expected an open connection to ping, readyState is ${this.#readyState}`),
      );
    }
    const { payload, roundTrip } = this.#roundTrips.start();
    this.#machine.ping(payload);
    this.#scheduleFlush();
    return roundTrip;
  }

  /**
   * Closes: what was sent goes out first, then a Close frame; the peer answers with its own, and the server ends TCP
   * (§7.1.1). Messages that still come are dropped. Gives what `closed` gives. Throws `BAD_ARGUMENT` for a code that
   * must not be sent, or a reason over 123 bytes. 1005 stands for none: the Close frame is empty (§7.4.1).
   */
  close(code: number = CloseCode.Normal, reason = ''): Promise<CloseResult> {
    this.#machine.close(code === CloseCode.NoStatusReceived ? undefined : { code, reason });
    if (this.#readyState === 1) {
      this.#closedByUs = true;
      this.#startClosing({ discard: true });
      this.#pump();
    }
    return this.closed;
  }

  /** Ends at once, without a closing handshake: the peer sees 1006. */
  abort(): void {
    this.#socket.destroy();
  }

  [Symbol.asyncIterator](): AsyncIterator<string | Uint8Array, undefined> {
    return {
      next: () => {
        const result = this.#inbox.read();
        this.#pump();
        return result;
      },
      // Leaving a loop leaves the connection open: closing it is the owner's word, not the reader's.
      return: () => Promise.resolve({ done: true, value: undefined }),
    };
  }

  #received(chunk: Uint8Array): void {
    this.#keepalive?.heard();
    this.#machine.receive(chunk);
    this.#pump();
  }

  /** Hands on what has come, as long as somebody takes it, and writes what that produced. */
  #pump(): void {
    if (this.#pumping) return; // a handler called us: the loop below goes on with its work
    this.#pumping = true;
    if (this.#onMessage) this.#handOverInbox(this.#onMessage);
    while (this.#wantsMore()) {
      const event = this.#machine.nextEvent();
      if (!event) break;
      this.#handle(event);
    }
    this.#pumping = false;
    this.#flush();
    this.#steer();
  }

  #wantsMore(): boolean {
    if (this.#closedByUs) return true;
    return !this.#handling && this.#inbox.bytes < this.#receiveHighWaterMarkBytes;
  }

  #handle(event: ConnectionEvent): void {
    if (event.type === 'message') {
      if (this.#closedByUs) return; // WHATWG: no messages once close() was called
      if (this.#onMessage && this.#inbox.length === 0) this.#call(this.#onMessage, event.data);
      else this.#inbox.put(event.data);
    } else if (event.type === 'pong') {
      this.#roundTrips.finish(event.payload);
    } else {
      if (event.type === 'failure') this.#error = event.error;
      else this.#wasClean = true;
      this.#startClosing({ discard: this.#closedByUs });
    }
  }

  #handOverInbox(handler: (data: Message) => void | Promise<void>): void {
    while (!this.#handling) {
      const message = this.#inbox.take();
      if (message === undefined) return;
      this.#call(handler, message);
    }
  }

  #call(handler: (data: Message) => void | Promise<void>, data: Message): void {
    try {
      const pending = handler(data);
      if (!pending) return;
      this.#handling = true;
      pending.then(
        () => this.#handled(),
        (error) => this.#handled(error),
      );
    } catch (error) {
      this.#failHandler(error);
    }
  }

  #handled(error?: unknown): void {
    this.#handling = false;
    if (error !== undefined) this.#failHandler(error);
    this.#pump();
  }

  /** §7.4.1: 1011, "the server is terminating the connection because it encountered an unexpected condition". */
  #failHandler(cause: unknown): void {
    this.#error ??= cause instanceof Error ? cause : new Error(String(cause));
    this.#machine.fail({ closeCode: CloseCode.InternalError, message: 'the program behind this endpoint failed' });
    this.#startClosing({ discard: true });
  }

  #startClosing({ discard }: { discard: boolean }): void {
    if (this.#readyState !== 1) return;
    this.#readyState = 2;
    this.#inbox.end({ discard });
    this.#keepalive?.stop();
    this.#armCloseTimer();
  }

  /** One write for what one turn of the event loop produced. */
  #scheduleFlush(): void {
    if (this.#machine.outputBytes >= GATHER_BYTES && !this.#pumping) {
      this.#flush();
    } else if (!this.#flushScheduled && !this.#pumping) {
      this.#flushScheduled = true;
      process.nextTick(() => {
        this.#flushScheduled = false;
        this.#flush();
      });
    }
  }

  #flush(): void {
    const socket = this.#socket;
    if (this.#machine.outputBytes > 0 && !this.#ended) {
      const gather = this.#machine.outputBytes <= GATHER_BYTES;
      const output = this.#machine.takeOutput();
      if (output.length === 1) {
        socket.write(output[0] as Uint8Array, this.#written);
      } else if (gather) {
        socket.write(Buffer.concat(output), this.#written);
      } else {
        socket.cork();
        for (const bytes of output) socket.write(bytes, this.#written);
        socket.uncork();
      }
      this.#machine.holdPongs(socket.writableLength > PONG_BACKLOG_BYTES);
    }
    if (this.#machine.shouldEnd && !this.#ended) {
      this.#ended = true;
      socket.end();
      this.#armCloseTimer();
    }
  }

  /** After each write that the kernel took. One function for all of them: nothing is made per message. */
  readonly #written = (): void => {
    if (this.#socket.destroyed) return; // then writes end without having been taken
    if (this.#socket.writableLength <= PONG_BACKLOG_BYTES) {
      this.#machine.holdPongs(false);
      if (this.#machine.outputBytes > 0) this.#scheduleFlush();
    }
    if (this.#drainWaiters.length > 0 && this.bufferedAmount <= this.#highWaterMarkBytes / 2) {
      for (const waiter of this.#drainWaiters.splice(0)) waiter.resolve();
    }
  };

  /** Reads from the socket or stops: a consumer that is slow slows the peer down, through TCP. */
  #steer(): void {
    // Once closing, reading goes on to the end: the peer's Close frame and TCP's end must be seen.
    const reading = this.#wantsMore() || this.#machine.shouldEnd || this.#machine.state === 'closed';
    if (reading === !this.#socket.isPaused() && this.#socket.readableFlowing !== null) return;
    if (reading) this.#socket.resume();
    else this.#socket.pause();
    this.#keepalive?.suspend(!reading);
  }

  #receivedEnd(): void {
    this.#machine.receiveEnd();
    this.#startClosing({ discard: this.#closedByUs });
    this.#flush();
    if (!this.#ended) {
      this.#ended = true;
      this.#socket.end();
    }
  }

  #sendPing(): void {
    this.#machine.ping();
    this.#scheduleFlush();
  }

  #die(error: Error): void {
    this.#error ??= error;
    this.abort();
  }

  #armCloseTimer(): void {
    this.#clock.clearTimeout(this.#closeTimer);
    this.#bytesLeftAtTimer = this.bufferedAmount;
    this.#closeTimer = this.#clock.setTimeout(() => {
      // What was sent before close() may take its time on a slow line: only standstill is a reason to give up.
      if (this.bufferedAmount > 0 && this.bufferedAmount < this.#bytesLeftAtTimer) this.#armCloseTimer();
      else this.abort();
    }, this.#closeTimeoutMs);
  }

  #finish(): void {
    if (this.#readyState === 3) return;
    this.#readyState = 3;
    this.#machine.receiveEnd();
    this.#inbox.end({ discard: this.#closedByUs });
    this.#keepalive?.stop();
    this.#clock.clearTimeout(this.#closeTimer);
    const error = closedError();
    for (const waiter of this.#drainWaiters.splice(0)) waiter.reject(error);
    this.#roundTrips.fail(error);
    const { code, reason } = this.#machine.closeStatus ?? {
      code: CloseCode.AbnormalClosure,
      reason: this.#error?.message ?? '',
    };
    this.#resolveClosed({
      code,
      reason,
      wasClean: this.#wasClean,
      ...(this.#error && !this.#wasClean ? { error: this.#error } : {}),
    });
  }
}

function closedError(): ConnectionError {
  return new ConnectionError('CLOSED', 'the connection closed');
}
