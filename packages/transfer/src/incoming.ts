import { Credit } from './credit.ts';
import { TransferError } from './errors.ts';
import type { ExpectedFile, Gets } from './gets.ts';
import type { PeerIds } from './ids.ts';
import { onAbort } from './on-abort.ts';
import type { CancelFile, ErrorPacket, FileData, FileEnd, NewFile, Packet, PauseFile, ResumeFile } from './packets.ts';
import { cancelled } from './places.ts';
import type { Accept, StoredFile } from './ports.ts';
import { quietly } from './quietly.ts';
import { ReceiveDriver, type ReceivePort } from './receive-driver.ts';
import type { TransferEvent } from './transfer-event.ts';
import { type Resumable, TransferLimit } from './transfer-limit.ts';

/** How a session takes files. */
export interface IncomingOptions {
  readonly maxTransfers: number;
  readonly limit?: TransferLimit | undefined;
  readonly accept?: Accept | undefined;
  readonly windowBytes?: number | undefined;
  readonly maxFileBytes?: number | undefined;
  readonly onTransfer?: ((event: TransferEvent) => void) | undefined;
  readonly onStored: (file: StoredFile, folder: readonly string[] | undefined) => void;
  /** The files that this side has asked for. */
  readonly gets: Gets;
  /** Whether the peer leaves so much unread that acknowledgements should be few. */
  readonly behind: () => boolean;
}

/** The files a session takes: checks ids, keeps the number of open ones down, and finds the driver of a packet. */
export class Incoming {
  readonly #send: (packet: Packet) => void;
  readonly #ids: PeerIds;
  readonly #options: IncomingOptions;
  readonly #credit: Credit;
  readonly #drivers = new Map<number, ReceiveDriver>();
  #pendingBytes = 0;
  #roomy: (() => void) | undefined;
  #limit: TransferLimit | undefined;
  #ended: TransferError | undefined;

  constructor(send: (packet: Packet) => void, ids: PeerIds, options: IncomingOptions) {
    this.#send = send;
    this.#ids = ids;
    this.#options = options;
    this.#credit = new Credit(options.windowBytes ?? 4_194_304);
    this.#limit = options.limit;
  }

  /** Bytes that came and are not stored yet. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** A packet of a sender. Throws TransferError when it is out of place. */
  receive(packet: NewFile | FileData | FileEnd | PauseFile | ResumeFile): void {
    if (packet.type === 'NEW_FILE') {
      this.#offered(packet);
      return;
    }
    const driver = this.#drivers.get(packet.id);
    if (!driver) this.#ids.late(packet.type, packet.id);
    else if (packet.type === 'FILE_DATA') driver.data(packet);
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
    const { id, request } = packet;
    this.#ids.take(packet.type, id);
    if (request !== undefined) {
      this.#asked(packet, this.#options.gets.take(request, id));
      return;
    }
    const { accept, maxTransfers } = this.#options;
    const full = this.#drivers.size >= maxTransfers;
    const limit = full ? undefined : this.#limit;
    const resumable = this.#resumable(packet, () => driver);
    const enter = limit && ((onIdle: () => void) => limit.enter(resumable, onIdle));
    const driver = this.#driver(packet, { accept, enter, emit: (event) => this.#emit(event) });
    driver.start(full ? new TransferError('TOO_MANY_TRANSFERS', `at most ${maxTransfers} may be open`) : undefined);
  }

  /** What others may go on with, over another connection: this session's own transfers are all alive. */
  #resumable({ resumeKey, folder = [], name }: NewFile, driver: () => ReceiveDriver): Resumable | undefined {
    if (resumeKey === undefined) return undefined;
    const supersede = () => driver().stop(new TransferError('SUPERSEDED'), 'CANCEL_FILE');
    return { key: JSON.stringify([resumeKey, folder, name]), origin: this, supersede };
  }

  /** A file that this side has asked for: under the name it was asked for by, whatever the peer calls it. */
  #asked(packet: NewFile, expected: ExpectedFile | undefined): void {
    if (expected === undefined) {
      this.#driver(packet, { accept: undefined, emit: () => {} }).start(new TransferError('CANCELLED'));
      return;
    }
    const { name, folder, accept, pause, signal, onEvent, resolve, reject } = expected;
    const emit = (event: TransferEvent) => quietly(() => onEvent?.(event));
    const driver = this.#driver({ ...packet, name, folder, onConflict: undefined }, { accept, pause, emit });
    void driver.settled.then(onAbort(signal, () => driver.stop(cancelled(signal!), 'CANCEL_FILE')));
    driver.result.then(resolve, reject);
    driver.start();
  }

  #driver(packet: NewFile, port: Pick<ReceivePort, 'accept' | 'pause' | 'enter' | 'emit'>): ReceiveDriver {
    const { behind, maxFileBytes = Number.POSITIVE_INFINITY } = this.#options;
    const pending = (delta: number) => {
      this.#pendingBytes += delta;
      if (!this.#full()) this.#roomy?.();
    };
    const driver = new ReceiveDriver(packet, {
      send: this.#send,
      pending,
      behind,
      credit: this.#credit,
      maxFileBytes,
      ...port,
    });
    this.#drivers.set(packet.id, driver);
    void driver.settled.then(() => this.#drivers.delete(packet.id));
    return driver;
  }

  #emit(event: TransferEvent): void {
    if (event.type === 'stored') this.#options.onStored(event.file, event.folder);
    quietly(() => this.#options.onTransfer?.(event));
  }
}
