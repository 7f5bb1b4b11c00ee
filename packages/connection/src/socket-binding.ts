import { Socket } from 'node:net';
import { CloseCode } from '@wsferry/frames';
import type { ConnectionSettings } from './checked-options.ts';
import { CloseTimer, type CloseTimerActions } from './close-timer.ts';
import { DrainWaiters } from './drain-waiters.ts';
import { ConnectionError } from './errors.ts';
import { Keepalive, type KeepaliveActions } from './keepalive.ts';
import { messageMemory } from './message-memory.ts';
import type { CloseResult } from './options.ts';
import { ConnectionProtocol } from './protocol.ts';
import type { Compression } from './protocol-options.ts';
import { Reading, type ReadingEvents, type ReadingOver } from './reading.ts';
import { slabFor } from './reused-memory.ts';
import { RoundTrips } from './round-trips.ts';
import { SocketWriter, type WriterEvents } from './socket-writer.ts';
import { freeSpent } from './spent-memory.ts';

/** How long a peer's Close may wait for the messages before it: half of what peers commonly wait for its answer. */
const MOST_PATIENCE_MS = 5000;

/** A bound socket leads to its binding, so that its listeners are the same four functions for every connection. */
const BINDING = Symbol('wsferry binding');

interface BoundSocket extends Socket {
  [BINDING]: SocketBinding;
}

/**
 * Binds a protocol to a socket: what a `Connection` does, without its face. It keeps the parts together that a connection
 * consists of, and is itself what they report to. What only some connections need is made when it is needed: most of them
 * are idle most of the time.
 */
export class SocketBinding implements ReadingEvents, WriterEvents, KeepaliveActions, CloseTimerActions {
  readonly socket: Socket;
  readonly machine: ConnectionProtocol;
  readonly reading: Reading;
  readonly writer: SocketWriter;
  readonly settings: ConnectionSettings;
  /** As `Connection.readyState`. */
  readyState: 1 | 2 | 3 = 1;
  /** The program itself called `close`, `abort` or `fail`. */
  closedByUs = false;
  readonly #keepalive: Keepalive | undefined;
  #closeTimer: CloseTimer | undefined;
  #drainWaiters: DrainWaiters | undefined;
  #roundTrips: RoundTrips | undefined;
  #patience: unknown;
  #wasClean = false;
  /** Of what is being read at this moment. */
  #chunkBytes = 0;
  #error: Error | undefined;
  #closed: Promise<CloseResult> | undefined;
  #resolveClosed: ((result: CloseResult) => void) | undefined;
  #result: CloseResult | undefined;

  constructor(
    role: 'client' | 'server',
    socket: Socket,
    rest: Uint8Array,
    settings: ConnectionSettings,
    compression: Compression | undefined,
  ) {
    const { maxMessageBytes, thresholdBytes, text, keepalive, receiveHighWaterMarkBytes } = settings;
    this.settings = settings;
    this.socket = socket;
    const slab = slabFor(socket);
    this.machine = new ConnectionProtocol({
      role,
      maxMessageBytes,
      compression,
      thresholdBytes,
      slab,
      messageMemory,
      text,
      // Of any other stream somebody else may have the same chunks.
      spent: socket instanceof Socket ? freeSpent : undefined,
    });
    this.reading = new Reading(this.machine, receiveHighWaterMarkBytes, this);
    this.writer = new SocketWriter(socket, this.machine, slab.memory, this);
    this.#keepalive = keepalive && new Keepalive(keepalive, this);
    this.#attach(rest);
  }

  /**
   * Whether what is sent can still go out. When the line breaks, the socket is destroyed at once and its `close` comes in a
   * later turn, which a loop of `send` and `drained` would never let come.
   */
  get isOpen(): boolean {
    return this.readyState === 1 && !this.socket.destroyed;
  }

  get closed(): Promise<CloseResult> {
    this.#closed ??= new Promise((resolve) => {
      if (this.#result === undefined) this.#resolveClosed = resolve;
      else resolve(this.#result);
    });
    return this.#closed;
  }

  get drainWaiters(): DrainWaiters {
    this.#drainWaiters ??= new DrainWaiters();
    return this.#drainWaiters;
  }

  get roundTrips(): RoundTrips {
    this.#roundTrips ??= new RoundTrips(this.settings.clock);
    return this.#roundTrips;
  }

  scheduleFlush(): void {
    if (!this.reading.pumping) this.writer.schedule(); // else the end of the pump writes
  }

  /** This side closes: what still comes is dropped. The protocol knows already. */
  closeOurselves(): void {
    this.closedByUs = true;
    this.#startClosing({ discard: true });
    this.reading.pump();
  }

  /** The connection ends without a closing handshake. */
  destroy(error?: Error): void {
    this.#error ??= error;
    this.socket.destroy();
  }

  /** What will be the `error` of a connection that ends uncleanly; the first one counts. */
  blame(error: Error): void {
    this.#error ??= error;
  }

