import { setImmediate } from 'node:timers';
import type { Connection } from '../connection.ts';

/** A Close frame without a code: `Connection.close` takes 1005 for that. */
const NO_STATUS = 1005;

interface Waiting {
  /** What to send; or, without it, the closing handshake to start. */
  readonly data?: string | Uint8Array | Blob;
  readonly bytes: number;
  readonly start?: () => void;
}

const { arrayBuffer } = Blob.prototype;

/**
 * What `send` was given and has not left yet: it keeps the order when a Blob must be read first, and counts for
 * `bufferedAmount`. At most one Blob is in memory at a time, and only once most of what was sent before it has gone.
 */
export class Outgoing {
  #connection: Connection | undefined;
  /** Behind a Blob that is being read, that Blob first. */
  #line: Waiting[] = [];
  #waitingBytes = 0;
  /** Given to the connection and, when last looked, not yet to the kernel. */
  #handedBytes = 0;
  /** Given to `send` when it was too late: counted for ever. */
  #droppedBytes = 0;
  #measured = false;

  open(connection: Connection): void {
    this.#connection = connection;
  }

  /**
   * Bytes of application data that had not left when the current task began, and those of this task: while a task runs
   * the number can only grow.
   */
  get bufferedAmount(): number {
    if (this.#handedBytes > 0) this.#measureOncePerTask();
    return this.#handedBytes + this.#waitingBytes + this.#droppedBytes;
  }

  send(data: string | Uint8Array | Blob, bytes: number): void {
    this.#measureOncePerTask();
    if (this.#line.length === 0 && !(data instanceof Blob)) {
      this.#hand(data, bytes);
      return;
    }
    this.#waitingBytes += bytes;
    // A view is of the caller's buffer, which may have changed when its turn comes.
    this.#wait({ data: data instanceof Uint8Array ? data.slice() : data, bytes });
  }

  /** Counts what will never be sent. */
  drop(bytes: number): void {
    this.#droppedBytes += bytes;
  }

  /** Starts the closing handshake after everything that was sent before. */
  close(code: number | undefined, reason: string): void {
    const start = () => void this.#connection?.close(code ?? NO_STATUS, reason);
    if (this.#line.length === 0) start();
    else this.#wait({ bytes: 0, start });
  }

  /** The connection is gone. `clean`: all that was handed to it went out before its Close frame. */
  end(clean: boolean): void {
    this.#droppedBytes += this.#waitingBytes + (clean ? 0 : this.#handedBytes);
    this.#waitingBytes = this.#handedBytes = 0;
    this.#line = [];
    this.#connection = undefined;
  }

  #wait(item: Waiting): void {
    if (this.#line.push(item) === 1) void this.#work();
  }

  /** Never rejects. */
  async #work(): Promise<void> {
    for (let item = this.#line[0]; item; item = this.#line[0]) {
      item.start?.();
      if (item.data !== undefined) {
        const data = await this.#read(item.data);
        if (this.#line[0] !== item) return; // the connection ended meanwhile
        if (data === undefined) {
          // A file behind a Blob went away. A peer must not take what follows for the whole: fail the connection.
          this.#connection?.abort();
          return;
        }
        this.#measureOncePerTask();
        this.#waitingBytes -= item.bytes;
        this.#hand(data, item.bytes);
      }
      this.#line.shift();
    }
  }

  async #read(data: string | Uint8Array | Blob): Promise<string | Uint8Array | undefined> {
    if (!(data instanceof Blob)) return data;
    try {
      await this.#connection?.drained();
      return new Uint8Array(await arrayBuffer.call(data));
    } catch {
      return undefined;
    }
  }

  #hand(data: string | Uint8Array, bytes: number): void {
    // The peer may have closed already, and our readyState not have followed yet: that is a task of its own.
    if (this.#connection?.readyState !== 1) {
      this.#droppedBytes += bytes;
      return;
    }
    this.#connection.send(data);
    this.#handedBytes += bytes;
  }

  #measureOncePerTask(): void {
    if (this.#measured) return;
    this.#measured = true;
    this.#measure();
    setImmediate(() => {
      this.#measured = false;
      this.#measure();
    });
  }

  /** The connection counts frames with their headers: of ours at most as much waits. */
  #measure(): void {
    if (!this.#connection || this.#connection.readyState === 3) return;
    this.#handedBytes = Math.min(this.#handedBytes, this.#connection.bufferedAmount);
  }
}
