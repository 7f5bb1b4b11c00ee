import { Credit } from './credit.ts';
import { TransferError } from './errors.ts';
import type { CancelFile, ErrorPacket, FileData, FileEnd, NewFile, Packet, PauseFile, ResumeFile } from './packets.ts';
import type { Accept, StoredFile } from './ports.ts';
import { ReceiveDriver } from './receive-driver.ts';
import type { TransferEvent } from './transfer-event.ts';
import { TransferLimit } from './transfer-limit.ts';

/** How a session takes files. */
export interface IncomingOptions {
  /** What the peer's ids leave when divided by two. */
  readonly parity: 0 | 1;
  readonly maxTransfers: number;
  readonly limit?: TransferLimit | undefined;
  readonly accept?: Accept | undefined;
  readonly windowBytes?: number | undefined;
  readonly maxFileBytes?: number | undefined;
  readonly onTransfer?: ((event: TransferEvent) => void) | undefined;
  readonly onStored: (file: StoredFile, folder: readonly string[] | undefined) => void;
  /** Whether the peer leaves so much unread that acknowledgements should be few. */
  readonly behind: () => boolean;
}

/** The files a session takes: checks ids, keeps the number of open ones down, and finds the driver of a packet. */
export class Incoming {
  readonly #send: (packet: Packet) => void;
  readonly #options: IncomingOptions;
  readonly #credit: Credit;
  readonly #drivers = new Map<number, ReceiveDriver>();
  #highestId = 0;
  #pendingBytes = 0;
  #roomy: (() => void) | undefined;
  #limit: TransferLimit | undefined;
  #ended: TransferError | undefined;

  constructor(send: (packet: Packet) => void, options: IncomingOptions) {
    this.#send = send;
    this.#options = options;
    this.#credit = new Credit(options.windowBytes ?? 4_194_304);
    this.#limit = options.limit;
  }

  /** Bytes that came and are not stored yet. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  #owns(id: number): boolean {
    return id % 2 === this.#options.parity;
  }

  /** A packet of a sender. Throws TransferError when it is out of place. */
  receive(packet: NewFile | FileData | FileEnd | PauseFile | ResumeFile): void {
    if (packet.type === 'NEW_FILE') {
      this.#offered(packet);
      return;
    }
    const driver = this.#drivers.get(packet.id);
    if (!driver) {
      // Late: it was on the way when the transfer ended.
      if (this.#owns(packet.id) && packet.id <= this.#highestId) return;
      const message = `${packet.type} names the transfer ${packet.id}, which was never offered`;
      throw new TransferError('UNKNOWN_TRANSFER', message, { id: packet.id });
    }
    if (packet.type === 'FILE_DATA') driver.data(packet);
    else if (packet.type === 'FILE_END') driver.end(packet);
    else driver.paused(packet);
  }

  /** CANCEL_FILE or ERROR of the peer about one of its files. */
  stopped(id: number, packet: CancelFile | ErrorPacket): void {
    this.#drivers.get(id)?.stopped(packet);
  }

  /** The peer broke a rule in this transfer, and was told. */
  fail(id: number, error: TransferError): void {
    this.#drivers.get(id)?.stop(error, undefined);
  }

  /** Lets offers from now on wait until the end. Resolves when the transfers under way have ended. */
  async retire(): Promise<void> {
    this.#limit = new TransferLimit(1);
    this.#limit.close();
    const underWay = [...this.#drivers.values()].filter((driver) => !driver.waiting);
    await Promise.all(underWay.map((driver) => driver.settled));
  }

  /** Ends every transfer, and refuses those to come. */
  end(error: TransferError, tell: boolean): void {
    this.#ended ??= error;
    for (const driver of [...this.#drivers.values()]) driver.stop(error, tell ? 'CANCEL_FILE' : undefined);
    this.#roomy?.();
  }

  /**
   * Resolves when the pipe may be read again. A sender that honours its credit is never held here, however slow its files
   * are stored; one that does not is held by not reading, that is by TCP, and all its files with it.
   */
  async room(): Promise<void> {
    while (!this.#ended && this.#full()) {
      await new Promise<void>((resolve) => {
        this.#roomy = resolve;
      });
    }
  }

  /** The peer has read what it was told, and gets the acknowledgements it was spared. */
  caughtUp(): void {
    for (const driver of this.#drivers.values()) driver.acknowledge();
  }

  async settled(): Promise<void> {
    await Promise.all([...this.#drivers.values()].map((driver) => driver.settled));
  }

  #full(): boolean {
    if (this.#pendingBytes <= this.#credit.windowBytes) return false;
    for (const driver of this.#drivers.values()) if (driver.full) return true;
    return false;
  }

  #offered(packet: NewFile): void {
    const { id } = packet;
    if (!this.#owns(id)) {
      const kind = this.#options.parity === 1 ? 'odd' : 'even';
      throw new TransferError('BAD_PACKET', `NEW_FILE: expected an ${kind} id from this side, but ${id} came`, { id });
    }
    if (id <= this.#highestId) {
      throw new TransferError('BAD_PACKET', `NEW_FILE: expected an id above ${this.#highestId}, but ${id} came`, {
        id,
      });
    }
    this.#highestId = id;
    const { accept, maxFileBytes = Number.POSITIVE_INFINITY, maxTransfers } = this.#options;
    const full = this.#drivers.size >= maxTransfers;
    const place = full ? undefined : this.#limit?.enter();
    const driver = new ReceiveDriver(packet, {
      send: this.#send,
      emit: (event) => this.#emit(event),
      pending: (delta) => {
        this.#pendingBytes += delta;
        if (!this.#full()) this.#roomy?.();
      },
      behind: this.#options.behind,
      accept,
      credit: this.#credit,
      maxFileBytes,
      place,
    });
    this.#drivers.set(id, driver);
    void driver.settled.then(() => {
      this.#drivers.delete(id);
      place?.leave();
    });
    driver.start(full ? new TransferError('TOO_MANY_TRANSFERS', `at most ${maxTransfers} may be open`) : undefined);
  }

  #emit(event: TransferEvent): void {
    if (event.type === 'stored') this.#options.onStored(event.file, event.folder);
    try {
      this.#options.onTransfer?.(event);
    } catch {
      // A listener's bug must not cost the file.
    }
  }
}
