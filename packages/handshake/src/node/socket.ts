import type { Socket } from 'node:net';
import type { Accepted } from '../client.ts';
import { HandshakeError } from '../errors.ts';
import { encodeResponseHead, type ResponseHead } from '../head.ts';

/** What both roles get: the socket, paused and without listeners of ours, and what the handshake found out. */
export interface Upgraded {
  /** A `net.Socket`, or the `tls.TLSSocket` that was given. */
  readonly socket: Socket;
  /** Bytes that came behind the head: frames begin here. A copy, yours to write into. */
  readonly rest: Uint8Array<ArrayBuffer>;
  readonly accepted: Accepted;
}

/** How long a refused peer is listened to, so that its unread bytes do not turn into a reset that eats our answer. */
const LINGER_MS = 2000;

const NOTHING = new Uint8Array(0);

/**
 * Keeps the socket's errors from crashing the process while it is ours, until {@link unguardErrors}: which is for the moment
 * the caller takes over, in the same turn of microtasks as the caller's `await`, so that no event falls between.
 */
export function guardErrors(socket: Socket): void {
  socket.on('error', ignore);
}

export function unguardErrors(socket: Socket): void {
  socket.off('error', ignore);
}

function ignore(): void {}

export function connectionLost(cause?: unknown): HandshakeError {
  const why = cause instanceof Error ? `: ${cause.message}` : '';
  return new HandshakeError('CONNECTION_LOST', `expected a handshake, got the end of the connection${why}`, { cause });
}

/** What follows the first `byteLength` bytes: a copy, since the others share its memory. */
export function bytesBehind(bytes: Buffer, byteLength: number): Uint8Array<ArrayBuffer> {
  return bytes.length === byteLength ? NOTHING : new Uint8Array(bytes.subarray(byteLength));
}

/** Pauses the socket and gives it up: the last thing a successful handshake does. */
export function handOut(socket: Socket): void {
  socket.pause();
  if (socket.destroyed) throw connectionLost(socket.errored ?? undefined);
  unguardErrors(socket);
}

/** Writes a complete answer, ends our half, and discards what still comes until the peer ends or time is up. */
export function sendRefusal(socket: Socket, { response, body }: { response: ResponseHead; body: string }): void {
  if (socket.destroyed) return;
  guardErrors(socket);
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
  socket.end(Buffer.concat([encodeResponseHead(response), Buffer.from(body, 'utf8')]));
  socket.resume();
}
