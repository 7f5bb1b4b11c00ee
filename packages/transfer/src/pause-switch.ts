/**
 * Pauses transfers, as an AbortController cancels them, but both ways and again and again. Give it to `sendFile` or
 * `getFile`, to several if they are to stop together; it may be switched before the transfer begins, and outlives it: one
 * that is sent again over the next connection is paused still.
 */
export class PauseSwitch {
  readonly #listeners = new Set<() => void>();
  #paused = false;

  get paused(): boolean {
    return this.#paused;
  }

  pause(): void {
    this.#turn(true);
  }

  resume(): void {
    this.#turn(false);
  }

  /** Calls `listener` after each change. Returns the way out. */
  onChange(listener: () => void): () => void {
    const own = () => listener();
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** Tells a transfer whether it is paused: now, if it is, and after each change, until the transfer has ended. */
  hold(turn: (paused: boolean) => void, ended: Promise<unknown>): void {
    const leave = this.onChange(() => turn(this.#paused));
    void ended.then(leave, leave);
    if (this.#paused) turn(true);
  }

  #turn(paused: boolean): void {
    if (paused === this.#paused) return;
    this.#paused = paused;
    for (const listener of [...this.#listeners]) listener();
  }
}
