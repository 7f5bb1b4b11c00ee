import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { clientAddress } from '../addresses.ts';
import { HandshakeError } from '../errors.ts';
import { HEAD_LIMITS, type HeadLimits, parseRequestText, type RequestHead, responseText } from '../head.ts';
import { refusal } from '../refusal.ts';
import { answerRequest, isUpgradeRequest, type ServerPolicy } from '../server.ts';
import { bytesBehind, connectionLost, guardErrors, handOut, readUntil, sendRefusal, type Upgraded } from './socket.ts';

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
export async function acceptUpgrade(
  socket: Socket,
  policy: ServerPolicy = {},
  options: AcceptUpgradeOptions = {},
): Promise<AcceptedUpgrade | undefined> {
  const { timeoutMs = 10_000, http, limits = policy.limits } = options;
  const release = guardErrors(socket);
  let read: ReturnType<typeof readHead> & {};
  try {
    read = await readUntil(socket, (bytes) => readHead(bytes, limits), { timeoutMs, limits });
  } catch (error) {
    if (error instanceof HandshakeError && error.status !== undefined) sendRefusal(socket, refusal(error));
    else socket.destroy();
    throw error;
  }
  const { head, byteLength, bytes } = read;
  if (http !== undefined && !isUpgradeRequest(head)) {
    handToHttp(socket, bytes, http, release);
    return undefined;
  }
  const upgraded = answer(socket, head, bytesBehind(bytes, byteLength), policy, release);
  return { ...upgraded, requestText: bytes.toString('latin1', 0, byteLength) };
}

function readHead(bytes: Buffer, limits: HeadLimits = {}) {
  const { maxHeadBytes = HEAD_LIMITS.maxHeadBytes } = limits;
  // One byte above the limit tells that it is exceeded; what follows a head may be long.
  const parsed = parseRequestText(bytes.toString('latin1', 0, Math.min(bytes.length, maxHeadBytes + 1)), limits);
  return parsed && { ...parsed, bytes };
}

/** Answers a request whose head is known, on a socket guarded by `release`. */
export function answer(
  socket: Socket,
  request: RequestHead,
  rest: Uint8Array<ArrayBuffer>,
  policy: ServerPolicy,
  release: () => void,
): AcceptedUpgrade {
  const remoteAddress = clientAddress(request.headers, socket.remoteAddress, policy.trustedProxies);
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
  handOut(socket, release);
  return { socket, request, rest, accepted: verdict.accepted, remoteAddress };
}

/** The bytes go back to the front of the stream, so that the HTTP server reads them as if nobody had before. */
function handToHttp(socket: Socket, bytes: Uint8Array, http: Server, release: () => void): void {
  if (socket.destroyed) throw connectionLost(socket.errored ?? undefined);
  socket.unshift(bytes);
  release();
  http.emit('connection', socket);
  socket.resume();
}
