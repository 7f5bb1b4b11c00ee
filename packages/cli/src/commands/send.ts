import { join } from 'node:path';
import {
  type DigestAlgorithm,
  type FileSource,
  limitRate,
  type OnConflict,
  RateLimit,
  TransferError,
} from '@wsferry/transfer';
import { findRoute } from '../connect.ts';
import { eachConcurrently } from '../each-concurrently.ts';
import { type Explanation, explain, explainFile, explainTransfer } from '../errors.ts';
import { ExitCode, worst } from '../exit-codes.ts';
import { type Interruption, watchInterruption } from '../interruption.ts';
import { STANDARD } from '../output.ts';
import { type Pausing, pauseByKey } from '../pausing.ts';
import { createReporter, type Reporter } from '../reporters/reporter.ts';
import { ShellLine } from '../shell-line.ts';
import { reportSilence } from '../silence.ts';
import { storedEvent } from '../stored-event.ts';
import { toSend } from '../to-send.ts';

export interface SendOptions {
  readonly to?: string;
  readonly ca?: string;
  readonly insecure?: boolean;
  /** Offer permessage-deflate. */
  readonly compress?: boolean;
  /** Default `md5`; `sha256` is used where the receiver can do it. */
  readonly digest?: DigestAlgorithm;
  /** What to leave out of folders: patterns as in a `.gitignore`. */
  readonly ignore?: readonly string[];
  /** What standard input (`-`), or else the one file, is called there. */
  readonly as?: string;
  /** Bytes per second, of all files together. */
  readonly limitRate?: number;
  /** What is to happen when a name is taken there; the receiver has the last word. */
  readonly onConflict?: OnConflict;
  /** How long to go on trying after the line was lost, in ms. Default 10 minutes. */
  readonly retryFor?: number;
  /** A line that is silent for so long is given up, in ms. Default 10 s. */
  readonly lineTimeout?: number;
  readonly tokenFile?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

interface Job {
  readonly id: number;
  readonly path: string;
  readonly source: FileSource;
  readonly digest: DigestAlgorithm | undefined;
  readonly onConflict: OnConflict | undefined;
}

const wishesOf = ({ digest, onConflict }: SendOptions) => ({ digest, onConflict });

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

  let unsent = 0;
  const { files, folders } = await toSend(paths, {
    cwd,
    ignore: options.ignore ?? [],
    as: options.as,
    fail: (id, path, error) => {
      unsent++;
      fail(id, path, error, explainFile);
    },
    leaveOut: (path, why) => reporter.report({ event: 'warning', message: `${path} is not sent: ${why}` }),
    twice: (path) => reporter.report({ event: 'warning', message: `${path} is named twice, and sent once` }),
  });
  const limit = options.limitRate === undefined ? undefined : new RateLimit(options.limitRate);
  const jobs: Job[] = files.map(({ source, ...file }) => ({
    ...file,
    source: limit ? limitRate(source, limit) : source,
    ...wishesOf(options),
  }));

  let stored = 0;
  let skipped = 0;
  if (jobs.length + folders.length > 0) {
    const route = await findRoute({ ...options, lineTimeoutMs: options.lineTimeout, cwd, signal }, reporter);
    const bytes = jobs.reduce((sum, { source }) => sum + (source.size ?? 0), 0);
    const compressed = options.compress ? { compressed: route.connection.deflate !== undefined } : {};
    reporter.report({ event: 'connected', url: route.url, files: jobs.length, bytes, ...compressed });
    // Of a stream nobody knows how much is missing when the line is lost.
    const sized = jobs.every(({ source }) => source.size !== undefined);
    const line = new ShellLine(route, reporter, { retryForMs: options.retryFor, bytes: sized ? bytes : 0 });
    const pausing = pauseByKey(reporter, { keyboard: !paths.includes(STANDARD) });
    try {
      await eachConcurrently(
        jobs,
        ({ source }) => source.size,
        async (job) => {
          if (signal.aborted) return;
          try {
            await sendOne(line, job, signal, reporter, pausing);
            stored++;
          } catch (error) {
            if (signal.aborted) reporter.report({ event: 'cancelled', id: job.id, name: job.path });
            else if (error instanceof TransferError && error.code === 'SKIPPED') {
              skipped++;
              reporter.report({ event: 'skipped', id: job.id, name: job.path });
            } else fail(job.id, job.path, error, job.path === STANDARD ? explainPiped : explainTransfer);
          }
        },
      );
      for (const folder of folders) {
        if (signal.aborted) break;
        try {
          await line.courier.sendFolder(folder, { signal });
        } catch (error) {
          if (signal.aborted) break;
          unsent++;
          fail(jobs.length + unsent, [...(folder.folder ?? []), folder.name].join('/'), error, explainTransfer);
        }
      }
    } finally {
      pausing.close();
      await line.leave(signal);
      await route.receiver?.close();
    }
  }
  const exitCode = signal.aborted ? interruption.exitCode : worst(codes);
  reporter.report({ event: 'done', stored, failed: unsent + jobs.length - stored - skipped, exitCode });
  return exitCode;
}

/** To send it again is not enough. */
function explainPiped(error: unknown): Explanation {
  const why = explainTransfer(error);
  if (why.exitCode !== ExitCode.Failed) return why;
  return { ...why, hint: 'what came out of a pipe is gone: run the whole command again' };
}

async function sendOne(
  { courier, safe, dir }: ShellLine,
  { id, path, source, digest, onConflict }: Job,
  signal: AbortSignal,
  reporter: Reporter,
  { pause }: Pausing,
) {
  const name = [...(source.folder ?? []), source.name].join('/');
  const size = source.size === undefined ? {} : { size: source.size };
  reporter.report({ event: 'offered', id, name, ...size, path });
  const startedAt = performance.now();
  const file = await courier.sendFile(source, {
    signal,
    pause,
    digest,
    onConflict,
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
      if ((event.type === 'paused' || event.type === 'continued') && event.by === 'peer') {
        reporter.report({ event: event.type, by: event.by, id, name });
      }
    },
  });
  safe.set(id, file.size);
  // A peer tells the way from its folder; of our own we know where that lies.
  const told = dir === undefined || file.path === undefined ? file : { ...file, path: join(dir, file.path) };
  reporter.report(storedEvent(id, name, told, startedAt));
}
