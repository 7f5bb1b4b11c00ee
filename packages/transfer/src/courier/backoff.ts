/** How a {@link Courier} tries again after the line was lost. */
export interface RetryOptions {
  /** How long to go on without any progress, in ms; default 10 minutes, 0 for never again, Infinity for ever. */
  readonly forMs?: number | undefined;
  /** About how long to wait before the first try, in ms; default 500. It doubles with every try that fails. */
  readonly firstDelayMs?: number | undefined;
  /** The most to wait before a try, in ms; default 15 s. */
  readonly longestDelayMs?: number | undefined;
  /** Also when it is the first connection that fails. Default false: an address that was never there is told at once. */
  readonly first?: boolean | undefined;
}

/**
 * How long to wait before each try, and when to give up. Half of a delay is chance: after a restart of the receiver its
 * senders must not all come back in the same moment.
 */
export class Backoff {
  readonly #forMs: number;
  readonly #firstDelayMs: number;
  readonly #longestDelayMs: number;
  readonly #random: () => number;
  #failures = 0;
  #since: number | undefined;

  /** Throws RangeError for a time that is none. */
  constructor(options: RetryOptions, random: () => number) {
    this.#forMs = milliseconds('retry.forMs', options.forMs, 600_000, 0);
    this.#firstDelayMs = milliseconds('retry.firstDelayMs', options.firstDelayMs, 500, 1);
    this.#longestDelayMs = milliseconds('retry.longestDelayMs', options.longestDelayMs, 15_000, 1);
    this.#random = random;
  }

  /** How many tries were asked for since the last progress. */
  get tries(): number {
    return this.#failures;
  }

  /** How long to wait before the next try; `undefined`: it is time to give up. */
  next(now: number): number | undefined {
    this.#since ??= now;
    const leftMs = this.#forMs - (now - this.#since);
    if (leftMs <= 0) return undefined;
    // 2^31 ms is more than any limit: no power of two overflows.
    const doubled = this.#firstDelayMs * 2 ** Math.min(this.#failures, 31);
    this.#failures += 1;
    const delayMs = Math.min(doubled, this.#longestDelayMs) * (0.5 + this.#random() / 2);
    // The last try comes when time is up, not before and not after.
    return Math.min(delayMs, leftMs);
  }

  /** Something got through: the next loss begins a new count. */
  progressed(): void {
    this.#failures = 0;
    this.#since = undefined;
  }
}

function milliseconds(name: string, value: number | undefined, fallback: number, least: number): number {
  if (value === undefined) return fallback;
  if (value >= least) return value;
  throw new RangeError(`expected ${name} to be milliseconds from ${least} on, got ${value}`);
}
