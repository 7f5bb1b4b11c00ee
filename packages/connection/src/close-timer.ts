import type { Clock } from './clock.ts';

/** Gives up a closing handshake, or the end of TCP after it, that stands still. */
export class CloseTimer {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #unsentBytes: () => number;
  readonly #giveUp: () => void;
  #timer: unknown;
  #unsentThen = 0;

  constructor(clock: Clock, timeoutMs: number, actions: { unsentBytes: () => number; giveUp: () => void }) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#unsentBytes = actions.unsentBytes;
    this.#giveUp = actions.giveUp;
  }

  /** Starts, or starts again. */
  start(): void {
    this.stop();
    this.#unsentThen = this.#unsentBytes();
    this.#timer = this.#clock.setTimeout(() => {
      const unsent = this.#unsentBytes();
      // What was sent before close() may take its time on a slow line: only standstill is a reason to give up.
      if (unsent > 0 && unsent < this.#unsentThen) this.start();
      else this.#giveUp();
    }, this.#timeoutMs);
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer);
  }
}
