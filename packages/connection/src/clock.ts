/** What a connection needs from time. Tests pass a clock of their own and never sleep. */
export interface Clock {
  /** Milliseconds from any fixed moment, never going back. */
  now(): number;
  setTimeout(run: () => void, delayMs: number): unknown;
  clearTimeout(timer: unknown): void;
}

/** Real time. Its timers never keep a process alive: the socket does that. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (run, delayMs) => setTimeout(run, delayMs).unref(),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};
