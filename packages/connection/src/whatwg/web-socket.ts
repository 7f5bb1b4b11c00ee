import { setMaxListeners } from 'node:events';
import { header } from '@wsferry/handshake';
import { connect } from '../client.ts';
import type { Connection } from '../connection.ts';
import type { CloseResult } from '../options.ts';
import { assertProtocols, currentEnvironment, isBlockedPort, parseAddress } from './address.ts';
import { BROWSER_OPTIONS, bindOptions, optionsOf, tell, type WebSocketClassOptions } from './class-options.ts';
import { EventHandlers } from './event-handlers.ts';
import { CloseEvent, messageEvent } from './events.ts';
import { Outgoing } from './outgoing.ts';
import { newTask } from './task.ts';
import type { WebSocketConstructor, WebSocket as WebSocketInstance } from './types.ts';
import {
  assertArguments,
  illegalInvocation,
  toClampedUnsignedShort,
  toMessageData,
  toStringOrSequence,
  toUsvString,
} from './webidl.ts';

/** So much may be taken from the connection before its listeners have run: enough for a turn's worth of small messages. */
const MAX_AHEAD_BYTES = 64 * 1024;

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

const { dispatchEvent } = EventTarget.prototype;

const WebSocketClass = class WebSocket extends EventTarget {
  readonly #url: URL;
  readonly #handlers = new EventHandlers(this);
  readonly #outgoing = new Outgoing();
  readonly #giveUp = new AbortController();
  #readyState = CONNECTING;
  #protocol = '';
  #extensions = '';
  #binaryType = 'blob';

  constructor(url: unknown, protocols: unknown = []) {
    // biome-ignore lint/complexity/noArguments: undefined is an argument, none is an error
    assertArguments('WebSocket', 1, arguments.length);
    const address = toUsvString(url);
    const names = toStringOrSequence(protocols);
    const { baseUrl, origin } = currentEnvironment();
    const parsed = parseAddress(address, baseUrl);
    assertProtocols(names);
    super();
    setMaxListeners(0, this); // Node warns at eleven listeners, browsers never
    this.#url = parsed;
    void this.#run(names, origin, optionsOf(new.target));
  }

  get url(): string {
    return this.#url.href;
  }

  get readyState(): number {
    return this.#readyState;
  }

  get bufferedAmount(): number {
    return this.#outgoing.bufferedAmount;
  }

  get onopen(): object | null {
    return this.#handlers.get('open');
  }

  set onopen(handler: unknown) {
    this.#handlers.set('open', handler);
  }

  get onerror(): object | null {
    return this.#handlers.get('error');
  }

  set onerror(handler: unknown) {
    this.#handlers.set('error', handler);
  }

  get onclose(): object | null {
    return this.#handlers.get('close');
  }

  set onclose(handler: unknown) {
    this.#handlers.set('close', handler);
  }

  get extensions(): string {
    return this.#extensions;
  }

  get protocol(): string {
    return this.#protocol;
  }

  close(...args: [code?: unknown, reason?: unknown]): void {
    if (!(#url in this)) throw illegalInvocation();
    const code = args[0] === undefined ? undefined : toClampedUnsignedShort(args[0]);
    const reason = args[1] === undefined ? undefined : toUsvString(args[1]);
    if (code !== undefined && code !== 1000 && (code < 3000 || code > 4999)) {
      throw new DOMException(`expected a close code of 1000 or 3000–4999, got ${code}`, 'InvalidAccessError');
    }
    if (reason !== undefined && Buffer.byteLength(reason) > 123) {
      const bytes = Buffer.byteLength(reason);
      throw new DOMException(`expected a reason of at most 123 bytes, got ${bytes}`, 'SyntaxError');
    }
    if (this.#readyState === CONNECTING) this.#giveUp.abort();
    // A reason needs a code before it in the frame: 1000 when none was given.
    else if (this.#readyState === OPEN) this.#outgoing.close(code ?? (reason ? 1000 : undefined), reason ?? '');
    if (this.#readyState < CLOSING) this.#readyState = CLOSING;
  }

  get onmessage(): object | null {
    return this.#handlers.get('message');
  }

  set onmessage(handler: unknown) {
    this.#handlers.set('message', handler);
  }

  get binaryType(): string {
    return this.#binaryType;
  }

  set binaryType(value: unknown) {
    if (!(#url in this)) throw illegalInvocation();
    const type = `${value}`;
    if (type === 'blob' || type === 'arraybuffer') this.#binaryType = type;
  }

  send(data: unknown): void {
    if (!(#url in this)) throw illegalInvocation();
    // biome-ignore lint/complexity/noArguments: undefined is an argument, none is an error
    assertArguments('send', 1, arguments.length);
    const message = toMessageData(data);
    if (this.#readyState === CONNECTING) {
      throw new DOMException('expected an open WebSocket to send, this one is connecting', 'InvalidStateError');
    }
    const bytes = messageBytes(message);
    if (this.#readyState === OPEN) this.#outgoing.send(message, bytes);
    else this.#outgoing.drop(bytes);
  }

  /** From "establish a WebSocket connection" to "the WebSocket connection is closed". Never rejects. */
  async #run(protocols: string[], origin: string | undefined, options: WebSocketClassOptions): Promise<void> {
    let result: CloseResult | undefined;
    let error: unknown;
    try {
      const connection = await this.#establish(protocols, origin, options);
      this.#open(connection);
      let ahead = 0;
      for await (const data of connection) {
        // Each message is a task of its own; several may wait for theirs in one turn of the event loop.
        const delivered = newTask(() => this.#deliver(data));
        ahead += data.length + 64;
        if (ahead < MAX_AHEAD_BYTES) continue;
        ahead = 0;
        await delivered;
      }
      await newTask();
      if (this.#readyState === OPEN) this.#readyState = CLOSING;
      result = await connection.closed;
      error = result.error;
    } catch (cause) {
      error = cause;
    }
    await this.#closed(result, error, options.onFailure);
  }

  async #establish(protocols: string[], origin: string | undefined, options: WebSocketClassOptions) {
    const { onFailure: _, headers = [], ...rest } = options;
    const { signal } = this.#giveUp;
    if (isBlockedPort(this.#url)) throw new Error(`expected a port that Fetch does not block, got ${this.#url.port}`);
    const sendsOrigin = origin !== undefined && !headers.some(([name]) => name.toLowerCase() === 'origin');
    const connection = await connect(this.#url.href, {
      ...BROWSER_OPTIONS,
      ...rest,
      text: 'string',
      headers: sendsOrigin ? [...headers, ['Origin', origin]] : headers,
      protocols,
      signal,
    });
    await newTask();
    const unanswered = protocols.length > 0 && connection.protocol === '';
    if (!unanswered && !signal.aborted) return connection;
    connection.abort();
    await connection.closed;
    signal.throwIfAborted();
    // Stricter than RFC 6455 §4.1, which lets a server choose none of the subprotocols.
    throw new Error(`expected the server to choose one of the subprotocols ${protocols.join(', ')}, got none`);
  }

  #open(connection: Connection): void {
    this.#outgoing.open(connection);
    this.#readyState = OPEN;
    this.#extensions = header(connection.response?.headers ?? [], 'Sec-WebSocket-Extensions') ?? '';
    this.#protocol = connection.protocol;
    this.#fire(new Event('open'));
  }

  #deliver(data: string | Uint8Array): void {
    if (this.#readyState !== OPEN) return;
    const content =
      typeof data === 'string' ? data : this.#binaryType === 'blob' ? new Blob([data]) : wholeBuffer(data);
    this.#fire(messageEvent(content, this.#url.origin));
  }

  /**
   * Without a Close frame from the peer the connection was failed (RFC 6455 §7.1.7), or TCP's end must be taken as its
   * failure (§7.2.1): then there is an error, and whatever code we sent ourselves, 1006 is what is reported.
   */
  async #closed(result: CloseResult | undefined, error: unknown, onFailure: WebSocketClassOptions['onFailure']) {
    const wasClean = result?.wasClean ?? false;
    // Two tasks at once: they run back to back, with the microtasks of the error's listeners in between.
    const [first, second] = [newTask(), newTask()];
    await first;
    this.#readyState = CLOSED;
    this.#outgoing.end(wasClean);
    if (!wasClean) {
      tell(onFailure, error ?? new Error('TCP ended without a Close frame'), this.#url.href);
      this.#fire(new Event('error'));
    }
    await second;
    const { code, reason } = result && wasClean ? result : { code: 1006, reason: '' };
    this.#fire(new CloseEvent('close', { wasClean, code, reason }));
  }

  #fire(event: Event): void {
    dispatchEvent.call(this, event);
  }
};

const enumerable = { enumerable: true };
for (const name of ['url', 'readyState', 'bufferedAmount', 'onopen', 'onerror', 'onclose', 'extensions', 'protocol']) {
  Object.defineProperty(WebSocketClass.prototype, name, enumerable);
}
for (const name of ['close', 'onmessage', 'binaryType', 'send']) {
  Object.defineProperty(WebSocketClass.prototype, name, enumerable);
}
for (const target of [WebSocketClass, WebSocketClass.prototype]) {
  for (const [name, value] of Object.entries({ CONNECTING, OPEN, CLOSING, CLOSED })) {
    Object.defineProperty(target, name, { value, ...enumerable });
  }
}
Object.defineProperty(WebSocketClass.prototype, Symbol.toStringTag, { value: 'WebSocket', configurable: true });

/**
 * The browser's `WebSocket` (https://websockets.spec.whatwg.org/), on `connect`. Where Node makes it differ:
 *
 * - Events are made by a script, so `isTrusted` is false. An exception in a listener becomes an `uncaughtException`,
 *   and microtasks run after all listeners of an event, not after each: that is Node's EventTarget.
 * - There is no page: a relative URL is a SyntaxError and no Origin header is sent, unless there is a
 *   `globalThis.location`. No cookies, no mixed-content or content-security rules.
 * - After 60 s without an answer connecting fails; a message over 64 MiB fails the connection; a peer that is silent for
 *   20 s is pinged and given up after another 20 s. `webSocketClass` changes these.
 *
 * Where browsers differ from each other it keeps to the text: TCP's end without a Close frame is a failure, so an `error`
 * comes before `close` (RFC 6455 §7.2.1; Chromium has none), `close(undefined, reason)` sends 1000, and `[Clamp]` rounds
 * a code to the nearest even. Only subprotocols count as repeated in any case, as the web-platform-tests ask.
 */
export const WebSocket = WebSocketClass as unknown as WebSocketConstructor;
export type WebSocket = WebSocketInstance;

/**
 * A `WebSocket` class whose connections are made with further options of `connect` (`headers`, `tls`, `proxy`,
 * `maxMessageBytes`, …), for code that takes a class: `new Client(url, { WebSocket: webSocketClass({ tls: { ca } }) })`.
 */
export function webSocketClass(options: WebSocketClassOptions): WebSocketConstructor {
  const Bound = class WebSocket extends WebSocketClass {};
  Object.defineProperty(Bound, 'length', { value: 1, configurable: true });
  bindOptions(Bound, options);
  return Bound as unknown as WebSocketConstructor;
}

function messageBytes(message: string | Uint8Array | Blob): number {
  if (typeof message === 'string') return Buffer.byteLength(message);
  return message instanceof Blob ? message.size : message.byteLength;
}

/** The message in a buffer of its own: `data` may be a part of what came from the socket. */
function wholeBuffer(data: Uint8Array): ArrayBufferLike {
  return data.byteLength === data.buffer.byteLength ? data.buffer : data.slice().buffer;
}
