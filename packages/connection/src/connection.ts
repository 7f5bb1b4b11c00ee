import type { Socket } from 'node:net';
import type { ReadableStream, WritableStream } from 'node:stream/web';
import type { TLSSocket } from 'node:tls';
import { CloseCode, type Message } from '@wsferry/frames';
import type { DeflateParameters } from '@wsferry/frames/deflate';
import { header, parseRequestHead, type RequestHead, type ResponseHead } from '@wsferry/handshake';
import { ConnectionSettings, checkedOptions } from './checked-options.ts';
import { agreedDeflate, compressionFor } from './compression.ts';
import { ConnectionError } from './errors.ts';
import type { CloseResult, ConnectionOptions, ConnectionParts, DrainedOptions } from './options.ts';
import type { SendOptions } from './protocol-options.ts';
import type { MessageHandler } from './reading.ts';
import { closedError, SocketBinding } from './socket-binding.ts';
import { readableOf, writableOf } from './web-streams.ts';

/**
 * An open WebSocket on a TCP or TLS socket. Read it by iterating, by setting `onMessage`, or as web streams; text comes as
 * a string (or as `TextBytes`, see the option `text`), binary as bytes that are yours. Made by `connect`, `listen` and `takeOver`.
 *
 * Iteration ends when the connection closes, however it ends; `closed` says how.
 */
export class Connection implements AsyncIterable<string | Uint8Array> {
  /** The subprotocol that was agreed on, else the empty string. */
  readonly protocol: string;
  /** What was agreed on for permessage-deflate; `undefined` when messages are not compressed. */
  readonly deflate: DeflateParameters | undefined;
  /** The answer to the request that opened it, on the client. */
  readonly response: ResponseHead | undefined;
  /** The peer's IP address; at a server behind `trustedProxies` the client's. Undefined for a Unix socket. */
  readonly remoteAddress: string | undefined;
  readonly #binding: SocketBinding;
  #url: string | undefined;
  /** As text, until somebody asks. */
  #request: RequestHead | string | undefined;
  #readable: ReadableStream<Message> | undefined;
  #writable: WritableStream<Message> | undefined;

  /**
   * The socket is ours from here on. Throws `ConnectionError` `BAD_ARGUMENT` for options that are none, and
   * `DeflateNegotiationError` when a server's answer does not fit what `options.deflate` offered.
   */
  constructor(parts: ConnectionParts, options?: ConnectionOptions);
  /** With options that were judged before: a server has them for all its connections. */
  constructor(parts: ConnectionParts, settings: ConnectionSettings);
  constructor(parts: ConnectionParts, options: ConnectionOptions | ConnectionSettings = {}) {
    const settings = options instanceof ConnectionSettings ? options : checkedOptions(options);
    const { role, socket, rest, accepted, url, request, response } = parts;
    this.protocol = accepted.protocol;
    this.deflate = agreedDeflate(role, accepted, settings.deflate);
    this.#url = url;
    this.#request = request;
    this.response = response;
    this.remoteAddress = parts.remoteAddress ?? socket.remoteAddress;
    const compression = compressionFor(role, this.deflate, settings.level);
    if (compression) socket.once('close', compression.release);
    this.#binding = new SocketBinding(role, socket, rest, settings, compression);
  }

  /** What was asked for: on the client as it was given, on the server with the name that the client has for it. */
  get url(): string {
    this.#url ??= requestedUrl(this.request, this.#binding.socket);
    return this.#url;
  }

