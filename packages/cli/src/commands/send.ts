import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import type { Connection } from '@wsferry/connection';
import { Courier, type DigestAlgorithm, digestField, type LineEvent } from '@wsferry/transfer';
import { pathSource } from '@wsferry/transfer/node';
import { findRoute, type Route } from '../connect.ts';
import { CliError, explain, explainFile, explainTransfer, isFinal } from '../errors.ts';
import { ExitCode, worst } from '../exit-codes.ts';
import { type Interruption, watchInterruption } from '../interruption.ts';
import { leave } from '../leaving.ts';
import { createReporter, type Reporter } from '../reporters/reporter.ts';
import { reportSilence } from '../silence.ts';

/** More at once gain nothing on one connection and cost a worker and an open file each. */
const MAX_CONCURRENT_FILES = 16;

export interface SendOptions {
  readonly to?: string;
  readonly ca?: string;
  readonly insecure?: boolean;
  /** Offer permessage-deflate. */
  readonly compress?: boolean;
  /** Default `md5`; `sha256` is used where the receiver can do it. */
  readonly digest?: DigestAlgorithm;
  /** How long to go on trying after the line was lost, in ms. Default 10 minutes. */
  readonly retryFor?: number;
  /** A line that is silent for so long is given up, in ms. Default 10 s. */
  readonly lineTimeout?: number;
  readonly tokenFile?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

type Source = Awaited<ReturnType<typeof pathSource>>;

interface Job {
  readonly id: number;
  readonly path: string;
  readonly source: Source;
  readonly digest: DigestAlgorithm | undefined;
}

/** Sends `paths` over one connection. Never throws: every failure is reported and becomes the exit code. */
export async function send(paths: readonly string[], cwd: string, options: SendOptions): Promise<ExitCode> {
  const reporter = reportSilence(await createReporter({ ...options, progress: true }));
  const interruption = watchInterruption((signal) => reporter.report({ event: 'stopping', signal }));
  let exitCode: ExitCode;
  try {
    exitCode = await sendAll(paths, cwd, options, interruption, reporter);
  } catch (error) {
    const why = explain(error);
    exitCode = why.exitCode;
    if (!interruption.signal.aborted) reporter.report({ event: 'error', ...why });
    if (process.env['WSFERRY_DEBUG']) console.error(error);
  }
  if (interruption.signal.aborted) exitCode = interruption.exitCode;
  reporter.close();
  return exitCode;
}

async function sendAll(
  paths: readonly string[],
  cwd: string,
  options: SendOptions,
  interruption: Interruption,
  reporter: Reporter,
): Promise<ExitCode> {
  const { signal } = interruption;
  const codes: ExitCode[] = [];
  const fail = (id: number, name: string, error: unknown, explainIt: typeof explainFile) => {
    const { exitCode, ...why } = explainIt(error);
    codes.push(exitCode);
    reporter.report({ event: 'failed', id, name, ...why });
  };

  const jobs: Job[] = [];
  for (const [index, path] of paths.entries()) {
    try {
      jobs.push({ id: index + 1, path, source: await sourceOf(resolve(cwd, path)), digest: options.digest });
    } catch (error) {
      fail(index + 1, path, error, explainFile);
    }
  }

  let stored = 0;
  if (jobs.length > 0) {
    const route = await findRoute({ ...options, lineTimeoutMs: options.lineTimeout, cwd, signal }, reporter);
    const bytes = jobs.reduce((sum, { source }) => sum + (source.size ?? 0), 0);
    const compressed = options.compress ? { compressed: route.connection.deflate !== undefined } : {};
    reporter.report({ event: 'connected', url: route.url, files: jobs.length, bytes, ...compressed });
    const safe = new Tally();
    const { courier, leaveIt } = courierOn(route, options, (event) =>
      tellLine(event, route.url, safe, bytes, reporter),
    );
    try {
      await eachConcurrently(jobs, MAX_CONCURRENT_FILES, async (job) => {
        if (signal.aborted) return;
        try {
          await sendOne(courier, job, signal, safe, reporter);
          stored++;
        } catch (error) {
          if (signal.aborted) reporter.report({ event: 'cancelled', id: job.id, name: job.path });
          else fail(job.id, job.path, error, explainTransfer);
        }
      });
    } finally {
      await leaveIt(signal);
      await route.receiver?.close();
    }
  }
  const exitCode = signal.aborted ? interruption.exitCode : worst(codes);
  reporter.report({ event: 'done', stored, failed: paths.length - stored, exitCode });
  return exitCode;
}

async function sourceOf(path: string): Promise<Source> {
  // pathSource refuses a folder too, but cannot know what a shell has to say about it.
  if ((await stat(path).catch(() => undefined))?.isDirectory()) {
    throw new CliError('IS_DIRECTORY', 'is a directory', ExitCode.Failed, { hint: 'name the files in it' });
  }
  return await pathSource(path);
}

/** A courier whose first connection is there already, and how to take leave of the one it has in the end. */
function courierOn(route: Route, { retryFor }: SendOptions, onEvent: (event: LineEvent) => void) {
  let current: Connection = route.connection;
  let first: Connection | undefined = route.connection;
  const courier = new Courier({
    connect: async (signal) => {
      current = first ?? (await route.reconnect(signal));
      first = undefined;
      return current;
    },
    retry: { forMs: retryFor },
    isFinal,
    onEvent,
  });
  const leaveIt = (signal: AbortSignal) =>
    leave(
      {
        close: async (code, reason) => {
          await courier.close(code, reason);
          return current.close(code, reason);
        },
        abort: () => current.abort(),
      },
      signal,
    );
  return { courier, leaveIt };
}

function tellLine(event: LineEvent, url: string, safe: Tally, bytes: number, reporter: Reporter): void {
  if (event.type === 'connected' && event.again) reporter.report({ event: 'reconnected', url });
  if (event.type !== 'lost') return;
  const { retryInMs, attempt } = event;
  const { message } = explain(event.error);
  reporter.report({ event: 'lost', message, stored: safe.total, bytes, retryInMs: Math.round(retryInMs), attempt });
}

/** What is stored of all files. */
class Tally {
  readonly #stored = new Map<number, number>();

