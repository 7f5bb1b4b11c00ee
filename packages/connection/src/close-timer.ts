import type { Clock } from './clock.ts';

/** What a close timer asks its connection, and does to it. */
export interface CloseTimerActions {
  unsentBytes(): number;
  giveUp(): void;
}

/** Gives up a closing handshake, or the end of TCP after it, that stands still. */
export class CloseTimer {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #actions: CloseTimerActions;
  #timer: unknown;
  #unsentThen = 0;

  constructor(clock: Clock, timeoutMs: number, actions: CloseTimerActions) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#actions = actions;
  }

  /** Starts, or starts again. */
  start(): void {
    this.stop();
    this.#unsentThen = this.#actions.unsentBytes();
    this.#timer = this.#clock.setTimeout(() => {
      const unsent = this.#actions.unsentBytes();
      // What was sent before close() may take its time on a slow line: only standstill is a reason to give up.
      if (unsent > 0 && unsent < this.#unsentThen) this.start();
      else this.#actions.giveUp();
    }, this.#timeoutMs);
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer);
  }
}
