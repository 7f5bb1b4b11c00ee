/**
 * Our echo server, which counts what it costs: bytes allocated on JavaScript's heap, and reads and writes asked of the
 * kernel. None of that depends on how fast the machine is. Buffers are not counted but for the objects that stand for them:
 * what is freed without waiting for the collector would count as never allocated. Run with --expose-gc.
 */
import { readFileSync } from 'node:fs';
import { GCProfiler, getHeapStatistics } from 'node:v8';
import { type Connection, listen } from '@wsferry/connection';

/** What the server does with a message: it sends it, sends it and gives it away, or sends a copy of it. */
export type EchoMode = 'echo' | 'give' | 'copy';

const ECHOES: Readonly<Record<EchoMode, (connection: Connection, data: string | Uint8Array) => void>> = {
  echo: (connection, data) => void connection.send(data),
  give: (connection, data) => void connection.send(data, { transfer: true }),
  copy: (connection, data) => void connection.send(typeof data === 'string' ? data : Uint8Array.from(data)),
};

/** What was used up to a moment. */
export interface Look {
  /** Bytes of objects that were allocated on the heap since the start, those that were collected too. */
  readonly heapBytes: number;
  /** Reads and writes (read, write, writev, …) that the process has asked the kernel for. */
  readonly reads: number;
  readonly writes: number;
  /** What is held after a collection, on the heap and outside of it; only when it was asked for. */
  readonly heldBytes?: number;
}

/** What was collected was allocated before: the heap before each collection, less what was left by the one before it. */
class Allocations {
  #profiler = new GCProfiler();
  #sum = 0;
  #left = getHeapStatistics().used_heap_size;

  constructor() {
    this.#profiler.start();
  }

  total(): number {
    const { statistics } = this.#profiler.stop();
    for (const { beforeGC, afterGC } of statistics) {
      this.#sum += beforeGC.heapStatistics.usedHeapSize - this.#left;
      this.#left = afterGC.heapStatistics.usedHeapSize;
    }
    const now = getHeapStatistics().used_heap_size;
    this.#sum += now - this.#left;
    this.#left = now;
    // A profiler that was stopped starts no more.
    this.#profiler = new GCProfiler();
    this.#profiler.start();
    return this.#sum;
  }
}

const allocations = new Allocations();

const answer = ECHOES[process.argv[2] as EchoMode];
const listener = await listen({ port: 0 }, (connection: Connection) => {
  connection.onMessage = (data) => answer(connection, data);
});

function look(collect: boolean): Look {
  const { gc } = globalThis as { gc?: () => void };
  if (collect) {
    gc?.();
    gc?.();
  }
  const { heapUsed, external } = process.memoryUsage();
  const heapBytes = allocations.total();
  // proc_pid_io(5): syscr and syscw are calls such as read and write, whatever they moved.
  const io = readFileSync('/proc/self/io', 'utf8');
  const count = (name: string) => Number(new RegExp(`${name}: (\\d+)`).exec(io)?.[1]);
  const held = collect ? { heldBytes: heapUsed + external } : {};
  return { heapBytes, reads: count('syscr'), writes: count('syscw'), ...held };
}

process.on('message', ({ collect }: { collect: boolean }) => {
  // In a turn of its own, when what was going on is done.
  setImmediate(() => process.send!(look(collect)));
});
process.on('disconnect', () => process.exit());
process.send!({ port: listener.port });