  set(id: number, stored: number): void {
    this.#stored.set(id, stored);
  }

  get total(): number {
    let sum = 0;
    for (const stored of this.#stored.values()) sum += stored;
    return sum;
  }
}

async function sendOne(
  courier: Courier,
  { id, path, source, digest }: Job,
  signal: AbortSignal,
  safe: Tally,
  reporter: Reporter,
) {
  const name = basename(path);
  const size = source.size === undefined ? {} : { size: source.size };
  reporter.report({ event: 'offered', id, name, ...size, path });
  const startedAt = performance.now();
  const file = await courier.sendFile(source, {
    signal,
    digest,
    onProgress: ({ stored, compared }) => {
      safe.set(id, stored);
      reporter.report(
        compared === undefined
          ? { event: 'progress', id, name, stored, ...size }
          : { event: 'comparing', id, name, compared, ...size },
      );
    },
    onEvent: (event) => {
      if (event.type === 'resumed') reporter.report({ event: 'resumed', id, name, offset: event.offset, ...size });
      if (event.type === 'restarted') reporter.report({ event: 'restarted', id, name, reason: event.reason });
    },
  });
  safe.set(id, file.size);
  const durationMs = performance.now() - startedAt;
  reporter.report({
    event: 'stored',
    id,
    name,
    storedAs: file.path ?? file.name,
    size: file.size,
    ...digestField(file.algorithm, file.digest),
    durationMs: Math.round(durationMs * 10) / 10,
    bytesPerSecond: file.existing ? 0 : Math.round((file.size / Math.max(durationMs, 0.1)) * 1000),
    existing: file.existing,
  });
}

async function eachConcurrently<T>(items: readonly T[], limit: number, run: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const lane = async () => {
    // All lanes draw from the same iterator.
    for (const item of queue) await run(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
}
