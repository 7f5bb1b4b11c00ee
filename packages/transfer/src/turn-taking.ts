import type { TransferError } from './errors.ts';
import type { MessagePipe } from './pipe.ts';

interface Turn {
  readonly make: () => string | Uint8Array | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Who may send the next chunk. While the pipe takes more, everybody; once it says it is full, the waiting transfers
 * form one line and each gets one chunk at a time. So a large file never makes a small one wait for more than a chunk
 * of every other, and at most one chunk above the pipe's mark is in memory.
 */
export class TurnTaking {
  readonly #pipe: MessagePipe;
  readonly #line: Turn[] = [];
  readonly #lost: (cause: unknown) => void;
  #busy = false;
  #broken = false;
  #ended: TransferError | undefined;

  /** `lost` is called once, when the pipe takes nothing any more; whoever waits then waits for `end`, which says why. */
  constructor(pipe: MessagePipe, lost: (cause: unknown) => void) {
    this.#pipe = pipe;
    this.#lost = lost;
  }

  /**
   * Resolves when the message was handed to the pipe. `make` is called when the turn has come; `undefined` gives the
   * turn up. Rejects with the reason given to `end`.
   */
  send(make: Turn['make']): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      this.#line.push({ make, resolve, reject });
      if (!this.#busy && !this.#broken) void this.#serve();
    });
  }

  /** Nobody gets a turn any more; everybody in the line is turned away with `reason`. */
  end(reason: TransferError): void {
    this.#ended ??= reason;
    for (const turn of this.#line.splice(0)) turn.reject(this.#ended);
  }

  async #serve(): Promise<void> {
    this.#busy = true;
    for (let turn = this.#line.shift(); turn !== undefined; turn = this.#line.shift()) {
      try {
        const message = turn.make();
        const more = message === undefined || this.#pipe.send(message);
        turn.resolve();
        if (!more) await this.#pipe.drained();
      } catch (error) {
        this.#break(turn, error);
        break;
      }
    }
    this.#busy = false;
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
