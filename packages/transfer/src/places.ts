import { TransferError } from './errors.ts';
import { onAbort } from './on-abort.ts';

/** So many may be at it at once; whoever comes then waits in a line, in which nobody is forgotten. */
export class Places {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;
  #ended: TransferError | undefined;

  constructor(most: number) {
    this.#most = most;
  }

  /** Waits for a place, and returns how to give it back. Rejects when nobody gets one any more, and with CANCELLED. */
  async enter(signal: AbortSignal | undefined): Promise<() => void> {
    this.check(signal);
    while (this.#taken >= this.#most) {
      await this.#turn(signal);
      this.check(signal);
    }
    this.#taken += 1;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#taken -= 1;
      this.#waiting.shift()?.();
    };
  }

  /** Throws when nobody gets a place any more, or this one does not want one. */
  check(signal: AbortSignal | undefined): void {
    if (this.#ended) throw this.#ended;
    if (signal?.aborted) throw cancelled(signal);
  }

  /** Nobody gets a place any more. */
  end(error: TransferError): void {
    this.#ended ??= error;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Resolves when a place was given back, or at once on abort: then it leaves the line, or it would be woken for another. */
  async #turn(signal: AbortSignal | undefined): Promise<void> {
    let wake!: () => void;
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    this.#waiting.push(wake);
    const unlisten = onAbort(signal, wake);
    await woken;
    unlisten();
    const at = this.#waiting.indexOf(wake);
    if (at >= 0) this.#waiting.splice(at, 1);
    // Woken for a place and aborted at the same time: the place is the next one's.
    else if (signal?.aborted) this.#waiting.shift()?.();
  }
}

/** CANCELLED, by this signal. */
export function cancelled(signal: AbortSignal): TransferError {
  return new TransferError('CANCELLED', undefined, { cause: signal.reason });
}
