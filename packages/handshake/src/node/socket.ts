import type { Socket } from 'node:net';
import type { Accepted } from '../client.ts';
import { HandshakeError } from '../errors.ts';
import { encodeResponseHead, HEAD_LIMITS, type HeadLimits, type ResponseHead } from '../head.ts';

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

const LF = 0x0a;

const NOTHING = new Uint8Array(0);

/**
 * Keeps the socket's errors from crashing the process while it is ours. The release is for the moment the caller takes
 * over: it runs in the same turn of microtasks as the caller's `await`, so no event falls between.
 */
export function guardErrors(socket: Socket): () => void {
  socket.on('error', ignore);
  return () => socket.off('error', ignore);
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
export function handOut(socket: Socket, release: () => void): void {
  socket.pause();
  if (socket.destroyed) throw connectionLost(socket.errored ?? undefined);
  release();
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

export interface ReadOptions {
  readonly timeoutMs: number;
  readonly limits: HeadLimits | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Runs when the socket can be written to. */
  readonly onReady?: () => void;
}

/**
 * Reads until `step` finds what it wants at the start of all bytes so far, or throws. The socket is guarded (its errors are
 * ignored: after each comes `close`), and afterwards paused and without listeners of ours but the guard. The promise rejects with what `step` threw, or TIMEOUT, ABORTED, CONNECTION_LOST.
 */
export function readUntil<T>(
  socket: Socket,
  step: (bytes: Buffer) => T | undefined,
  { timeoutMs, limits, signal, onReady }: ReadOptions,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (socket.destroyed || socket.readableEnded) return reject(connectionLost(socket.errored ?? undefined));
    if (signal?.aborted) return reject(aborted(signal));

    const input = new Input(limits);
    const stop = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off('data', onData).off('end', onClose).off('close', onClose);
      if (ready !== undefined) socket.off(ready, onWritable);
      socket.pause();
    };
    const fail = (error: unknown) => {
      stop();
      reject(error);
    };
    const attempt = (action: () => T | undefined) => {
      try {
        const found = action();
        if (found === undefined) return;
        stop();
        resolve(found);
      } catch (error) {
        fail(error);
      }
    };
    const onData = (chunk: Buffer) => {
      if (input.push(chunk)) attempt(() => step(input.bytes()));
    };
    const onClose = () => fail(connectionLost(socket.errored ?? undefined));
    const onAbort = () => fail(aborted(signal!));
    const onWritable = () =>
      attempt(() => {
        onReady?.();
        return undefined;
      });
    const timer = setTimeout(() => {
      const message = `expected the handshake within ${timeoutMs} ms, got ${input.length} bytes of it`;
      fail(new HandshakeError('TIMEOUT', message, { status: 408 }));
    }, timeoutMs);

    const ready = pendingEvent(socket);
    signal?.addEventListener('abort', onAbort);
    socket.on('data', onData).on('end', onClose).on('close', onClose);
    socket.resume();
    if (ready === undefined) onWritable();
    else socket.once(ready, onWritable);
  });
}

/** The event to wait for before writing. A TLS client must not send its request to a server it does not trust yet. */
function pendingEvent(socket: Socket & { secureConnecting?: boolean }): 'connect' | 'secureConnect' | undefined {
  if (socket.secureConnecting) return 'secureConnect';
  return socket.connecting ? 'connect' : undefined;
}

function aborted(signal: AbortSignal): HandshakeError {
  return new HandshakeError('ABORTED', 'expected the handshake to finish, got an abort', { cause: signal.reason });
}

/** Room for what comes behind a first part of a head: most heads are shorter. */
const INPUT_BYTES = 1024;

/** All bytes so far. Says when reading the head again can tell something new, so that a byte at a time stays cheap. */
class Input {
  /** The first chunk itself, and only when that is not all: a buffer of our own, with room for more. */
  #buffer: Buffer = Buffer.alloc(0);
  length = 0;
  #lineBytes = 0;
  readonly #maxLineBytes: number;
  readonly #maxHeadBytes: number;

  constructor(limits: HeadLimits | undefined) {
    this.#maxLineBytes = limits?.maxLineBytes ?? HEAD_LIMITS.maxLineBytes;
    this.#maxHeadBytes = limits?.maxHeadBytes ?? HEAD_LIMITS.maxHeadBytes;
  }

  push(chunk: Buffer): boolean {
    const length = this.length + chunk.length;
    if (this.length === 0) this.#buffer = chunk;
    else this.#append(chunk, length);
    this.length = length;
    const lf = chunk.lastIndexOf(LF);
    this.#lineBytes = lf < 0 ? this.#lineBytes + chunk.length : chunk.length - lf - 1;
    return lf >= 0 || this.#lineBytes > this.#maxLineBytes || length > this.#maxHeadBytes;
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.length);
  }

  #append(chunk: Buffer, length: number): void {
    if (length > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(length, 2 * this.#buffer.length, INPUT_BYTES));
      this.#buffer.copy(larger, 0, 0, this.length);
      this.#buffer = larger;
    }
    chunk.copy(this.#buffer, this.length);
  }
}