  /** The request that opened it, on the server. */
  get request(): RequestHead | undefined {
    if (typeof this.#request === 'string') this.#request = parsedRequest(this.#request);
    return this.#request;
  }

  /** As in the WHATWG standard: 1 open, 2 closing, 3 closed. 0, connecting, lies before this object exists. */
  get readyState(): 0 | 1 | 2 | 3 {
    return this.#binding.readyState;
  }

  /** Bytes given to `send` (with their frame headers) that the kernel has not taken yet. */
  get bufferedAmount(): number {
    return this.#binding.writer.bufferedAmount;
  }

  /** Bytes that have come from the peer since TCP opened, those of Pings and of TLS included: while they grow, it is not silent. */
  get bytesReceived(): number {
    return this.#binding.socket.bytesRead;
  }

  /** Settles when TCP is closed. Never rejects. */
  get closed(): Promise<CloseResult> {
    return this.#binding.closed;
  }

  /**
   * Called with each message, in order, instead of iterating. While a promise it returned is pending the next message
   * waits; if it throws or rejects, the connection fails with 1011 and `closed` has the `error`.
   */
  get onMessage(): MessageHandler | undefined {
    return this.#binding.reading.handler;
  }

  set onMessage(handler: MessageHandler | undefined) {
    this.#binding.reading.handler = handler;
  }

  /**
   * Sends one message: a string or `TextBytes` as text, other bytes as binary; bytes are copied, unless they are given away
   * (`transfer`). `false` means that more than `highWaterMarkBytes` wait: the message was taken all the same, now await `drained()`.
   * With permessage-deflate it is compressed, unless it is short or `compress` is false.
   *
   * Once the peer has closed or the line broke the message is dropped, as the peer would drop it (§5.5.1), and the answer
   * is `false`: a loop that answers what it reads can read to the end. `drained()` then rejects. Throws `ConnectionError`
   * `NOT_OPEN` when it was this side that closed, `BAD_ARGUMENT` for what is neither a string nor a Uint8Array, and for
   * `TextBytes` that are no UTF-8.
   */
  send(data: string | Uint8Array, options?: SendOptions): boolean {
    const binding = this.#binding;
    if (!binding.isOpen) {
      if (!binding.closedByUs) return false;
      throw new ConnectionError('NOT_OPEN', `expected an open connection to send, readyState is ${this.readyState}`);
    }
    binding.machine.send(data, options);
    binding.scheduleFlush();
    return this.bufferedAmount <= binding.settings.highWaterMarkBytes;
  }

  /**
   * Waits until no more than `belowBytes` wait, half of `highWaterMarkBytes` unless told otherwise. Rejects with `CLOSED` when
   * the connection ends, or on `signal`.
   */
  drained({ signal, belowBytes }: DrainedOptions = {}): Promise<void> {
    const binding = this.#binding;
    const enough = belowBytes ?? binding.settings.highWaterMarkBytes / 2;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (!binding.isOpen) return Promise.reject(closedError());
    if (this.bufferedAmount <= enough) return Promise.resolve();
    return binding.drainWaiters.wait(enough, signal);
  }

  /**
   * Sends a Ping (§5.5.2) and gives the milliseconds until its Pong, which comes behind whatever the peer sent before it:
   * while nobody reads and the inbox is full, it waits. Rejects with `CLOSED` when the connection ends.
   */
  ping(): Promise<number> {
    const binding = this.#binding;
    if (!binding.isOpen) {
      return Promise.reject(
        new ConnectionError('NOT_OPEN', `expected an open connection to ping, readyState is ${this.readyState}`),
      );
    }
    const { payload, roundTrip } = binding.roundTrips.start();
    binding.machine.ping(payload);
    binding.scheduleFlush();
    return roundTrip;
  }

  /**
   * Closes: what was sent goes out first, then a Close frame; the peer answers with its own, and the server ends TCP
   * (§7.1.1). Messages that still come are dropped. Gives what `closed` gives. Throws `BAD_ARGUMENT` for a code that
   * must not be sent, or a reason over 123 bytes. 1005 stands for none: the Close frame is empty (§7.4.1).
   */
  close(code: number = CloseCode.Normal, reason = ''): Promise<CloseResult> {
    const binding = this.#binding;
    binding.machine.close(code === CloseCode.NoStatusReceived ? undefined : { code, reason });
    if (binding.readyState === 1) binding.closeOurselves();
    return binding.closed;
  }

  /**
   * The program behind this connection failed: closes with 1011 (§7.4.1) without waiting for the peer's Close. `closed`
   * has `cause` as its `error`; the peer is not told it.
   */
  fail(cause: unknown): Promise<CloseResult> {
    this.#binding.fail(cause);
    return this.#binding.closed;
  }

  /** Ends at once, without a closing handshake: the peer sees 1006. */
  abort(): void {
    const binding = this.#binding;
    if (binding.readyState === 1) binding.closedByUs = true;
    binding.destroy();
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
      next: () => this.#binding.reading.read(),
      // Leaving a loop leaves the connection open: closing it is the owner's word, not the reader's.
      return: () => Promise.resolve({ done: true, value: undefined }),
    };
  }
}

function requestedUrl(request: RequestHead | undefined, socket: Socket): string {
  const scheme = (socket as TLSSocket).encrypted ? 'wss' : 'ws';
  return request === undefined ? '' : `${scheme}://${header(request.headers, 'Host') ?? ''}${request.target}`;
}

/** It was within the limits when it came. */
const NO_LIMITS = { maxLineBytes: Infinity, maxHeaders: Infinity, maxHeadBytes: Infinity } as const;

function parsedRequest(text: string): RequestHead | undefined {
  return parseRequestHead(Buffer.from(text, 'latin1'), NO_LIMITS)?.head;
}
