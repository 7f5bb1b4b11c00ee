interface Waiter {
  belowBytes: number;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** Callers of `drained` that wait for room in the output. */
export class DrainWaiters {
  #waiters = new Set<Waiter>();

  get waiting(): boolean {
    return this.#waiters.size > 0;
  }

  /** Resolves once no more than `belowBytes` wait. */
  wait(belowBytes: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (done: () => void) => {
        this.#waiters.delete(waiter);
        signal?.removeEventListener('abort', onAbort);
        done();
      };
      const waiter: Waiter = {
        belowBytes,
        resolve: () => settle(resolve),
        reject: (error) => settle(() => reject(error)),
      };
      const onAbort = () => waiter.reject(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiters.add(waiter);
    });
  }

  /** So many bytes wait now. */
  resolve(bufferedBytes: number): void {
    for (const waiter of [...this.#waiters]) if (bufferedBytes <= waiter.belowBytes) waiter.resolve();
  }

  reject(error: Error): void {
    for (const waiter of [...this.#waiters]) waiter.reject(error);
  }
}
