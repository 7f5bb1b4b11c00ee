import { TransferError } from './errors.ts';
import type { OwnIds } from './ids.ts';
import { onAbort } from './on-abort.ts';
import type { AckFileData, AckFileEnd, AckNewFile, CancelFile, ErrorPacket, PauseFile, ResumeFile } from './packets.ts';
import { cancelled, type Places } from './places.ts';
import type { FileSource, StoredFile } from './ports.ts';
import { quietly } from './quietly.ts';
import { checkPlace } from './safe-name.ts';
import { SendDriver, type SendPort } from './send-driver.ts';
import type { SendOptions } from './session-options.ts';

/** What is told of a file that the peer has asked for. */
export interface Asked {
  readonly request: number;
  /** Its turn has come: the offer goes out right after this. */
  readonly onOffer: () => void;
}

/** A source that changes faster than it can be offered is given up. */
const MAX_OFFERS = 3;

/** The files a session sends: gives ids, keeps the number of open ones down, and finds the driver of a packet. */
export class Outgoing {
  readonly #port: SendPort;
  readonly #ids: OwnIds;
  readonly #places: Places;
  readonly #drivers = new Map<number, SendDriver>();

  constructor(port: SendPort, ids: OwnIds, places: Places) {
    this.#port = port;
    this.#ids = ids;
    this.#places = places;
  }

  /** Offers a file as soon as there is a place for it. */
  sendFile(source: FileSource, options: SendOptions, asked?: Asked): Promise<StoredFile> {
    const result = this.#send(source, options, asked);
    // The caller's copy still rejects; this one only keeps a forgotten promise from ending the process.
    result.catch(() => {});
    return result;
  }

  /** What the receiver says to one of our files. Throws TransferError when it is out of place. */
  receive(packet: AckNewFile | AckFileData | AckFileEnd | PauseFile | ResumeFile): void {
    const driver = this.#drivers.get(packet.id);
    if (driver) driver.receive(packet);
    else this.#ids.late(packet.type, packet.id);
  }

  /** CANCEL_FILE or ERROR of the peer, about one of ours or not. */
  stopped(id: number, packet: CancelFile | ErrorPacket): void {
    this.#drivers.get(id)?.receive(packet);
  }

  /** The peer broke a rule in this transfer, and was told. */
  fail(id: number, error: TransferError): void {
    this.#drivers.get(id)?.stop(error, false);
  }

  /** Ends every transfer. */
  end(error: TransferError, tell: boolean): void {
    for (const driver of [...this.#drivers.values()]) driver.stop(error, tell);
  }

  async settled(): Promise<void> {
    await Promise.all([...this.#drivers.values()].map((driver) => driver.settled));
  }

  async #send(
    source: FileSource,
    options: SendOptions,
    asked: Asked | undefined,
    offersLeft = MAX_OFFERS,
  ): Promise<StoredFile> {
    const { signal } = options;
    // A packet too long for the peer would not even tell it which transfer to refuse.
    checkPlace(source);
    const leave = await this.#places.enter(signal);
    let id: number;
    try {
      // Once more: the session may have ended, or the caller may have aborted, in the turn that the place took.
      this.#places.check(signal);
      id = this.#ids.take();
    } catch (error) {
      leave();
      throw error;
    }
    const driver = new SendDriver(id, source, this.#port, { ...options, request: asked?.request });
    this.#drivers.set(id, driver);
    const unlisten = onAbort(signal, () => driver.stop(cancelled(signal!), true));
    asked?.onOffer();
    driver.start();
    try {
      return await driver.result;
    } catch (error) {
      // Who asked has heard of one offer.
      const mayOfferAgain = !driver.travelled && asked === undefined && offersLeft > 1;
      const now = mayOfferAgain ? await changedSource(source, error) : undefined;
      if (now === undefined) throw error;
      quietly(() => options.onEvent?.({ type: 'restarted', reason: 'SOURCE_CHANGED' }));
      return this.#send(now, options, asked, offersLeft - 1);
    } finally {
      unlisten();
      // The driver stays until its source is closed, so that `settled` waits for it.
      void driver.settled.then(() => {
        this.#drivers.delete(id);
        leave();
      });
    }
  }
}

/** The source as it is by now, when it was changed between its being looked at and its being opened: while it waited, as a rule. */
async function changedSource(source: FileSource, error: unknown): Promise<FileSource | undefined> {
  if (!(error instanceof TransferError) || error.code !== 'SOURCE_CHANGED' || error.side !== 'local') return undefined;
  return source.again?.().catch(() => undefined);
}
