import { cpuSecondsOf } from '../process-facts.ts';

/** What a measurement of one round says. */
export interface Measured {
  /** Per second: messages, bytes, connections; or bytes of memory per connection. */
  readonly value: number;
  /** CPU time that the load used, in cores: 1 is one core, wholly. */
  readonly loadCores: number;
  /** The same of the process that is measured. 0 where nobody can tell. */
  readonly serverCores: number;
  /** What one unit (message, MB, connection) cost the measured process, in microseconds of CPU. */
  readonly microsPerUnit: number;
}

/** Counts what happens between a warm-up and an end. */
export class Window {
  count = 0;
  readonly #pid: number;

  constructor(pid: number) {
    this.#pid = pid;
  }

  /** Waits out the warm-up, then measures for `ms`. */
  async measure(warmupMs: number, ms: number): Promise<Measured> {
    await pause(warmupMs);
    const serverAt = cpuSecondsOf(this.#pid);
    const loadAt = process.cpuUsage();
    const startedAt = performance.now();
    this.count = 0;
    await pause(ms);
    const count = this.count;
    const seconds = (performance.now() - startedAt) / 1000;
    const { user, system } = process.cpuUsage(loadAt);
    const serverSeconds = cpuSecondsOf(this.#pid) - serverAt;
    return {
      value: count / seconds,
      loadCores: (user + system) / 1e6 / seconds,
      serverCores: serverSeconds / seconds,
      microsPerUnit: count > 0 ? (serverSeconds * 1e6) / count : 0,
    };
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
