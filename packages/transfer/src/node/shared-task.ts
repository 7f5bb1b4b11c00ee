/**
 * A task that many ask for. Callers who come while it runs share the next run, because the present one may have begun too
 * early for them: a thousand that want a folder synced then cost a few dozen syncs.
 */
export class SharedTask<Result = void> {
  readonly #task: () => Promise<Result>;
  #running: Promise<Result> | undefined;
  #next: Promise<Result> | undefined;

  constructor(task: () => Promise<Result>) {
    this.#task = task;
  }

  /** Resolves with what a run gives that began after this call; rejects when it failed. */
  run(): Promise<Result> {
    if (this.#running === undefined) {
      this.#running = this.#task().finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.run();
      });
    return this.#next;
  }
}
