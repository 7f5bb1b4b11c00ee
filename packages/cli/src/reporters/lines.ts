import { printable } from '@wsferry/transfer';
import { colors } from '../colors.ts';
import { ExitCode } from '../exit-codes.ts';
import { bytes, duration, rate } from '../format.ts';
import type { CliEvent } from './reporter.ts';

/** The line for an event that goes wrong, undefined for every other. Without control characters of the peer's. */
export function problemLine(event: CliEvent, color: boolean): string | undefined {
  const c = colors(color);
  switch (event.event) {
    case 'failed':
      return `${c.red('failed')} ${printable(event.name)}: ${printable(event.message)}${hint(event.hint)}`;
    case 'error':
      return `${c.red('wsferry:')} ${printable(event.message)}${hint(event.hint)}`;
    case 'refused':
      return refusedLine(event, color);
    case 'warning':
      return c.bold(c.yellow(`WARNING: ${printable(event.message)}`));
    default:
      return undefined;
  }
}

/** What an operator can act on: a stranger, a page, a full house. Noise, and whoever waits for his turn, are left out. */
function refusedLine(event: CliEvent & { event: 'refused' }, color: boolean): string | undefined {
  const { remote = 'somebody', status, message } = event;
  if (status === undefined || ![401, 403, 503].includes(status)) return undefined;
  const c = colors(color);
  return `${c.yellow('refused')} ${printable(remote)}: ${printable(message)} (${status})`;
}

/** The line for where a receiver listens. */
export function receiverLine(event: CliEvent & { event: 'receiver' }, color: boolean): string {
  const c = colors(color);
  const url = c.cyan(printable(event.url));
  const dir = printable(event.dir);
  const what = event.readOnly ? `serving ${dir}, storing nothing` : `saving into ${dir}`;
  if (!event.embedded) return `listening at ${url}, ${what} (Ctrl-C ends)`;
  return `${printable(event.reason ?? 'no receiver')}: receiving in this process at ${url}, saving into ${dir}`;
}

/** Nothing is wrong yet, and whoever looks should know what is waited for. */
export function waitingLine(ms: number): string {
  return `no word from the receiver for ${Math.floor(ms / 1000)} s`;
}

/** All files of the command are held back, and which key lets them go on. */
export const PAUSED_LINE = 'paused: p goes on';

/** Who holds a file back is named: it is not this side's fault that nothing moves. */
export function pausedLine(event: CliEvent & { event: 'paused' | 'continued' }): string | undefined {
  if (event.by === 'local') return event.event === 'paused' ? PAUSED_LINE : 'going on';
  return event.event === 'paused'
    ? `${printable(event.name)}: paused by the other side`
    : `${printable(event.name)}: goes on`;
}

/** What happens to the line, and what is done about it. */
export function lostLine(event: CliEvent & { event: 'lost' }, color: boolean): string {
  const c = colors(color);
  const { message, stored, bytes: total, retryInMs, attempt } = event;
  const at = total > 0 ? ` at ${place(stored, total)}` : '';
  const what = attempt === 1 ? `line lost${at}` : 'still no line';
  return `${c.yellow(what)}, next try in ${duration(retryInMs)} ${c.dim(`(${printable(message)})`)}`;
}

export function retryingLine({ message, retryInMs }: CliEvent & { event: 'retrying' }, color: boolean): string {
  const c = colors(color);
  return `${c.yellow('no connection yet')}, next try in ${duration(retryInMs)} ${c.dim(`(${printable(message)})`)}`;
}

export function reconnectedLine({ url }: CliEvent & { event: 'reconnected' }, color: boolean): string {
  const c = colors(color);
  return `connected to ${c.cyan(printable(url))} again`;
}

export function resumedLine({ name, offset, size }: CliEvent & { event: 'resumed' }): string {
  return `resumed ${printable(name)} at ${size === undefined ? bytes(offset) : place(offset, size)}`;
}

