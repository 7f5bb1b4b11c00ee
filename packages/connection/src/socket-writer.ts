import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { FrameMemory } from './frame-memory.ts';
import type { ConnectionProtocol } from './protocol.ts';

/** Up to here frames that leave together are copied into one write; larger ones are handed over side by side. */
const GATHER_BYTES = 64 * 1024;
/** What Node reads from a socket at once, at most. */
const FULL_READ_BYTES = 64 * 1024;
/** So much output is written even if there is more to read. */
const GATHER_READS_BYTES = 256 * 1024;
/**
 * More unsent output means that the peer does not read: then its Pings are answered once for all (RFC 6455 §5.5.3 allows it).
 * As much as may leave in one write, or what we gathered ourselves would count as the peer's neglect.
 */
const PONG_BACKLOG_BYTES = GATHER_READS_BYTES;
/** So much unsent output is enough for the kernel to be busy with: only below it the next part of a message is compressed. */
const COMPRESS_AHEAD_BYTES = 1024 * 1024;

/** What a writer reports. */
export interface WriterEvents {
  /** The kernel took something. */
  progress(): void;
  /** Our side of TCP has ended: nothing more will be written. */
  ended(): void;
}

/** Brings a protocol's output to the socket: one write for what one turn of the event loop produced. */
export class SocketWriter {
  readonly #socket: Socket;
  readonly #machine: ConnectionProtocol;
  readonly #memory: FrameMemory;
  readonly #events: WriterEvents;
  /** Bytes that the socket got. */
  #handedOver = 0;
  /** Parts of the output that the kernel has not taken, and up to where each goes among the bytes that the socket got. */
  #underWay: { readonly part: Uint8Array; readonly end: number }[] = [];
  #written: (() => void) | undefined;
  /** A flush comes before the event loop goes on. */
  #soon = false;
  /** One comes behind the reads of this turn. */
  #later = false;
  #continuing = false;
  #endsWhenDone = false;
  #ended = false;

  /** `memory` is where the output comes from, and where it goes when it is written. */
  constructor(socket: Socket, machine: ConnectionProtocol, memory: FrameMemory, events: WriterEvents) {
    this.#socket = socket;
    this.#machine = machine;
    this.#memory = memory;
    this.#events = events;
  }

  /** Bytes that were sent and that the kernel has not taken. */
  get bufferedAmount(): number {
    return this.#machine.outputBytes + this.#socket.writableLength;
  }

  /** Writes before the event loop goes on, or now when much is there. */
  schedule(): void {
    if (this.#machine.outputBytes >= GATHER_BYTES) {
      this.flush();
    } else {
      if (this.#soon) return;
      this.#soon = true;
      process.nextTick(() => {
        this.#soon = false;
        this.flush();
      });
    }
  }

  /**
   * `flush` once a chunk of so many bytes is dealt with. After a full one Node reads the next at once: the answers to several
   * then leave together, since each write wakes the peer.
   */
  flushAfterRead(chunkBytes: number): void {
    const machine = this.#machine;
    if (chunkBytes < FULL_READ_BYTES || machine.outputBytes >= GATHER_READS_BYTES || machine.shouldEnd) this.flush();
    else if (machine.outputBytes > 0) this.#flushLater();
  }

  #flushLater(): void {
    if (this.#later) return;
    this.#later = true;
    setImmediate(() => {
      this.#later = false;
      this.flush();
    });
  }

  /** Writes what is there, and ends our side of TCP when the protocol says so. */
  flush(): void {
    const machine = this.#machine;
    if (machine.outputBytes > 0 && !this.#ended) {
      this.#write(machine.takeOutput());
      machine.holdPongs(this.#socket.writableLength > PONG_BACKLOG_BYTES);
      if (machine.hasUnfinishedOutput) this.#continueLater();
    }
    if (machine.shouldEnd || (this.#endsWhenDone && !machine.hasUnfinishedOutput)) this.#end();
  }

  /** Ends our side of TCP once all that was sent is out, also what is not yet compressed. */
  endWhenDone(): void {
    this.#endsWhenDone = true;
    this.flush();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    const socket = this.#socket;
    if (isTcp(socket) && socket.readableEnded && socket.writableLength === 0) {
      // The peer's side has ended, too, and the kernel has all of ours: closing says the same as ending, in one call.
      socket.destroy();
      return;
    }
    socket.end();
    this.#events.ended();
  }

  /** TCP is closed: nothing is under way any more. */
  closed(): void {
    for (const { part } of this.#underWay) this.#memory.giveBack(part);
    this.#underWay = [];
    // What will never be written, such as a Pong that was held until now.
    for (const part of this.#machine.takeOutput()) this.#memory.giveBack(part);
  }

  #write(output: Uint8Array[]): void {
    const socket = this.#socket;
    let bytes = 0;
    for (const part of output) bytes += part.length;
    this.#handedOver += bytes;
    if (bytes <= GATHER_BYTES && (output.length > 1 || socket.writableLength > 0)) {
      // Copied also when it must wait: a few bytes would keep the whole slab that they lie in.
      const gathered = Buffer.concat(output, bytes);
      for (const part of output) this.#memory.giveBack(part);
      socket.write(gathered, this.#callback());
      return;
    }
    if (output.length > 1) socket.cork();
    for (const part of output) socket.write(part, this.#callback());
    if (output.length > 1) socket.uncork();
    if (socket.writableLength === 0 && this.#underWay.length === 0) {
      // Most often the kernel takes a write at once, and its memory is free for the next.
      for (const part of output) this.#memory.giveBack(part);
      return;
    }
    let end = this.#handedOver - bytes;
    for (const part of output) {
      end += part.length;
      this.#underWay.push({ part, end });
    }
    this.#giveBack();
  }

  /** Gives back what the kernel has taken. */
  #giveBack(): void {
    const taken = this.#handedOver - this.#socket.writableLength;
    let count = 0;
    for (const { part, end } of this.#underWay) {
      if (end > taken) break;
      this.#memory.giveBack(part);
      count++;
    }
    if (count > 0) this.#underWay.splice(0, count);
  }

  /** What each write calls when the kernel took it. One function for all of them, made with the first. */
  #callback(): () => void {
    this.#written ??= () => this.#took();
    return this.#written;
  }

  #took(): void {
    if (this.#socket.destroyed) return; // then writes end without having been taken
    if (this.#underWay.length > 0) this.#giveBack();
    if (this.#socket.writableLength <= PONG_BACKLOG_BYTES) {
      this.#machine.holdPongs(false);
      if (this.#machine.outputBytes > 0) this.schedule();
    }
    if (this.#machine.hasUnfinishedOutput) this.#continueLater();
    this.#events.progress();
  }

  /** The next part of a long message is compressed in the event loop's next turn, if the kernel takes what is there. */
  #continueLater(): void {
    if (this.#continuing || this.#socket.writableLength > COMPRESS_AHEAD_BYTES) return;
    this.#continuing = true;
    setImmediate(() => {
      this.#continuing = false;
      if (this.#socket.destroyed) return;
      this.#machine.continueSending();
      this.flush();
    });
  }
}

/** And not TLS, which has its own farewell, nor another stream, which may not have delivered what it calls written. */
function isTcp(socket: Socket): boolean {
  return socket instanceof Socket && !(socket instanceof TLSSocket);
}
