import { TransferError } from './errors.ts';
import { wholeNumberOrInfinity } from './options.ts';
import type { MessagePipe, PipeEnd } from './pipe.ts';

/** One end of {@link pipePair}. */
export interface MemoryPipe extends MessagePipe {
  readonly bufferedAmount: number;
  /** The code the connection was closed with, by either end; 1006 after `abort()`, `undefined` while it is open. */
  readonly closeCode: number | undefined;
  readonly closed: Promise<PipeEnd>;
  /** Ends the connection as a cut cable does: what was not delivered is lost. */
  abort(): void;
}

/**
 * Two pipes that talk to each other in memory, as a WebSocket does: messages arrive later, in order, and copied;
 * `send` answers false while more than `highWaterMarkBytes` (default 1 MiB) wait to be read by the other end.
 */
export function pipePair({
  highWaterMarkBytes = 1_048_576,
}: {
  readonly highWaterMarkBytes?: number;
} = {}): [MemoryPipe, MemoryPipe] {
  wholeNumberOrInfinity('highWaterMarkBytes', highWaterMarkBytes, 0);
  let settle!: (end: PipeEnd) => void;
  const closed = new Promise<PipeEnd>((resolve) => {
    settle = resolve;
  });
  const status: Status = { code: undefined, closed, settle };
  const there = new Lane(highWaterMarkBytes);
  const back = new Lane(highWaterMarkBytes);
  return [new End(there, back, status), new End(back, there, status)];
}

interface Status {
  code: number | undefined;
  readonly closed: Promise<PipeEnd>;
  readonly settle: (end: PipeEnd) => void;
}

/** One direction: what was sent and not yet read. */
class Lane {
  readonly #queue: (string | Uint8Array)[] = [];
  readonly #mark: number;
  #waitingBytes = 0;
  #ended = false;
  #reader: (() => void) | undefined;
  #waiters: { readonly belowBytes: number; readonly resolve: () => void }[] = [];

  constructor(mark: number) {
    this.#mark = mark;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  get high(): boolean {
    return this.#waitingBytes > this.#mark && !this.#ended;
  }

  push(message: string | Uint8Array): boolean {
    this.#queue.push(typeof message === 'string' ? message : new Uint8Array(message)); // slice() of a Buffer would not copy
    this.#waitingBytes += message.length;
    this.#reader?.();
    return !this.high;
  }

  end(discard: boolean): void {
    this.#ended = true;
    if (discard) this.#queue.length = 0;
    this.#reader?.();
    this.#release();
  }

  drained(belowBytes = this.#mark): Promise<void> {
    if (this.#ended || this.#waitingBytes <= belowBytes) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ belowBytes, resolve }));
  }

  async read(): Promise<string | Uint8Array | undefined> {
    // Never in the sender's own call stack, as on a network.
    await undefined;
    while (this.#queue.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#reader = resolve;
      });
    }
    const message = this.#queue.shift();
    this.#waitingBytes -= message?.length ?? 0;
    this.#release();
    return message;
  }

  #release(): void {
    if (this.#waiters.length === 0) return;
    const low = ({ belowBytes }: { readonly belowBytes: number }) => this.#ended || this.#waitingBytes <= belowBytes;
    const released = this.#waiters.filter(low);
    this.#waiters = this.#waiters.filter((waiter) => !low(waiter));
    for (const { resolve } of released) resolve();
  }
}

class End implements MemoryPipe {
  readonly #out: Lane;
  readonly #in: Lane;
  readonly #status: Status;

  constructor(out: Lane, incoming: Lane, status: Status) {
    this.#out = out;
    this.#in = incoming;
    this.#status = status;
  }

  get bufferedAmount(): number {
    return this.#out.waitingBytes;
  }

  get closeCode(): number | undefined {
    return this.#status.code;
  }

  get closed(): Promise<PipeEnd> {
    return this.#status.closed;
  }

  send(data: string | Uint8Array): boolean {
    if (this.#status.code !== undefined) throw new TransferError('CONNECTION_LOST', 'the pipe is closed');
    return this.#out.push(data);
  }

  async drained({ signal, belowBytes }: { signal?: AbortSignal; belowBytes?: number } = {}): Promise<void> {
    if (!signal) return this.#out.drained(belowBytes);
    signal.throwIfAborted();
    let stop!: () => void;
    const aborted = new Promise<never>((_resolve, reject) => {
      stop = () => reject(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
    });
    try {
      await Promise.race([this.#out.drained(belowBytes), aborted]);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  close(code = 1000, reason = ''): void {
    this.#end({ code, reason }, false);
  }

  abort(): void {
    this.#end({ code: 1006, reason: '' }, true);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string | Uint8Array, void, undefined> {
    for (let message = await this.#in.read(); message !== undefined; message = await this.#in.read()) yield message;
  }

  #end(end: PipeEnd, discard: boolean): void {
    if (this.#status.code !== undefined) return;
    this.#status.code = end.code;
    this.#status.settle(end);
    this.#out.end(discard);
    this.#in.end(discard);
  }
}