  fail(cause: unknown): void {
    if (this.readyState !== 1) return;
    this.blame(cause instanceof Error ? cause : new Error(String(cause)));
    this.machine.fail({ closeCode: CloseCode.InternalError, message: 'the program behind this endpoint failed' });
    this.closeOurselves();
  }

  // What its parts report.

  ponged(payload: Uint8Array): void {
    this.#roundTrips?.finish(payload);
  }

  over(event: ReadingOver): void {
    if (event.type === 'failure') this.blame(event.error);
    else this.#wasClean = true;
    this.#startClosing({ discard: this.closedByUs });
  }

  /** The peer waits for its Close to be answered, with a timer of its own: what still is to be done gets this long. */
  closeWaits(): void {
    const { clock, closeTimeoutMs } = this.settings;
    const patienceMs = Math.min(MOST_PATIENCE_MS, closeTimeoutMs / 2);
    this.#patience ??= clock.setTimeout(() => this.reading.loseHoldOfClose(), patienceMs);
  }

  failed(cause: unknown): void {
    this.fail(cause);
  }

  settled(): void {
    this.writer.flushAfterRead(this.#chunkBytes);
    this.#steer();
  }

  progress(): void {
    const waiters = this.#drainWaiters;
    if (waiters?.waiting) waiters.resolve(this.unsentBytes());
  }

  ended(): void {
    this.#startCloseTimer();
  }

  sendPing(): void {
    if (!this.isOpen) return;
    this.machine.ping();
    this.scheduleFlush();
  }

  sendPong(): void {
    if (!this.isOpen) return;
    this.machine.pong();
    this.scheduleFlush();
  }

  dead(): void {
    this.destroy(new ConnectionError('CLOSED', 'the peer is gone: silent even after a ping'));
  }

  unsentBytes(): number {
    return this.writer.bufferedAmount;
  }

  giveUp(): void {
    this.socket.destroy();
  }

  // What the socket reports.

  received(chunk: Uint8Array): void {
    this.#keepalive?.heard();
    this.machine.receive(chunk);
    this.#chunkBytes = chunk.length;
    this.reading.pump();
    this.#chunkBytes = 0;
  }

  receivedEnd(): void {
    this.machine.receiveEnd();
    this.#startClosing({ discard: this.closedByUs });
    this.writer.endWhenDone();
  }

  finish(): void {
    if (this.readyState === 3) return;
    if (this.readyState === 1) this.#stopReading({ discard: this.closedByUs });
    this.readyState = 3;
    this.machine.receiveEnd();
    this.#closeTimer?.stop();
    this.writer.closed();
    this.settings.clock.clearTimeout(this.#patience);
    this.#drainWaiters?.reject(closedError());
    this.#roundTrips?.fail(closedError());
    const error = this.#error;
    const { code, reason } = this.machine.closeStatus ?? {
      code: CloseCode.AbnormalClosure,
      reason: error?.message ?? '',
    };
    this.#result = { code, reason, wasClean: this.#wasClean, ...(error && !this.#wasClean ? { error } : {}) };
    this.#resolveClosed?.(this.#result);
  }

  #attach(rest: Uint8Array): void {
    const socket = this.socket as BoundSocket;
    socket[BINDING] = this;
    socket.setNoDelay(true);
    socket.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
    if (socket.destroyed) queueMicrotask(() => this.finish());
    else if (rest.length > 0) socket.pause().unshift(rest);
    this.#steer();
  }

  #startClosing({ discard }: { discard: boolean }): void {
    if (this.readyState !== 1) return;
    this.readyState = 2;
    this.#stopReading({ discard });
    this.#startCloseTimer();
  }

  #stopReading({ discard }: { discard: boolean }): void {
    this.reading.end({ discard });
    this.#keepalive?.stop();
  }

  #startCloseTimer(): void {
    const { clock, closeTimeoutMs } = this.settings;
    this.#closeTimer ??= new CloseTimer(clock, closeTimeoutMs, this);
    this.#closeTimer.start();
  }

  /** Reads from the socket or stops: a consumer that is slow slows the peer down, through TCP. */
  #steer(): void {
    // Once the peer's input is over, TCP's end must still be seen.
    const reading = this.reading.wantsMore || this.machine.shouldEnd || this.machine.state === 'closed';
    if (reading === !this.socket.isPaused() && this.socket.readableFlowing !== null) return;
    if (reading) this.socket.resume();
    else this.socket.pause();
    this.#keepalive?.suspend(!reading);
  }
}

export function closedError(): ConnectionError {
  return new ConnectionError('CLOSED', 'the connection closed');
}

function onData(this: BoundSocket, chunk: Uint8Array): void {
  this[BINDING].received(chunk);
}

function onEnd(this: BoundSocket): void {
  this[BINDING].receivedEnd();
}

function onError(this: BoundSocket, error: Error): void {
  this[BINDING].blame(error);
}

function onClose(this: BoundSocket): void {
  this[BINDING].finish();
}
