import type { Socket } from 'node:net';
import type { ReadableStream, WritableStream } from 'node:stream/web';
import { CloseCode, type Message } from '@wsferry/frames';
import type { DeflateParameters } from '@wsferry/frames/deflate';
import type { RequestHead, ResponseHead } from '@wsferry/handshake';
import { checkedOptions } from './checked-options.ts';
import type { Clock } from './clock.ts';
import { CloseTimer } from './close-timer.ts';
import { agreedDeflate, compressionFor } from './compression.ts';
import { DrainWaiters } from './drain-waiters.ts';
import { ConnectionError } from './errors.ts';
import { Keepalive } from './keepalive.ts';
import type { CloseResult, ConnectionOptions, ConnectionParts } from './options.ts';
import { type ConnectionEvent, ConnectionProtocol } from './protocol.ts';
import { type MessageHandler, Reading } from './reading.ts';
import { slabFor } from './reused-memory.ts';
import { RoundTrips } from './round-trips.ts';
import { SocketWriter } from './socket-writer.ts';
import { readableOf, writableOf } from './web-streams.ts';

/** How long a peer's Close may wait for the messages before it: half of what peers commonly wait for its answer. */
const MOST_PATIENCE_MS = 5000;

/**
 * An open WebSocket on a TCP or TLS socket. Read it by iterating, by setting `onMessage`, or as web streams; text comes as
 * a string, binary as bytes that are yours. Made by `connect`, `listen` and `takeOver`.
 *
 * Iteration ends when the connection closes, however it ends; `closed` says how.
 */
export class Connection implements AsyncIterable<string | Uint8Array> {
  /** The subprotocol that was agreed on, else the empty string. */
  readonly protocol: string;
  /** What was agreed on for permessage-deflate; `undefined` when messages are not compressed. */
  readonly deflate: DeflateParameters | undefined;
  readonly url: string;
  /** The request that opened it, on the server; its answer, on the client. */
  readonly request: RequestHead | undefined;
  readonly response: ResponseHead | undefined;
  /** The peer's IP address; at a server behind `trustedProxies` the client's. Undefined for a Unix socket. */
  readonly remoteAddress: string | undefined;
  /** Settles when TCP is closed. Never rejects. */
  readonly closed: Promise<CloseResult>;

  readonly #socket: Socket;
  readonly #machine: ConnectionProtocol;
  readonly #reading: Reading;
  readonly #writer: SocketWriter;
  readonly #keepalive: Keepalive | undefined;
  readonly #roundTrips: RoundTrips;
  readonly #closeTimer: CloseTimer;
  readonly #drainWaiters = new DrainWaiters();
  readonly #highWaterMarkBytes: number;
  #resolveClosed!: (result: CloseResult) => void;
  readonly #clock: Clock;
  readonly #patienceMs: number;
  #patience: unknown;
  #readyState: 1 | 2 | 3 = 1;
  /** The program itself called `close`, `abort` or `fail`. */
  #closedByUs = false;
  #wasClean = false;
  #error: Error | undefined;
  #readable: ReadableStream<Message> | undefined;
  #writable: WritableStream<Message> | undefined;

