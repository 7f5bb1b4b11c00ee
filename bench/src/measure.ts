import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { LoadAnswer, LoadRequest } from './load/load.ts';
import type { Measured } from './load/window.ts';
import type { Peer, ServerMode } from './peers.ts';
import { residentBytesOf } from './process-facts.ts';
import { nodeProgram, Program } from './programs.ts';
import type { Participant, Round } from './results.ts';
import type { MessageWorkload } from './workloads.ts';

export interface Pace {
  readonly rounds: number;
  readonly ms: number;
  readonly warmupMs: number;
}

const HOST = '127.0.0.1';

/** The process that makes the load, for one workload. */
class Load {
  readonly #child: ChildProcess;

  constructor() {
    const [, ...args] = nodeProgram('load/load');
    const program = args.pop()!;
    this.#child = fork(program, [], { execArgv: args, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  }

  async ask(request: LoadRequest): Promise<Exclude<LoadAnswer, { error: string }>> {
    this.#child.send(request);
    const ended = new AbortController();
    const [answer] = (await Promise.race([
      once(this.#child, 'message', ended),
      once(this.#child, 'exit', ended).then(() => {
        throw new Error('the load ended');
      }),
    ]).finally(() => ended.abort())) as [LoadAnswer];
    if ('error' in answer) throw new Error(answer.error);
    return answer;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    this.#child.disconnect();
    await once(this.#child, 'exit');
  }
}

/** Runs one workload: all peers in every round, each round beginning with another one. */
export async function measure(workload: MessageWorkload, peers: readonly Peer[], pace: Pace): Promise<Participant[]> {
  const able = peers.filter(
    (peer) => (workload.job.kind !== 'send' || peer.client) && (!peer.floor || workload.showsFloor === true),
  );
  const rounds = new Map<Peer, (Round | undefined)[]>(able.map((peer) => [peer, []]));
  const absent = new Map<Peer, string>(able.flatMap((peer) => (peer.absent ? [[peer, peer.absent] as const] : [])));
  const runner = runnerFor(workload);
  try {
    for (let round = 0; round < pace.rounds; round++) {
      const order = able.map((_, index) => able[(index + round) % able.length]!);
      for (const peer of order) {
        if (absent.has(peer)) continue;
        // The first time is longer: the server's code is compiled by then.
        const warmupMs = round === 0 ? pace.warmupMs * 3 : pace.warmupMs;
        const measured = await runner.run(peer, warmupMs, pace.ms).catch((error: Error) => {
          absent.set(peer, error.message.slice(0, 200));
          return undefined;
        });
        if (measured) rounds.get(peer)![round] = measured;
      }
    }
  } finally {
    await runner.close();
  }
  return able.map((peer) => {
    const reason = absent.get(peer);
    return { name: peer.name, rounds: rounds.get(peer)!, ...(reason !== undefined && { absent: reason }) };
  });
}

interface Runner {
  run(peer: Peer, warmupMs: number, ms: number): Promise<Round>;
  close(): Promise<void>;
}

function runnerFor({ job }: MessageWorkload): Runner {
  switch (job.kind) {
    case 'idle':
      return new IdleRunner(job.connections, job.deflate ?? false);
    case 'send':
      return new SendRunner(job.bytes);
    default:
      return new ServerRunner(job);
  }
}

async function startServer(peer: Peer, mode: ServerMode, deflate: boolean): Promise<{ server: Program; port: number }> {
  const server = new Program(peer.server(mode, deflate));
  const { port } = await server.next<{ port: number }>();
  return { server, port };
}

/** One server of each peer, which live as long as the workload; those whose turn it is not have nothing to do. */
class ServerRunner implements Runner {
  readonly #load = new Load();
  readonly #servers = new Map<Peer, Promise<{ server: Program; port: number }>>();
  readonly #job: Exclude<MessageWorkload['job'], { kind: 'idle' | 'send' }>;

  constructor(job: Exclude<MessageWorkload['job'], { kind: 'idle' | 'send' }>) {
    this.#job = job;
  }

  async run(peer: Peer, warmupMs: number, ms: number): Promise<Measured> {
    const job = this.#job;
    const mode = job.kind === 'push' ? 'push' : job.kind === 'echo' && job.strings ? 'strings' : 'echo';
    const deflate = job.kind === 'echo' && job.deflate === true;
    if (!this.#servers.has(peer)) this.#servers.set(peer, startServer(peer, mode, deflate));
    const { server, port } = await this.#servers.get(peer)!;
    const answer = await this.#load.ask({ job, address: { host: HOST, port }, pid: server.pid, warmupMs, ms });
    return answer.measured!;
  }

  async close(): Promise<void> {
    await this.#load.close();
    const servers = await Promise.allSettled(this.#servers.values());
    await Promise.all(
      servers.map((started) => (started.status === 'fulfilled' ? started.value.server.stop() : undefined)),
    );
  }
}

/** Memory that does not come back: each time a server of its own. Garbage is collected before both looks. */
class IdleRunner implements Runner {
  readonly #load = new Load();
  readonly #connections: number;
  readonly #deflate: boolean;

  constructor(connections: number, deflate: boolean) {
    this.#connections = connections;
    this.#deflate = deflate;
  }

  async run(peer: Peer): Promise<Round> {
    const { server, port } = await startServer(peer, 'echo', this.#deflate);
    const ask = (job: LoadRequest['job']) =>
      this.#load.ask({ job, address: { host: HOST, port }, pid: server.pid, warmupMs: 0, ms: 0 });
    try {
      // What the first connections bring with them, compiled code above all, is not counted.
      await ask({ kind: 'hold', connections: 100, deflate: this.#deflate });
      const before = await residentAfterGc(server);
      await ask({ kind: 'hold', connections: this.#connections, deflate: this.#deflate });
      const after = await residentAfterGc(server);
      await ask({ kind: 'let-go' });
      return { value: Math.max(1, (after - before) / this.#connections) };
    } finally {
      await server.stop();
    }
  }

  async close(): Promise<void> {
    await this.#load.close();
  }
}

async function residentAfterGc(server: Program): Promise<number> {
  for (let times = 0; times < 2; times++) {
    server.tell('gc');
    await server.next();
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  return residentBytesOf(server.pid);
}

/** A client of each peer, new every round, which sends to a sink in the load's process. */
class SendRunner implements Runner {
  readonly #load = new Load();
  readonly #bytes: number;
  #port: number | undefined;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  async run(peer: Peer, warmupMs: number, ms: number): Promise<Measured> {
    const nowhere = { host: HOST, port: 0 };
    this.#port ??= (await this.#load.ask({ job: { kind: 'listen' }, address: nowhere, pid: 0, warmupMs, ms })).port!;
    const client = new Program(peer.client!(`ws://${HOST}:${this.#port}/`, this.#bytes));
    try {
      await client.next();
      const warm = warmupMs * 2;
      const request = { job: { kind: 'sink' as const }, address: nowhere, pid: client.pid, warmupMs: warm, ms };
      return (await this.#load.ask(request)).measured!;
    } finally {
      await client.stop('SIGTERM');
    }
  }

  async close(): Promise<void> {
    await this.#load.close();
  }
}