export function restartedLine({ name, reason }: CliEvent & { event: 'restarted' }): string {
  const why = Object.hasOwn(RESTARTED, reason) ? RESTARTED[reason as keyof typeof RESTARTED] : printable(reason);
  return `${printable(name)} begins anew: ${why}`;
}

const RESTARTED = {
  SOURCE_CHANGED: 'it was changed since its first part was sent',
  PARTIAL_CHANGED: 'what the receiver has of it is not the same',
} as const;

/** `40.7 %`: with a decimal, because what matters is which of two places is the later one. */
function place(done: number, of: number): string {
  return `${of === 0 ? 100 : Math.floor((Math.min(done, of) / of) * 1000) / 10} %`;
}

/** Said at once: closing may take a moment. */
export function stoppingLine({ signal, graceMs }: CliEvent & { event: 'stopping' }): string {
  if (graceMs !== undefined)
    return `stopping: files under way have ${duration(graceMs)} to end (another signal ends now)`;
  return signal === 'SIGINT' ? 'stopping … (Ctrl-C again ends now)' : 'stopping …';
}

/** The line for whom we talk to. */
export function connectedLine({ url, compressed }: CliEvent & { event: 'connected' }, color: boolean): string {
  const c = colors(color);
  const how = compressed === undefined ? '' : compressed ? ', compressing' : ' (which does not compress)';
  return `connected to ${c.cyan(printable(url))}${how}`;
}

/** Everything about a stored file in one line. */
export function storedLine(event: CliEvent & { event: 'stored' }, color: boolean): string {
  const c = colors(color);
  const facts = [bytes(event.size), digestWords(event), duration(event.durationMs)];
  if (event.existing) facts.push('already there, identical');
  else if (rate(event.bytesPerSecond)) facts.push(rate(event.bytesPerSecond));
  return `${c.green('stored')} ${printable(event.storedAs)} (${facts.join(', ')})`;
}

/** `md5 900150983cd24fb0d6963f7d28e17f72`. */
export function digestWords({ md5, sha256 }: CliEvent & { event: 'stored' }): string {
  return sha256 === undefined ? `md5 ${md5}` : `sha256 ${sha256}`;
}

export function cleanedLine({ dir, removed, bytes: size }: CliEvent & { event: 'cleaned' }): string {
  if (removed === 0) return `nothing unfinished to remove in ${printable(dir)}`;
  return `removed ${removed} unfinished ${removed === 1 ? 'file' : 'files'} (${bytes(size)}) in ${printable(dir)}`;
}

/** A file that has arrived at the receiver: one line, the receiver's time first. */
export function arrivedLine(event: CliEvent & { event: 'arrived' }, color: boolean): string {
  const c = colors(color);
  const digest = event.sha256 === undefined ? `md5 ${event.md5}` : `sha256 ${event.sha256}`;
  const facts = [bytes(event.size), digest, ...(event.existing ? ['was there already'] : [])];
  return `${c.dim(clockTime(event.at))} ${c.green('arrived')} ${printable(event.name)} (${facts.join(', ')})`;
}

export function noteLine({ text, at }: CliEvent & { event: 'note' }, color: boolean): string {
  const c = colors(color);
  return `${c.dim(clockTime(at))} ${c.cyan('note')} ${printable(text)}`;
}

function clockTime(at: number): string {
  const time = new Date(at);
  return Number.isNaN(time.valueOf()) ? '--:--:--' : time.toTimeString().slice(0, 8);
}

function hint(text: string | undefined): string {
  return text === undefined ? '' : ` (${printable(text)})`;
}

/** The last line: how many of how many; undefined for a single file, whose own line said it. */
export function doneLine(event: CliEvent & { event: 'done' }): string | undefined {
  const { stored, failed, exitCode } = event;
  // As every other program in a pipe: whoever closed it knows.
  if (exitCode === ExitCode.BrokenPipe) return undefined;
  if (exitCode >= 128) return `interrupted: ${stored} stored${failed > 0 ? `, ${failed} not` : ''}`;
  return stored + failed > 1 ? `${stored} stored, ${failed} failed` : undefined;
}
