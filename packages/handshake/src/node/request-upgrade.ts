import type { Socket } from 'node:net';
import { type ClientOffer, checkResponse, createRequest } from '../client.ts';
import { HandshakeError } from '../errors.ts';
import { encodeRequestHead, type HeadLimits, parseResponseHead, type ResponseHead } from '../head.ts';
import { createKey } from '../key.ts';
import { readUntil } from './read-until.ts';
import { bytesBehind, guardErrors, handOut, type Upgraded } from './socket.ts';

/** What to ask for, and how long to wait. */
export interface RequestUpgradeOptions extends Omit<ClientOffer, 'key'> {
  /** From the call to the complete answer, connecting included; default 10 000. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly limits?: HeadLimits | undefined;
}

/** Interim answers (1xx) that are skipped before a server is taken to be stuck. */
const MAX_INTERIM_RESPONSES = 10;

/**
 * Opens a WebSocket on a socket that is connected or connecting (RFC 6455 §4.1); a TLS socket gets the request only
 * when its certificate was accepted.
 *
 * @throws HandshakeError (as a rejection; the socket is destroyed) whatever `createRequest`, `parseResponseHead` and
 *   `checkResponse` throw, TIMEOUT, ABORTED (`cause`: the signal's reason), CONNECTION_LOST (`cause`: the socket's error)
 */
export async function requestUpgrade(
  socket: Socket,
  options: RequestUpgradeOptions,
): Promise<Upgraded & { response: ResponseHead }> {
  const { timeoutMs = 10_000, signal, limits } = options;
  guardErrors(socket);
  try {
    const offer: ClientOffer = { ...options, key: createKey() };
    const request = encodeRequestHead(createRequest(offer));
    const onReady = () => void socket.write(request);
    const step = finalResponse(limits);
    const { head: response, rest } = await readUntil(socket, step, { timeoutMs, limits, signal, onReady });
    const accepted = checkResponse(response, offer);
    handOut(socket);
    return { socket, rest, accepted, response };
  } catch (error) {
    socket.destroy();
    // 408 is what a server would answer; a client that gave up has no status to show.
    if (error instanceof HandshakeError && error.code === 'TIMEOUT') throw new HandshakeError('TIMEOUT', error.message);
    throw error;
  }
}

/** Skips 1xx other than 101: they announce the answer and are not it (RFC 9110 §15.2). Each is within `limits`. */
export function finalResponse(limits: HeadLimits | undefined) {
  let from = 0;
  let skipped = 0;
  return (bytes: Buffer): { head: ResponseHead; rest: Uint8Array<ArrayBuffer> } | undefined => {
    for (;;) {
      const parsed = parseResponseHead(bytes.subarray(from), limits);
      if (parsed === undefined) return undefined;
      from += parsed.byteLength;
      const { status } = parsed.head;
      if (status < 200 && status !== 101 && ++skipped <= MAX_INTERIM_RESPONSES) continue;
      return { head: parsed.head, rest: bytesBehind(bytes, from) };
    }
  };
}
