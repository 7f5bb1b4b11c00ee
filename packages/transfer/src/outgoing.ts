import { TransferError } from './errors.ts';
import {
  type AckFileData,
  type AckFileEnd,
  type AckNewFile,
  type CancelFile,
  type ErrorPacket,
  MAX_ID,
  type PauseFile,
  type ResumeFile,
} from './packets.ts';
import type { FileSource, StoredFile } from './ports.ts';
import { checkNameLength } from './safe-name.ts';
import { SendDriver, type SendPort } from './send-driver.ts';
import type { SendOptions } from './session-options.ts';

/** The files a session sends: gives ids, keeps the number of open ones down, and finds the driver of a packet. */
export class Outgoing {
  readonly #port: SendPort;
  readonly #maxTransfers: number;
  readonly #drivers = new Map<number, SendDriver>();
  readonly #waiting: (() => void)[] = [];
  readonly #firstId: number;
  #open = 0;
  #nextId: number;
  #ended: TransferError | undefined;

  constructor(port: SendPort, options: { readonly firstId: 1 | 2; readonly maxTransfers: number }) {
    this.#port = port;
    this.#firstId = options.firstId;
    this.#nextId = options.firstId;
    this.#maxTransfers = options.maxTransfers;
  }

  /** Offers a file as soon as fewer than `maxTransfers` are open. */
  sendFile(source: FileSource, options: SendOptions): Promise<StoredFile> {
    const result = this.#send(source, options);
    // The caller's copy still rejects; this one only keeps a forgotten promise from ending the process.
    result.catch(() => {});
    return result;
  }

  /** Whether files of that id are sent from here. */
  owns(id: number): boolean {
    return id % 2 === this.#firstId % 2;
  }

  /** What the receiver says to one of our files. Throws TransferError when it is out of place. */
  receive(packet: AckNewFile | AckFileData | AckFileEnd | PauseFile | ResumeFile): void {
    const driver = this.#drivers.get(packet.id);
    if (driver) {
      driver.receive(packet);
      return;
    }
    // Late: it was on the way when the transfer ended.
    if (this.owns(packet.id) && packet.id < this.#nextId) return;
    throw new TransferError(
      'UNKNOWN_TRANSFER',
      `${packet.type} names the transfer ${packet.id}, which was never open`,
      {
        id: packet.id,
      },
    );
  }

  /** CANCEL_FILE or ERROR of the peer, about one of ours or not. */
  stopped(id: number, packet: CancelFile | ErrorPacket): void {
    this.#drivers.get(id)?.receive(packet);
  }

  /** The peer broke a rule in this transfer, and was told. */
  fail(id: number, error: TransferError): void {
    this.#drivers.get(id)?.stop(error, false);
  }

  /** Ends every transfer, and those to come. */
  end(error: TransferError, tell: boolean): void {
    this.#ended ??= error;
    for (const wake of this.#waiting.splice(0)) wake();
    for (const driver of [...this.#drivers.values()]) driver.stop(error, tell);
  }

  async settled(): Promise<void> {
    await Promise.all([...this.#drivers.values()].map((driver) => driver.settled));
  }

  async #send(source: FileSource, options: SendOptions): Promise<StoredFile> {
    const { signal } = options;
    // A packet too long for the peer would not even tell it which transfer to refuse.
    checkNameLength(source.name);
    const leave = await this.#enter(signal);
    let id: number;
    try {
      // Once more: the session may have ended, or the caller may have aborted, in the turn that the place took.
      this.#check(signal);
      id = this.#takeId();
    } catch (error) {
      leave();
      throw error;
    }
    const driver = new SendDriver(id, source, this.#port, options);
    this.#drivers.set(id, driver);
    const cancel = () => driver.stop(cancelled(signal!), true);
    signal?.addEventListener('abort', cancel, { once: true });
    driver.start();
    try {
      return await driver.result;
    } finally {
      signal?.removeEventListener('abort', cancel);
      // The driver stays until its source is closed, so that `settled` waits for it.
      void driver.settled.then(() => {
        this.#drivers.delete(id);
        leave();
      });
    }
  }

  #takeId(): number {
    const id = this.#nextId;
    if (id > MAX_ID) throw new TransferError('TOO_MANY_TRANSFERS', 'this connection has used all its ids');
    this.#nextId += 2;
    return id;
  }

  /** Waits for a place, and returns how to give it back. */
  async #enter(signal: AbortSignal | undefined): Promise<() => void> {
    this.#check(signal);
    while (this.#open >= this.#maxTransfers) {
      await this.#place(signal);
      this.#check(signal);
    }
    this.#open += 1;
    return () => {
      this.#open -= 1;
      this.#waiting.shift()?.();
    };
  }

  /** Resolves when a place was given back, or at once on abort: then it leaves the line, or it would be woken for another. */
  async #place(signal: AbortSignal | undefined): Promise<void> {
    let wake!: () => void;
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    this.#waiting.push(wake);
    signal?.addEventListener('abort', wake, { once: true });
    await woken;
    signal?.removeEventListener('abort', wake);
    const at = this.#waiting.indexOf(wake);
    if (at >= 0) this.#waiting.splice(at, 1);
    // Woken for a place and aborted at the same time: the place is the next one's.
    else if (signal?.aborted) this.#waiting.shift()?.();
  }

  #check(signal: AbortSignal | undefined): void {
    if (this.#ended) throw this.#ended;
    if (signal?.aborted) throw cancelled(signal);
  }
}

function cancelled(signal: AbortSignal): TransferError {
  return new TransferError('CANCELLED', undefined, { cause: signal.reason });
}
