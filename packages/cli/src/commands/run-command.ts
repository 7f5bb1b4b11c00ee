import { findRoute, type RouteOptions } from '../connect.ts';
import { explain } from '../errors.ts';
import type { ExitCode } from '../exit-codes.ts';
import { watchInterruption } from '../interruption.ts';
import { createReporter, type Reporter } from '../reporters/reporter.ts';
import { ShellLine, type ShellLineOptions } from '../shell-line.ts';

/** Options of every command that talks to a receiver which is there. */
export interface TalkOptions extends Omit<RouteOptions, 'cwd' | 'signal' | 'lineTimeoutMs' | 'to'> {
  readonly from?: string;
  /** How long to go on trying after the line was lost, in ms. */
  readonly retryFor?: number;
  /** A line that is silent for so long is given up, in ms. */
  readonly lineTimeout?: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** What a command works with. */
export interface Talk {
  readonly line: ShellLine;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

/**
 * Connects, does `work`, takes leave. Never throws: every failure is reported and becomes the exit code; what `work` gives
 * is the exit code when the user did not end it.
 */
export async function talk(
  cwd: string,
  options: TalkOptions,
  settings: ShellLineOptions & {
    readonly reporter?: Reporter;
    readonly progress?: boolean;
    readonly output?: NodeJS.WriteStream | undefined;
  },
  work: (talk: Talk) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { progress = false, output } = settings;
  const reporter = settings.reporter ?? (await createReporter({ ...options, progress, output }));
  const interruption = watchInterruption((signal) => reporter.report({ event: 'stopping', signal }));
  const { signal } = interruption;
  let exitCode: ExitCode;
  try {
    const { from, lineTimeout, retryFor } = options;
    const route = await findRoute(
      { ...options, to: from, lineTimeoutMs: lineTimeout, cwd, signal, embed: false },
      reporter,
    );
    const line = new ShellLine(route, reporter, { retryForMs: retryFor, ...settings });
    try {
      exitCode = await work({ line, reporter, signal });
    } finally {
      await line.leave(signal);
    }
  } catch (error) {
    const why = explain(error);
    exitCode = why.exitCode;
    if (!signal.aborted) reporter.report({ event: 'error', ...why });
    if (process.env['WSFERRY_DEBUG']) console.error(error);
  }
  if (signal.aborted) exitCode = interruption.exitCode;
  reporter.close();
  return exitCode;
}
