import type { TransferError } from './errors.ts';
import type { MessagePipe } from './pipe.ts';

interface Turn {
  /** Gives the message when the turn has come; `undefined` gives the turn up. */
  readonly make: () => string | Uint8Array | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Who may send the next chunk: one at a time, and the next when the pipe has nothing more to give to the network. So
 * whatever else is to be said, an answer or the offer of the next file, stands behind one chunk at most (and what the
 * system's own buffers hold). A pipe that cannot say how much it holds is given more until it says that it is full.
 *
 * Transfers that wait form a line, each with one chunk. One that has sent nothing yet goes before those that have, so
 * that a small file need not wait for a chunk of every large one; but never two of them in a row while another waits,
 * or a thousand small files would hold up the large one for good.
 */
export class TurnTaking {
  readonly #pipe: MessagePipe;
  readonly #line: Turn[] = [];
  readonly #newcomers: Turn[] = [];
  readonly #lost: (cause: unknown) => void;
  #busy = false;
  #newcomerWasLast = false;
  #broken = false;
  #ended: TransferError | undefined;

  /** `lost` is called once, when the pipe takes nothing any more; whoever waits then waits for `end`, which says why. */
  constructor(pipe: MessagePipe, lost: (cause: unknown) => void) {
    this.#pipe = pipe;
    this.#lost = lost;
  }

  /**
   * Resolves when the message was handed to the pipe. `make` is called when the turn has come; `undefined` gives the
   * turn up. `first`: it is the transfer's first. Rejects with the reason given to `end`.
   */
  send(make: Turn['make'], first = false): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      (first ? this.#newcomers : this.#line).push({ make, resolve, reject });
      if (!this.#busy && !this.#broken) void this.#serve();
    });
  }

  /** Nobody gets a turn any more; everybody in the line is turned away with `reason`. */
  end(reason: TransferError): void {
    this.#ended ??= reason;
    for (const turn of [...this.#newcomers.splice(0), ...this.#line.splice(0)]) turn.reject(this.#ended);
  }

  async #serve(): Promise<void> {
    this.#busy = true;
    for (let turn = this.#next(); turn !== undefined; turn = this.#next()) {
      try {
        const message = turn.make();
        const more = message === undefined || this.#pipe.send(message);
        turn.resolve();
        if (!more || (this.#pipe.bufferedAmount ?? 0) > 0) await this.#pipe.drained({ belowBytes: 0 });
      } catch (error) {
        this.#break(turn, error);
        break;
      }
    }
    this.#busy = false;
  }

  #next(): Turn | undefined {
    const newcomer = this.#newcomers.length > 0 && !(this.#newcomerWasLast && this.#line.length > 0);
    this.#newcomerWasLast = newcomer;
    return (newcomer ? this.#newcomers : this.#line).shift();
  }

  /** Nobody is turned away yet: why the pipe broke is known a moment later. */
  #break(turn: Turn, error: unknown): void {
    this.#broken = true;
    // Resolving or rejecting a turn that has been handed over does nothing.
    if (this.#ended !== undefined) turn.reject(this.#ended);
    else this.#line.unshift(turn);
    this.#lost(error);
  }
}