  /**
   * The socket is ours from here on. Throws `ConnectionError` `BAD_ARGUMENT` for options that are none, and
   * `DeflateNegotiationError` when a server's answer does not fit what `options.deflate` offered.
   */
  constructor(parts: ConnectionParts, options: ConnectionOptions = {}) {
    const settings = checkedOptions(options);
    const { role, socket, rest, accepted, url, request, response } = parts;
    this.protocol = accepted.protocol;
    this.deflate = agreedDeflate(role, accepted, options.deflate);
    this.url = url;
    this.request = request;
    this.response = response;
    this.remoteAddress = parts.remoteAddress ?? socket.remoteAddress;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });

    this.#socket = socket;
    const { maxMessageBytes, thresholdBytes, level, clock, keepalive } = settings;
    const compression = compressionFor(role, this.deflate, level);
    const slab = slabFor(socket);
    this.#machine = new ConnectionProtocol({ role, maxMessageBytes, compression, thresholdBytes, slab });
    this.#reading = new Reading(this.#machine, settings.receiveHighWaterMarkBytes, {
      pong: (payload) => this.#roundTrips.finish(payload),
      over: (event) => this.#over(event),
      closeWaits: () => this.#limitPatience(),
      failed: (cause) => this.fail(cause),
      settled: () => {
        this.#writer.flush();
        this.#steer();
      },
    });
    this.#closeTimer = new CloseTimer(clock, settings.closeTimeoutMs, {
      unsentBytes: () => this.bufferedAmount,
      giveUp: () => this.#socket.destroy(),
    });
    this.#writer = new SocketWriter(socket, this.#machine, slab.memory, {
      progress: () => this.#wakeDrained(),
      ended: () => this.#closeTimer.start(),
    });
    this.#clock = clock;
    this.#patienceMs = Math.min(MOST_PATIENCE_MS, settings.closeTimeoutMs / 2);
    this.#highWaterMarkBytes = settings.highWaterMarkBytes;
    this.#roundTrips = new RoundTrips(clock);
    this.#keepalive =
      keepalive &&
      new Keepalive(keepalive, clock, {
        ping: () => this.#sendControl(() => this.#machine.ping()),
        pong: () => this.#sendControl(() => this.#machine.pong()),
        dead: () => this.#die(new ConnectionError('CLOSED', 'the peer is gone: silent even after a ping')),
      });
    this.#attach(rest);
  }

  /** As in the WHATWG standard: 1 open, 2 closing, 3 closed. 0, connecting, lies before this object exists. */
  get readyState(): 0 | 1 | 2 | 3 {
    return this.#readyState;
  }

  /** Bytes given to `send` (with their frame headers) that the kernel has not taken yet. */
  get bufferedAmount(): number {
    return this.#writer.bufferedAmount;
  }

  /** Bytes that have come from the peer since TCP opened, those of Pings and of TLS included: while they grow, it is not silent. */
  get bytesReceived(): number {
    return this.#socket.bytesRead;
  }

  /**
   * Called with each message, in order, instead of iterating. While a promise it returned is pending the next message
   * waits; if it throws or rejects, the connection fails with 1011 and `closed` has the `error`.
   */
  get onMessage(): MessageHandler | undefined {
    return this.#reading.handler;
  }

  set onMessage(handler: MessageHandler | undefined) {
    this.#reading.handler = handler;
  }

  /**
   * Sends one message: a string as text, bytes as binary; the bytes are copied. `false` means that more than
   * `highWaterMarkBytes` wait: the message was taken all the same, now await `drained()`.
   * With permessage-deflate it is compressed, unless it is short or `compress` is false.
   *
   * Once the peer has closed or the line broke the message is dropped, as the peer would drop it (§5.5.1), and the answer
   * is `false`: a loop that answers what it reads can read to the end. `drained()` then rejects. Throws `ConnectionError`
   * `NOT_OPEN` when it was this side that closed, `BAD_ARGUMENT` for what is neither a string nor a Uint8Array.
   */
  send(data: string | Uint8Array, options?: { compress?: boolean }): boolean {
    if (!this.#isOpen) {
      if (!this.#closedByUs) return false;
      throw new ConnectionError('NOT_OPEN', `expected an open connection to send, readyState is ${this.#readyState}`);
    }
    this.#machine.send(data, options);
    this.#scheduleFlush();
    return this.bufferedAmount <= this.#highWaterMarkBytes;
  }

  /** Waits until half of `highWaterMarkBytes` is free. Rejects with `CLOSED` when the connection ends, or on `signal`. */
  drained({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (!this.#isOpen) return Promise.reject(closedError());
    if (this.bufferedAmount <= this.#highWaterMarkBytes / 2) return Promise.resolve();
    return this.#drainWaiters.wait(signal);
  }

  /**
   * Sends a Ping (§5.5.2) and gives the milliseconds until its Pong, which comes behind whatever the peer sent before it:
   * while nobody reads and the inbox is full, it waits. Rejects with `CLOSED` when the connection ends.
   */
  ping(): Promise<number> {
    if (!this.#isOpen) {
      return Promise.reject(
        new ConnectionError('NOT_OPEN', `expected an open connection to ping, readyState is ${this.#readyState}`),
      );
    }
    const { payload, roundTrip } = this.#roundTrips.start();
    this.#sendControl(() => this.#machine.ping(payload));
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
      this.#reading.pump();
    }
    return this.closed;
  }

  /**
   * The program behind this connection failed: closes with 1011 (§7.4.1) without waiting for the peer's Close. `closed`
   * has `cause` as its `error`; the peer is not told it.
   */
  fail(cause: unknown): Promise<CloseResult> {
    if (this.#readyState === 1) {
      this.#error ??= cause instanceof Error ? cause : new Error(String(cause));
      this.#closedByUs = true;
      this.#machine.fail({ closeCode: CloseCode.InternalError, message: 'the program behind this endpoint failed' });
      this.#startClosing({ discard: true });
      this.#reading.pump();
    }
    return this.closed;
  }

  /** Ends at once, without a closing handshake: the peer sees 1006. */
  abort(): void {
    if (this.#readyState === 1) this.#closedByUs = true;
    this.#socket.destroy();
  }

  /**
   * The messages as a web stream, instead of iterating; made once. Nothing is read ahead. It ends when the connection
   * closes cleanly and fails with `CLOSED` when it does not; cancelling it closes the connection.
   */
  get readable(): ReadableStream<Message> {
    this.#readable ??= readableOf(this);
    return this.#readable;
  }

  /**
   * A web stream that sends each chunk as one message and waits while the output is full; made once. Closing it closes the
   * connection, aborting it aborts the connection.
   */
  get writable(): WritableStream<Message> {
    this.#writable ??= writableOf(this);
    return this.#writable;
  }

  [Symbol.asyncIterator](): AsyncIterator<string | Uint8Array, undefined> {
    return {
      next: () => this.#reading.read(),
      // Leaving a loop leaves the connection open: closing it is the owner's word, not the reader's.
      return: () => Promise.resolve({ done: true, value: undefined }),
    };
  }

  /**
   * Whether what is sent can still go out. When the line breaks, the socket is destroyed at once and its `close` comes in a
   * later turn, which a loop of `send` and `drained` would never let come.
   */
  get #isOpen(): boolean {
    return this.#readyState === 1 && !this.#socket.destroyed;
  }

  #attach(rest: Uint8Array): void {
    const socket = this.#socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Uint8Array) => {
      this.#keepalive?.heard();
      this.#machine.receive(chunk);
      this.#reading.pump();
    });
    socket.on('end', () => this.#receivedEnd());
    socket.on('error', (error) => {
      this.#error ??= error;
    });
    socket.on('close', () => this.#finish());
    if (socket.destroyed) queueMicrotask(() => this.#finish());
    else if (rest.length > 0) socket.unshift(rest);
    this.#steer();
  }

  /** The peer waits for its Close to be answered, with a timer of its own: what still is to be done gets this long. */
  #limitPatience(): void {
    this.#patience ??= this.#clock.setTimeout(() => this.#reading.loseHoldOfClose(), this.#patienceMs);
  }

  #over(event: Exclude<ConnectionEvent, { type: 'message' | 'pong' }>): void {
    if (event.type === 'failure') this.#error ??= event.error;
    else this.#wasClean = true;
    this.#startClosing({ discard: this.#closedByUs });
  }

  #startClosing({ discard }: { discard: boolean }): void {
    if (this.#readyState !== 1) return;
    this.#readyState = 2;
    this.#reading.end({ discard });
    this.#keepalive?.stop();
    this.#closeTimer.start();
  }

  #scheduleFlush(): void {
    if (!this.#reading.pumping) this.#writer.schedule(); // else the end of the pump writes
  }

  #wakeDrained(): void {
    if (this.#drainWaiters.waiting && this.bufferedAmount <= this.#highWaterMarkBytes / 2) this.#drainWaiters.resolve();
  }

  /** Reads from the socket or stops: a consumer that is slow slows the peer down, through TCP. */
  #steer(): void {
    // Once the peer's input is over, TCP's end must still be seen.
    const reading = this.#reading.wantsMore || this.#machine.shouldEnd || this.#machine.state === 'closed';
    if (reading === !this.#socket.isPaused() && this.#socket.readableFlowing !== null) return;
    if (reading) this.#socket.resume();
    else this.#socket.pause();
    this.#keepalive?.suspend(!reading);
  }

  #receivedEnd(): void {
    this.#machine.receiveEnd();
    this.#startClosing({ discard: this.#closedByUs });
    this.#writer.endWhenDone();
  }

  #sendControl(send: () => void): void {
    if (!this.#isOpen) return;
    send();
    this.#scheduleFlush();
  }

  #die(error: Error): void {
    this.#error ??= error;
    this.#socket.destroy();
  }

  #finish(): void {
    if (this.#readyState === 3) return;
    this.#startClosing({ discard: this.#closedByUs });
    this.#readyState = 3;
    this.#machine.receiveEnd();
    this.#closeTimer.stop();
    this.#writer.closed();
    this.#clock.clearTimeout(this.#patience);
    if (this.#drainWaiters.waiting) this.#drainWaiters.reject(closedError());
    if (this.#roundTrips.waiting) this.#roundTrips.fail(closedError());
    const error = this.#error;
    const { code, reason } = this.#machine.closeStatus ?? {
      code: CloseCode.AbnormalClosure,
      reason: error?.message ?? '',
    };
    this.#resolveClosed({ code, reason, wasClean: this.#wasClean, ...(error && !this.#wasClean ? { error } : {}) });
  }
}

function closedError(): ConnectionError {
  return new ConnectionError('CLOSED', 'the connection closed');
}
