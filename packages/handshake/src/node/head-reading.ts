import type { Socket } from 'node:net';
import { HandshakeError } from '../errors.ts';
import { HEAD_LIMITS, type HeadLimits } from '../head.ts';
import { connectionLost } from './socket.ts';

/** Who reads a head from a socket. */
export interface HeadReader {
  /** Whether these, all bytes so far, are enough. Throws what is wrong with them. */
  read(bytes: Buffer): boolean;
  /** They were enough. The socket still flows. */
  found(): void;
  /** What `read` threw, or TIMEOUT or CONNECTION_LOST. */
  failed(error: unknown): void;
}

/** A socket leads to its reading, so that its listeners are the same functions for all of them. */
const READING = Symbol('wsferry reading');

interface ReadSocket extends Socket {
  [READING]: HeadReading | undefined;
}

/**
 * Reads from a socket until its reader has found what it wants, or the time is up. The socket must be guarded (its errors are
 * ignored: after each comes `close`); afterwards it has no listeners of ours but that guard.
 */
export class HeadReading {
  readonly #socket: ReadSocket;
  readonly #reader: HeadReader;
  readonly #limits: HeadLimits | undefined;
  readonly #timeoutMs: number;
  #timer: NodeJS.Timeout | undefined;
  /** Made when the first chunk is not enough. */
  #input: Input | undefined;
  #over = false;

  constructor(socket: Socket, reader: HeadReader, timeoutMs: number, limits: HeadLimits | undefined) {
    this.#socket = socket as ReadSocket;
    this.#reader = reader;
    this.#timeoutMs = timeoutMs;
    this.#limits = limits;
  }

  begin(): void {
    const socket = this.#socket;
    if (socket.destroyed || socket.readableEnded) {
      this.fail(connectionLost(socket.errored ?? undefined));
      return;
    }
    socket[READING] = this;
    this.#timer = setTimeout(onTimeout, this.#timeoutMs, this);
    socket.on('data', onData).on('end', onClose).on('close', onClose);
    socket.resume();
  }

  /** Ends the reading, as if `read` had thrown. */
  fail(error: unknown): void {
    if (this.#over) return;
    this.#stop();
    this.#reader.failed(error);
  }

  received(chunk: Buffer): void {
    try {
      if (!this.#reads(chunk)) return;
    } catch (error) {
      this.fail(error);
      return;
    }
    this.#stop();
    this.#reader.found();
  }

  timedOut(): void {
    const bytes = this.#input?.length ?? 0;
    const message = `expected the handshake within ${this.#timeoutMs} ms, got ${bytes} bytes of it`;
    this.fail(new HandshakeError('TIMEOUT', message, { status: 408 }));
  }

  /** Most heads come in one piece: then that is read where it lies. */
  #reads(chunk: Buffer): boolean {
    if (this.#input === undefined) {
      if (this.#reader.read(chunk)) return true;
      this.#input = new Input(this.#limits);
      this.#input.push(chunk);
      return false;
    }
    return this.#input.push(chunk) && this.#reader.read(this.#input.bytes());
  }

  #stop(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    // Else a connection would keep its handshake, with the whole head, for as long as it lives.
    this.#socket[READING] = undefined;
    this.#socket.off('data', onData).off('end', onClose).off('close', onClose);
  }
}

function onData(this: ReadSocket, chunk: Buffer): void {
  this[READING]?.received(chunk);
}

function onClose(this: ReadSocket): void {
  this[READING]?.fail(connectionLost(this.errored ?? undefined));
}

function onTimeout(reading: HeadReading): void {
  reading.timedOut();
}

const LF = 0x0a;

/** Room for what comes behind a first part of a head: most heads are shorter. */
const INPUT_BYTES = 1024;

/** All bytes so far. Says when reading the head again can tell something new, so that a byte at a time stays cheap. */
class Input {
  /** The first chunk itself, and once that is not all a buffer of our own, with room for more. */
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
