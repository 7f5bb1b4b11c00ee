import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { clientAddress } from '../addresses.ts';
import { HandshakeError } from '../errors.ts';
import { HEAD_LIMITS, type HeadLimits, parseRequestText, type RequestHead, responseText } from '../head.ts';
import { refusal } from '../refusal.ts';
import { answerRequest, isUpgradeRequest, type ServerPolicy } from '../server.ts';
import { type HeadReader, HeadReading } from './head-reading.ts';
import { bytesBehind, connectionLost, guardErrors, sendRefusal, type Upgraded, unguardErrors } from './socket.ts';

/** How a server reads a request. */
export interface AcceptUpgradeOptions {
  /** For the complete head; default 10 000. Afterwards the answer is 408. */
  readonly timeoutMs?: number | undefined;
  /** Gets every request that is no upgrade, untouched, through its `connection` event. It need not listen itself. */
  readonly http?: Server | undefined;
  readonly limits?: HeadLimits | undefined;
}

/** What a server gets. */
export type AcceptedUpgrade = Upgraded & {
  readonly request: RequestHead;
  /**
   * The request as it came, up to its empty line, each code point one byte; absent where an HTTP server read it. Whoever
   * keeps requests for long keeps this: the list of fields takes several times as much memory.
   */
  readonly requestText?: string | undefined;
  /** The client's, see `trustedProxies`; undefined for a Unix socket. */
  readonly remoteAddress: string | undefined;
};

/**
 * Reads a request from a fresh connection and answers it (RFC 6455 §4.2). `undefined`: it was no upgrade and now
 * belongs to `options.http`.
 *
 * @throws HandshakeError (as a rejection) what `parseRequestHead` and `answerRequest` find wrong, and TIMEOUT: the peer
 *   gets a complete HTTP answer and the connection closes. CONNECTION_LOST: the peer left. An error thrown by the
 *   policy's own functions is answered with 500 and thrown on.
 */
export function acceptUpgrade(
  socket: Socket,
  policy: ServerPolicy = {},
  options: AcceptUpgradeOptions = {},
): Promise<AcceptedUpgrade | undefined> {
  return new Promise((resolve, reject) => {
    const listener = acceptUpgrades(
      {
        opened: (upgraded) => {
          socket.pause();
          guardErrors(socket);
          // What the write has set off comes before, and what comes later finds the listeners of whoever awaits.
          queueMicrotask(() => {
            if (socket.destroyed) return reject(connectionLost(socket.errored ?? undefined));
            unguardErrors(socket);
            resolve(upgraded);
          });
        },
        handedOn: () => resolve(undefined),
        refused: reject,
      },
      policy,
      options,
    );
    listener(socket);
  });
}

/** What becomes of a server's connections. A handler that throws is an uncaught exception. */
export interface UpgradeHandlers {
  /**
   * A WebSocket has opened. Its socket flows and carries no listener of ours: attach yours, or pause it, before you return,
   * or bytes and errors are lost.
   */
  opened(upgraded: AcceptedUpgrade): void;
  /** None opened, see what {@link acceptUpgrade} throws. It was answered. */
  refused(error: unknown, socket: Socket): void;
  /** It was no upgrade and now belongs to `options.http`. */
  handedOn?(socket: Socket): void;
}

/**
 * For a server with many connections: what {@link acceptUpgrade} does, as a listener for its `connection` event (with TLS
 * `secureConnection`) that makes no promise for each.
 */
export function acceptUpgrades(
  handlers: UpgradeHandlers,
  policy: ServerPolicy = {},
  options: AcceptUpgradeOptions = {},
): (socket: Socket) => void {
  const { timeoutMs = 10_000, http, limits = policy.limits } = options;
  const door: Door = { handlers, policy, timeoutMs, http, limits };
  return (socket) => new Acceptance(socket, door).begin();
}

/** What all connections of a server have in common. */
interface Door {
  readonly handlers: UpgradeHandlers;
  readonly policy: ServerPolicy;
  readonly timeoutMs: number;
  readonly http: Server | undefined;
  readonly limits: HeadLimits | undefined;
}

