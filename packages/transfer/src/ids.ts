import { TransferError } from './errors.ts';
import { MAX_ID } from './packets.ts';

/** The ids of what this side sends, files and folders: odd or even ones, each higher than all before. */
export class OwnIds {
  readonly #parity: number;
  #next: number;

  constructor(first: 1 | 2) {
    this.#parity = first % 2;
    this.#next = first;
  }

  /** Throws TransferError TOO_MANY_TRANSFERS when there are no more. */
  take(): number {
    const id = this.#next;
    if (id > MAX_ID) throw new TransferError('TOO_MANY_TRANSFERS', 'this connection has used all its ids');
    this.#next += 2;
    return id;
  }

  /** Whether what has that id is sent from here. */
  owns(id: number): boolean {
    return id % 2 === this.#parity;
  }

  /** For a packet that no open transfer takes. Returns when it is late; throws TransferError UNKNOWN_TRANSFER when it is not. */
  late(type: string, id: number): void {
    if (this.owns(id) && id < this.#next) return;
    throw new TransferError('UNKNOWN_TRANSFER', `${type} names the transfer ${id}, which was never open`, { id });
  }
}

/** The ids of what the peer sends. */
export class PeerIds {
  readonly #parity: 0 | 1;
  #highest = 0;

  constructor(parity: 0 | 1) {
    this.#parity = parity;
  }

  /** The peer begins a transfer. Throws TransferError BAD_PACKET when the id is not the next of its own. */
  take(type: string, id: number): void {
    if (id % 2 !== this.#parity) {
      const kind = this.#parity === 1 ? 'odd' : 'even';
      throw new TransferError('BAD_PACKET', `${type}: expected an ${kind} id from this side, but ${id} came`, { id });
    }
    if (id <= this.#highest) {
      const message = `${type}: expected an id above ${this.#highest}, but ${id} came`;
      throw new TransferError('BAD_PACKET', message, { id });
    }
    this.#highest = id;
  }

  /** For a packet that no open transfer takes. Returns when it is late; throws TransferError UNKNOWN_TRANSFER when it is not. */
  late(type: string, id: number): void {
    if (id % 2 === this.#parity && id <= this.#highest) return;
    throw new TransferError('UNKNOWN_TRANSFER', `${type} names the transfer ${id}, which was never offered`, { id });
  }
}
