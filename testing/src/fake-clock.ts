/** Time that passes only when a test says so. */
export class FakeClock {
  #now = 0;
  #timers: { at: number; run: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  setTimeout(run: () => void, delayMs: number): unknown {
    const timer = { at: this.#now + delayMs, run };
    this.#timers.push(timer);
    return timer;
  }

  clearTimeout(timer: unknown): void {
    this.#timers = this.#timers.filter((other) => other !== timer);
  }

  /** Lets `milliseconds` pass, and runs what falls due, in order. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.clearTimeout(due);
      this.#now = due.at;
      due.run();
    }
    this.#now = end;
  }
}
