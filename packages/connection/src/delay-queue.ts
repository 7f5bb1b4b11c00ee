import type { Clock } from './clock.ts';

/** What falls due. */
export interface Delayed {
  /** It left the queue before; it may enter again. */
  due(): void;
}

/**
 * Many that wait equally long, each from a moment of its own: a single timer for all of them. They fall due in the order in
 * which they came, so that the timer is always the first one's.
 */
export class DelayQueue {
  readonly #clock: Clock;
  readonly #delayMs: number;
  /** When each falls due; in whole milliseconds, which take no memory of their own. */
  readonly #waiting = new Map<Delayed, number>();
  #timer: unknown;

  constructor(clock: Clock, delayMs: number) {
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  enter(waiting: Delayed): void {
    this.#waiting.delete(waiting);
    this.#waiting.set(waiting, Math.ceil(this.#clock.now() + this.#delayMs));
    if (this.#timer === undefined) this.#arm();
  }

  /** Does nothing for one that does not wait. */
  leave(waiting: Delayed): void {
    this.#waiting.delete(waiting);
    if (this.#waiting.size === 0) this.#arm();
  }

  /** Sets the timer for the first. When that one leaves, the timer comes too early for the next, and is then set again. */
  #arm(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const dueAt of this.#waiting.values()) {
      // Not beyond the delay: rounded up, the longest would be more than Node's timers know.
      const ms = Math.min(Math.max(0, dueAt - this.#clock.now()), this.#delayMs);
      this.#timer = this.#clock.setTimeout(() => this.#passed(), ms);
      return;
    }
  }

  #passed(): void {
    const now = this.#clock.now();
    try {
      for (const [waiting, dueAt] of this.#waiting) {
        if (dueAt > now) break;
        this.#waiting.delete(waiting);
        waiting.due();
      }
    } finally {
      this.#arm();
    }
  }
}
