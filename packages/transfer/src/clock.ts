/** Time, as couriers and rates need it. `@wsferry/connection`'s clocks are such ones. */
export interface CourierClock {
  /** Milliseconds from any fixed moment, never going back. */
  now(): number;
  setTimeout(run: () => void, delayMs: number): unknown;
  clearTimeout(timer: unknown): void;
}

/** The system's. */
export const systemClock: CourierClock = {
  now: () => performance.now(),
  setTimeout: (run, delayMs) => setTimeout(run, delayMs),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};
