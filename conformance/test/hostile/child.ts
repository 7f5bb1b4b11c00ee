import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly problem?: string;
}

/** A process of its own with functions that can be called: the load must not run where round trips are measured. */
export class Child<Functions extends Record<string, (argument: never) => unknown>> {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #calls = 0;
  #stopping = false;

  constructor(file: string) {
    this.#process = fork(fileURLToPath(new URL(file, import.meta.url)), [], {
      execArgv: ['--expose-gc', '--conditions=@wsferry/source', '--import', 'tsx'],
    });
    this.#process.on('message', ({ id, value, problem }: Answer) => {
      const call = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (problem === undefined) call?.resolve(value);
      else call?.reject(new Error(problem));
    });
    this.#process.on('exit', (code, signal) => {
      if (this.#stopping) return;
      for (const { reject } of this.#waiting.values()) {
        reject(new Error(`expected ${file} to go on, but it ended with ${signal ?? code}`));
      }
    });
  }

  /** Rejects with what the function threw, or when the process crashes meanwhile. */
  call<Name extends keyof Functions & string>(
    name: Name,
    argument?: Parameters<Functions[Name]>[0],
  ): Promise<Awaited<ReturnType<Functions[Name]>>> {
    const id = this.#calls++;
    return new Promise((resolve, reject) => {
      if (!this.#process.connected) reject(new Error('expected a process that runs, got one that crashed'));
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#process.send({ id, name, argument });
    });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill();
    await exited;
  }
}

/** In the child: answers the calls. */
export function serveCalls(functions: Record<string, (argument: never) => unknown>): void {
  process.on('message', async ({ id, name, argument }: { id: number; name: string; argument: never }) => {
    try {
      process.send!({ id, value: await functions[name]!(argument) });
    } catch (error) {
      process.send!({ id, problem: error instanceof Error ? error.stack : String(error) });
    }
  });
  process.on('disconnect', () => process.exit());
}
