/** One deadline for all the steps of connecting: a step gets what the ones before have left. */
export class Deadline {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly #endsAt: number;

  constructor(timeoutMs: number, signal: AbortSignal | undefined) {
    this.timeoutMs = timeoutMs;
    this.signal = signal;
    this.#endsAt = performance.now() + timeoutMs;
  }

  /** At least 1, so that it can be given to a timer as it is. */
  get remainingMs(): number {
    return Math.max(1, this.#endsAt - performance.now());
  }
}
