import type { Finding } from '../doctor/check.ts';
import type { EndingSignal } from '../interruption.ts';

/**
 * Everything a command has to say, as data: the reporters only differ in how they show it, and `--json` prints these
 * objects as they are, with the time before. Sizes in bytes, times in milliseconds, rates in bytes per second. Of files that
 * are received, `connection` says over which one.
 */
export type CliEvent =
  /** A receiver of this process listens: `serve`, or the embedded one of `send` (`reason` says why it was needed). */
  | { event: 'receiver'; url: string; dir: string; embedded: boolean; readOnly?: boolean; reason?: string }
  /** `compressed`: what came of `--compress`. */
  | { event: 'connected'; url: string; files: number; bytes: number; compressed?: boolean }
  | { event: 'offered'; connection?: number; id: number; name: string; size?: number; path?: string }
  /** `stored`: what the receiver has written, not what was queued. */
  | { event: 'progress'; connection?: number; id: number; name: string; stored: number; size?: number }
  /** `compared`: of a file that the receiver may hold already, what was read to see whether it is the same. Nothing travels. */
  | { event: 'comparing'; id: number; name: string; compared: number; size?: number }
  /**
   * The connection was lost, or could not be opened again (`attempt` times since anything got through); the next try comes
   * in `retryInMs`. `stored` of `bytes` are safe, of all files.
   */
  | { event: 'lost'; message: string; stored: number; bytes: number; retryInMs: number; attempt: number }
  /** The first connection broke off before it was one. */
  | { event: 'retrying'; message: string; retryInMs: number }
  /** There is another connection. */
  | { event: 'reconnected'; url: string }
  /** The receiver held the beginning of the file, proven to be the same: it goes on there. */
  | { event: 'resumed'; connection?: number; id: number; name: string; offset: number; size?: number }
  /** Something was kept of the file, and it begins anew all the same. */
  | { event: 'restarted'; connection?: number; id: number; name: string; reason: string }
  /**
   * Files are held back, or go on: all of this command (`local`, by key), or this one, by the other side (`peer`). Both may have
   * paused it, and then both must go on.
   */
  | { event: 'paused' | 'continued'; by: 'local' }
  | { event: 'paused' | 'continued'; by: 'peer'; id: number; name: string }
  /** Files are on their way, and the receiver has not said a word for `ms`. */
  | { event: 'waiting'; ms: number }
  | {
      event: 'stored';
      connection?: number;
      id: number;
      /** As it was sent. */
      name: string;
      /** Where it lies now; only a name when the receiver does not tell its folder. */
      storedAs: string;
      size: number;
      /** Lower-case hex: `sha256` where that was asked for and the receiver can do it, else `md5`. */
      md5?: string;
      sha256?: string;
      durationMs: number;
      bytesPerSecond: number;
      /** The identical file was there already, and nothing moved. */
      existing: boolean;
    }
  /** A file of that name is there, and the wish was to leave it alone. */
  | { event: 'skipped'; id: number; name: string }
  /** `list`: one entry. `path` has the folders below the one that was asked for. */
  | { event: 'entry'; path: string; kind: 'file' | 'folder'; size?: number; modified?: number; executable?: boolean }
  /** `serve --clean`: so many unfinished files are gone, and so many stay. */
  | { event: 'cleaned'; dir: string; removed: number; bytes: number; staying: number }
  /** `watch`: from here on nothing is missed. */
  | { event: 'watching' }
  /** `watch`: a file has arrived at the receiver. `at` in ms since 1970, by the receiver's clock; `name` with its folders. */
  | { event: 'arrived'; name: string; size: number; md5?: string; sha256?: string; at: number; existing?: boolean }
  /** `watch`: somebody has posted a note. */
  | { event: 'note'; text: string; at: number }
  /** `note`: everybody who watches was told. */
  | { event: 'posted'; text: string }
  | { event: 'failed'; connection?: number; id: number; name: string; code: string; message: string; hint?: string }
  /** Somebody has connected to our receiver. `remote` is an address, absent for a Unix socket. */
  | { event: 'opened'; connection: number; remote?: string }
  /** The connection is over: close code, why, and how many bytes came over it. */
  | {
      event: 'closed';
      connection: number;
      remote?: string;
      code: number;
      message?: string;
      durationMs: number;
      bytes: number;
    }
  /** Somebody was not let in, or left during the handshake. `code` is a HandshakeError's, `status` of HTTP. */
  | { event: 'refused'; remote?: string; code: string; status?: number; message: string }
  /**
   * The first Ctrl-C, or another signal to end: what is open is being closed; with `graceMs` the files under way have so long
   * to end by themselves.
   */
  | { event: 'stopping'; signal: EndingSignal; graceMs?: number }
  /** The user ended it. */
  | { event: 'cancelled'; id: number; name: string }
  | { event: 'warning'; message: string }
  /** The command itself failed. */
  | { event: 'error'; code: string; message: string; hint?: string; exitCode: number }
  | { event: 'done'; stored: number; failed: number; exitCode: number }
  | CheckEvent
  /** What `doctor` has found in all: how many checks ended in which way. */
  | { event: 'diagnosis'; url: string; ok: number; warning: number; wrong: number; skipped: number; exitCode: number };

/** One thing that `doctor` has looked at. */
export type CheckEvent = { event: 'check'; id: string } & Finding;

/** Shows events. */
export interface Reporter {
  report(event: CliEvent): void;
  /**
   * Takes away what will be drawn over, until there is more to draw: somebody else writes on this screen. Only there when
   * progress is drawn on a terminal.
   */
  clear?(): void;
  /** The last word: the screen is the shell's again. */
  close(): void;
}

/** How the user wants to hear. */
export interface ReporterOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  /** As `json`, for a log: without progress. */
  readonly log?: 'json';
  /** Draw progress lines when stdout is a terminal. */
  readonly progress?: boolean;
  /** Where everything goes that would go to stdout, when that has something else to carry. */
  readonly output?: NodeJS.WriteStream | undefined;
}

/** The reporter for these options and this terminal. */
export async function createReporter(options: ReporterOptions): Promise<Reporter> {
  const { json, quiet, log, progress, output = process.stdout } = options;
  if (log === 'json') return (await import('./json.ts')).logReporter(output);
  if (json) return (await import('./json.ts')).jsonReporter(output);
  if (quiet) return (await import('./quiet.ts')).quietReporter(process.stderr);
  if (progress && output.isTTY && process.env['TERM'] !== 'dumb') {
    return (await import('./tty.ts')).ttyReporter(output, process.stderr);
  }
  return (await import('./plain.ts')).plainReporter(output, process.stderr);
}

/** What a reporter writes to; a terminal has `isTTY`. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/** Colour only on a terminal that knows it, and never against NO_COLOR (https://no-color.org). */
export function wantsColor(output: Output, env: NodeJS.ProcessEnv = process.env): boolean {
  return output.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}