/** One connection, from its first byte to the answer. */
class Acceptance implements HeadReader {
  readonly #socket: Socket;
  readonly #door: Door;
  /** Asked for now: a socket that is gone does not tell it any more. */
  readonly #remoteAddress: string | undefined;
  #bytes: Buffer | undefined;
  #parsed: ReturnType<typeof parseRequestText>;

  constructor(socket: Socket, door: Door) {
    this.#socket = socket;
    this.#door = door;
    this.#remoteAddress = socket.remoteAddress;
  }

  begin(): void {
    const { timeoutMs, limits } = this.#door;
    guardErrors(this.#socket);
    new HeadReading(this.#socket, this, timeoutMs, limits).begin();
  }

  read(bytes: Buffer): boolean {
    const { limits = {} } = this.#door;
    const { maxHeadBytes = HEAD_LIMITS.maxHeadBytes } = limits;
    this.#bytes = bytes;
    // One byte above the limit tells that it is exceeded; what follows a head may be long.
    this.#parsed = parseRequestText(bytes.toString('latin1', 0, Math.min(bytes.length, maxHeadBytes + 1)), limits);
    return this.#parsed !== undefined;
  }

  found(): void {
    const { policy, http, handlers } = this.#door;
    const socket = this.#socket;
    const { head, byteLength } = this.#parsed!;
    const bytes = this.#bytes!;
    let upgraded: AcceptedUpgrade;
    try {
      if (socket.destroyed) throw connectionLost(socket.errored ?? undefined);
      if (http !== undefined && !isUpgradeRequest(head)) {
        handToHttp(socket, bytes, http);
        handlers.handedOn?.(socket);
        return;
      }
      const rest = bytesBehind(bytes, byteLength);
      const requestText = bytes.toString('latin1', 0, byteLength);
      upgraded = answer(socket, head, rest, policy, this.#remoteAddress, requestText);
    } catch (error) {
      this.#refused(error);
      return;
    }
    unguardErrors(socket);
    handlers.opened(upgraded);
  }

  failed(error: unknown): void {
    if (error instanceof HandshakeError && error.status !== undefined) sendRefusal(this.#socket, refusal(error));
    else this.#socket.destroy();
    this.#refused(error);
  }

  #refused(error: unknown): void {
    if (error instanceof HandshakeError) error.remoteAddress ??= this.#remoteAddress;
    this.#door.handlers.refused(error, this.#socket);
  }
}

/** Answers a request whose head is known, on a guarded socket. */
export function answer(
  socket: Socket,
  request: RequestHead,
  rest: Uint8Array<ArrayBuffer>,
  policy: ServerPolicy,
  socketAddress: string | undefined,
  requestText?: string,
): AcceptedUpgrade {
  const remoteAddress = clientAddress(request.headers, socketAddress, policy.trustedProxies);
  let verdict: ReturnType<typeof answerRequest>;
  try {
    verdict = answerRequest(request, policy, { remoteAddress });
  } catch (error) {
    // The policy's own fault; the peer is told no more than that.
    sendRefusal(socket, refusal({ status: 500, message: 'The server could not judge this request.' }));
    throw error;
  }
  if (!verdict.ok) {
    sendRefusal(socket, verdict);
    verdict.error.remoteAddress = remoteAddress;
    throw verdict.error;
  }
  if (!socket.destroyed) socket.write(responseText(verdict.response), 'latin1');
  if (socket.destroyed) throw connectionLost(socket.errored ?? undefined);
  return { socket, request, requestText, rest, accepted: verdict.accepted, remoteAddress };
}

/** The bytes go back to the front of the stream, so that the HTTP server reads them as if nobody had before. */
function handToHttp(socket: Socket, bytes: Uint8Array, http: Server): void {
  socket.pause();
  socket.unshift(bytes);
  unguardErrors(socket);
  http.emit('connection', socket);
  socket.resume();
}
