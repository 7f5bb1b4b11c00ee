/**
 * A task that many ask for. Callers who come while it runs share the next run, because the present one may have begun too
 * early for them: a thousand that want a folder synced then cost a few dozen syncs.
 */
export class SharedTask {
  readonly #task: () => Promise<void>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(task: () => Promise<void>) {
    this.#task = task;
  }

  /** Resolves when a run that began after this call has ended; rejects when it failed. */
  run(): Promise<void> {
    if (this.#running === undefined) {
      this.#running = this.#task().finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        return this.run();
      });
    return this.#next;
  }
}
