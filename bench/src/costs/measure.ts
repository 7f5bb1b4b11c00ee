import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { clientFrame, message, serverFrame } from '../load/frames.ts';
import { closeClients, openClients, type RawClient } from '../load/raw-client.ts';
import type { EchoMode, Look } from './server.ts';

/** What one message, or one connection, costs the server. */
export interface Cost {
  /** Allocated on the heap. */
  readonly heapBytes: number;
  /** Calls of the kernel. */
  readonly reads: number;
  readonly writes: number;
  readonly writesPerRead?: number;
  /** Still held when garbage is collected, on the heap and outside of it. */
  readonly heldBytes?: number;
}

/** A server process that can be asked what it used so far. */
export class CountedServer {
  readonly #child: ChildProcess;
  readonly #port: Promise<number>;

  constructor(mode: EchoMode) {
    const path = fileURLToPath(new URL('./server.ts', import.meta.url));
    this.#child = fork(path, [mode], {
      execArgv: ['--expose-gc', '--conditions=@wsferry/source', '--import', 'tsx'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#port = this.#next<{ port: number }>().then(({ port }) => port);
  }

  /** What `work` costs the server, in all. */
  async cost(work: () => Promise<void>): Promise<Cost> {
    const before = await this.look();
    await work();
    const after = await this.look();
    return {
      heapBytes: after.heapBytes - before.heapBytes,
      reads: after.reads - before.reads,
      writes: after.writes - before.writes,
    };
  }

  async look({ collect = false } = {}): Promise<Look> {
    this.#child.send({ collect });
    return await this.#next<Look>();
  }

  async clients(count: number): Promise<RawClient[]> {
    return openClients({ host: '127.0.0.1', port: await this.#port }, count);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    this.#child.disconnect();
    await once(this.#child, 'exit');
  }

  async #next<T>(): Promise<T> {
    const [answer] = (await once(this.#child, 'message')) as [T];
    return answer;
  }
}

/**
 * `rounds` times on every client: `inFlight` messages in one write, then all their answers. So how the bytes are cut on
 * their way, which a loaded machine decides, changes little.
 */
export async function echoRounds(
  clients: readonly RawClient[],
  { bytes, inFlight, rounds }: { bytes: number; inFlight: number; rounds: number },
): Promise<void> {
  const payload = message('binary', bytes);
  const burst = Buffer.concat(Array.from({ length: inFlight }, () => clientFrame(2, payload)));
  const answerBytes = serverFrame(2, payload).length * inFlight;
  await Promise.all(
    clients.map(async (client) => {
      for (let round = 0; round < rounds; round++) {
        const answered = answers(client, answerBytes);
        client.socket.write(burst);
        await answered;
      }
    }),
  );
}

function answers(client: RawClient, bytes: number): Promise<void> {
  let come = 0;
  return new Promise((resolve, reject) => {
    client.onClosed = () => reject(new Error('the server closed'));
    client.onBytes = (length) => {
      come += length;
      if (come >= bytes) resolve();
    };
  });
}

/** Opens `count` connections and closes them again. */
export async function openAndClose(server: CountedServer, count: number): Promise<void> {
  for (let opened = 0; opened < count; opened += 50) await closeClients(await server.clients(50));
}
