import { Worker } from 'node:worker_threads';

interface Answer {
  readonly call: number;
  readonly error?: { readonly message: string; readonly code?: string; readonly errno?: number };
}

interface Waiting {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A thread's objects are small and live briefly: the 48 MiB that V8 may use for young ones would be filled with garbage
 * before they are looked through.
 */
const LIMITS = { maxYoungGenerationSizeMb: 3 } as const;

/**
 * A thread beside the main one, which answers calls in their order; when it dies, all that were made and will be made
 * reject. It keeps the process alive only while somebody waits for an answer.
 */
export class SideThread {
  readonly #worker: Worker;
  readonly #what: string;
  readonly #waiting = new Map<number, Waiting>();
  #lastCall = 0;
  #failure: Error | undefined;

  /** @param what for error messages, as in `the hashing thread died` */
  constructor(program: URL, what: string) {
    this.#what = what;
    // No execArgv: a loader of the main thread (tsx, --inspect) has nothing to do in the worker and slows its start.
    this.#worker = new Worker(program, { execArgv: [], name: `wsferry-${what}`, resourceLimits: LIMITS });
    this.#worker.unref();
    this.#worker.on('message', (answer: Answer) => this.#answer(answer));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('messageerror', (error) => this.#fail(error));
    this.#worker.on('exit', (code) => this.#fail(new Error(`the ${what} thread ended with exit code ${code}`)));
  }

  get died(): boolean {
    return this.#failure !== undefined;
  }

  /** What the thread answers; rejects with what it threw, or when it dies. What is in `transfer` is the thread's then. */
  call<Result>(request: object, transfer: readonly ArrayBuffer[] = []): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      if (this.#failure !== undefined) throw this.#failure;
      this.#lastCall += 1;
      const call = this.#lastCall;
      this.#worker.postMessage({ ...request, call }, transfer);
      if (this.#waiting.size === 0) this.#worker.ref();
      this.#waiting.set(call, { resolve, reject });
    });
  }

  /** A request without an answer. */
  tell(request: object): void {
    if (this.#failure === undefined) this.#worker.postMessage(request);
  }

  #answer(answer: Answer): void {
    const waiting = this.#waiting.get(answer.call);
    if (waiting === undefined) return;
    this.#waiting.delete(answer.call);
    if (this.#waiting.size === 0) this.#worker.unref();
    const { error } = answer;
    if (error === undefined) waiting.resolve(answer as never);
    else waiting.reject(Object.assign(new Error(error.message), error));
  }

  #fail(error: unknown): void {
    this.#failure ??= new Error(`the ${this.#what} thread died`, { cause: error });
    for (const waiting of this.#waiting.values()) waiting.reject(this.#failure);
    this.#waiting.clear();
  }
}
