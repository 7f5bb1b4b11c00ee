/** The process that makes the load. It gets jobs over IPC, one at a time, and answers each with what it measured. */
import { type EchoJob, echo } from './echo.ts';
import { type ConnectJob, connectAgain, type HoldJob, hold, letGo, type PushJob, push } from './other-jobs.ts';
import type { Address } from './raw-client.ts';
import { Sink } from './sink.ts';
import type { Measured } from './window.ts';

export type LoadJob = EchoJob | ConnectJob | PushJob | HoldJob | { kind: 'let-go' } | { kind: 'listen' };

export interface LoadRequest {
  readonly job: LoadJob | { kind: 'sink' };
  readonly address: Address;
  /** The process whose CPU time is reported beside ours. */
  readonly pid: number;
  readonly warmupMs: number;
  readonly ms: number;
}

export type LoadAnswer = { measured?: Measured; port?: number } | { error: string };

let sink: Sink | undefined;

async function work({ job, address, ...timing }: LoadRequest): Promise<LoadAnswer> {
  switch (job.kind) {
    case 'echo':
      return { measured: await echo(job, address, timing) };
    case 'connect':
      return { measured: await connectAgain(job, address, timing) };
    case 'push':
      return { measured: await push(job, address, timing) };
    case 'hold':
      await hold(job, address);
      return {};
    case 'let-go':
      await letGo();
      return {};
    case 'listen':
      sink = new Sink();
      return { port: await sink.listen() };
    case 'sink': {
      const measured = await sink!.measure(timing.pid, timing.warmupMs, timing.ms);
      return { measured };
    }
  }
}

process.on('message', (request: LoadRequest) => {
  work(request)
    .catch((error: Error): LoadAnswer => ({ error: error.message }))
    .then((answer) => process.send!(answer));
});
process.on('disconnect', () => process.exit());
