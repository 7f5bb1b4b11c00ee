import cliTruncate from 'cli-truncate';
import prettyBytes from 'pretty-bytes';
import prettyMs from 'pretty-ms';
import stringWidth from 'string-width';

/** `12.3 kB`. */
export function bytes(count: number): string {
  return prettyBytes(count);
}

/** `12.3 MB/s`; empty when no time passed or nothing moved, because that is no rate. */
export function rate(bytesPerSecond: number | undefined): string {
  if (bytesPerSecond === undefined || !Number.isFinite(bytesPerSecond) || bytesPerSecond <= 0) return '';
  return `${prettyBytes(Math.round(bytesPerSecond))}/s`;
}

/** `12ms`, `3.4s`, `2m 5s`. */
export function duration(ms: number): string {
  return prettyMs(ms < 1000 ? Math.max(1, Math.round(ms)) : ms, { secondsDecimalDigits: 1 });
}

/** `2026-11-26 05:16`, in UTC; empty for a time that no calendar has: a file may claim any. */
export function minute(at: number): string {
  const time = new Date(at);
  if (Number.isNaN(time.valueOf())) return '';
  return time.toISOString().replace('T', ' ').slice(0, -':00.000Z'.length);
}

/** Whole seconds until the rest has come, rounded up: `3s left`. */
export function timeLeft(restBytes: number, bytesPerSecond: number | undefined): string {
  if (bytesPerSecond === undefined || bytesPerSecond <= 0 || restBytes <= 0) return '';
  return `${prettyMs(Math.ceil(restBytes / bytesPerSecond) * 1000, { unitCount: 2 })} left`;
}

/** An address without its user and password, which must not end up in a log: `wss://***@files.example`. */
export function hideUserInfo(url: string): string {
  const scheme = /^(?:[a-z][a-z\d+.-]*:)?[/\\]*/i.exec(url)?.[0] ?? '';
  const rest = url.slice(scheme.length);
  // What is no address has no parts that could be relied on: everything before the last @ may be the password.
  const end = URL.canParse(url) ? rest.slice(0, rest.search(/[/\\?#]|$/)).lastIndexOf('@') : rest.lastIndexOf('@');
  return end < 0 ? url : `${scheme}***${rest.slice(end)}`;
}

/** A long name cut in the middle, so that its beginning and its extension stay; `columns` on the screen. */
export function cutMiddle(name: string, columns: number): string {
  if (columns < 1) return '';
  const cut = cliTruncate(name, columns, { position: 'middle' });
  // Between two wide characters it cuts one column too late.
  return stringWidth(cut) > columns ? cutMiddle(name, columns - 1) : cut;
}

/** A text cut at its end; colours may be in it. */
export function cutEnd(text: string, columns: number): string {
  return columns < 1 ? '' : cliTruncate(text, columns);
}

/** `█████░░░░░` */
export function bar(fraction: number, columns: number): string {
  const full = Math.round(Math.min(1, Math.max(0, fraction)) * columns);
  return '█'.repeat(full) + '░'.repeat(columns - full);
}

/** ` 45%`; 100 only when everything is there. */
export function percent(fraction: number): string {
  return `${Math.floor(Math.min(1, Math.max(0, fraction)) * 100)}%`.padStart(4);
}

/** Bytes per second over the last seconds, so that it follows what the line does now. */
export class RateMeter {
  readonly #windowMs: number;
  #samples: Array<readonly [at: number, total: number]> = [];

  constructor(windowMs = 3000) {
    this.#windowMs = windowMs;
  }

  /** `total` bytes are there at `atMs`. */
  add(atMs: number, total: number): void {
    this.#samples.push([atMs, total]);
    // One sample older than the window stays: the rate is measured from it.
    while (this.#samples.length > 2 && this.#samples[1]![0] <= atMs - this.#windowMs) this.#samples.shift();
  }

  /** undefined until two moments are known. */
  bytesPerSecond(nowMs: number): number | undefined {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last || nowMs <= first[0] || last === first) return undefined;
    return ((last[1] - first[1]) / (nowMs - first[0])) * 1000;
  }
}
