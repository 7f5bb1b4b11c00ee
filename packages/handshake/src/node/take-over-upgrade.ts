import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { HandshakeError } from '../errors.ts';
import { encodeRequestHead, parseRequestHead, type RequestHead } from '../head.ts';
import { refusal } from '../refusal.ts';
import type { ServerPolicy } from '../server.ts';
import { type AcceptedUpgrade, answer } from './accept-upgrade.ts';
import { headOf } from './refuse-http.ts';
import { guardErrors, handOut, sendRefusal } from './socket.ts';

/**
 * Takes over an upgrade that arrived at somebody's own `http.Server`:
 * `server.on('upgrade', (request, socket, head) => takeOverUpgrade(request, socket, head, policy))`.
 * The head is rebuilt from the raw headers and judged as strictly as one that we read ourselves.
 *
 * @throws HandshakeError (as a rejection) as `acceptUpgrade`, except for TIMEOUT: the HTTP server has its own
 */
export async function takeOverUpgrade(
  request: IncomingMessage,
  stream: Duplex,
  head: Uint8Array,
  policy: ServerPolicy = {},
): Promise<AcceptedUpgrade> {
  const socket = stream as Socket;
  guardErrors(socket);
  // The HTTP server's idle timeout is about requests; what comes now may be silent for long.
  socket.setTimeout?.(0);
  const { remoteAddress } = socket;
  try {
    const upgraded = answer(socket, judgedHead(request, socket, policy), Uint8Array.from(head), policy, remoteAddress);
    handOut(socket);
    return upgraded;
  } catch (error) {
    if (error instanceof HandshakeError) error.remoteAddress ??= remoteAddress;
    throw error;
  }
}

/** The head, or a refusal that the client gets. */
function judgedHead(request: IncomingMessage, socket: Socket, policy: ServerPolicy): RequestHead {
  try {
    return rebuildHead(request, policy);
  } catch (error) {
    const { code, message, status = 400 } = error as HandshakeError;
    const refused = new HandshakeError(code, message, { status });
    sendRefusal(socket, refusal(refused));
    throw refused;
  }
}

function rebuildHead(request: IncomingMessage, policy: ServerPolicy): RequestHead {
  return parseRequestHead(encodeRequestHead(headOf(request)), policy.limits)!.head;
}
