import { asTransferError, TransferError } from './errors.ts';
import type { OwnIds, PeerIds } from './ids.ts';
import { onAbort } from './on-abort.ts';
import type { AckNewFolder, CancelFile, ErrorPacket, NewFolder, Packet } from './packets.ts';
import { peerError } from './peer-error.ts';
import { cancelled, type Places } from './places.ts';
import type { AcceptFolder, FolderOffer } from './ports.ts';
import { checkPlace, safeFolder, safeName } from './safe-name.ts';
import type { FolderSource } from './session-options.ts';

interface Waiting {
  readonly name: string;
  readonly resolve: (made: { readonly name: string }) => void;
  readonly reject: (error: TransferError) => void;
}

/** The folders that a session has made at the peer. */
export class OutgoingFolders {
  readonly #send: (packet: Packet) => void;
  readonly #ids: OwnIds;
  readonly #places: Places;
  readonly #waiting = new Map<number, Waiting>();

  constructor(send: (packet: Packet) => void, ids: OwnIds, places: Places) {
    this.#send = send;
    this.#ids = ids;
    this.#places = places;
  }

  async send(folder: FolderSource, signal: AbortSignal | undefined): Promise<{ readonly name: string }> {
    const { name, modified } = folder;
    checkPlace(folder);
    const leave = await this.#places.enter(signal);
    let unlisten = () => {};
    try {
      this.#places.check(signal);
      const id = this.#ids.take();
      return await new Promise((resolve, reject) => {
        this.#waiting.set(id, { name, resolve, reject });
        // It may be made all the same: there is nothing in it to take back.
        unlisten = onAbort(signal, () => this.fail(id, cancelled(signal!)));
        this.#send({ type: 'NEW_FOLDER', id, name, folder: folder.folder, modified });
      });
    } finally {
      unlisten();
      leave();
    }
  }

  /** Throws TransferError when it is out of place. */
  receive({ type, id, code, message, name }: AckNewFolder): void {
    const waiting = this.#waiting.get(id);
    if (!waiting) {
      this.#ids.late(type, id);
      return;
    }
    this.#waiting.delete(id);
    if (code === 'OK') waiting.resolve({ name: name ?? waiting.name });
    else waiting.reject(peerError(code, message, { id }));
  }

  /** CANCEL_FILE or ERROR of the peer, about one of ours or not. */
  stopped(id: number, { code = 'CANCELLED', message }: CancelFile | ErrorPacket): void {
    this.fail(id, peerError(code, message, { id }));
  }

  fail(id: number, error: TransferError): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.reject(error);
  }

  end(error: TransferError): void {
    for (const id of [...this.#waiting.keys()]) this.fail(id, error);
  }
}

/** The folders that the peer has made here. */
export class IncomingFolders {
  readonly #send: (packet: Packet) => void;
  readonly #ids: PeerIds;
  readonly #options: { readonly acceptFolder?: AcceptFolder | undefined; readonly maxTransfers: number };
  readonly #open = new Set<Promise<void>>();

  constructor(
    send: (packet: Packet) => void,
    ids: PeerIds,
    options: { readonly acceptFolder?: AcceptFolder | undefined; readonly maxTransfers: number },
  ) {
    this.#send = send;
    this.#ids = ids;
    this.#options = options;
  }

  /** Throws TransferError when its id is out of place. */
  receive(packet: NewFolder): void {
    this.#ids.take(packet.type, packet.id);
    const made = this.#make(packet).finally(() => this.#open.delete(made));
    this.#open.add(made);
  }

  async settled(): Promise<void> {
    await Promise.all(this.#open);
  }

  async #make({ id, name, folder = [], modified }: NewFolder): Promise<void> {
    const { acceptFolder, maxTransfers } = this.#options;
    try {
      if (this.#open.size >= maxTransfers) {
        throw new TransferError('TOO_MANY_TRANSFERS', `at most ${maxTransfers} may be open`);
      }
      const place = { name: safeName(name), folder: safeFolder(folder) };
      if (!acceptFolder) throw new TransferError('FORBIDDEN', 'this side takes no folders');
      const offer: FolderOffer = { ...place, ...(modified === undefined ? {} : { modified }) };
      const made = await acceptFolder(offer);
      this.#send({ type: 'ACK_NEW_FOLDER', id, code: 'OK', name: made.name });
    } catch (error) {
      const { code, message } = asTransferError(error, 'STORAGE_FAILED');
      this.#send({ type: 'ACK_NEW_FOLDER', id, code, message });
    }
  }
}
