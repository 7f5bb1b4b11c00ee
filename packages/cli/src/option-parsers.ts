import { InvalidArgumentError, Option } from 'commander';
import { parseDuration, parseRate } from './quantities.ts';

export const json = () => new Option('--json', 'one JSON object a line for every event').conflicts('quiet');
export const quiet = () => new Option('--quiet', 'errors only');
export const tokenFile = (what: string) => new Option('--token-file <file>', what).argParser(given);

export const onConflict = (what: string) =>
  new Option('--on-conflict <policy>', what).choices(['rename', 'overwrite', 'skip', 'fail']);

export const limitRate = (what: string) => new Option('--limit-rate <rate>', what).argParser(parseRate);

/** `--dir "$DIR"` with nothing in DIR: a mistake, and never the folder one stands in or every interface. */
export function given(text: string): string {
  if (text === '') throw new InvalidArgumentError('expected a name, got an empty one.');
  return text;
}

/** A connection needs some time for a Ping and its Pong. */
export function parseLineTimeout(text: string): number {
  const ms = parseDuration(text);
  if (ms >= 100 && ms <= 86_400_000) return ms;
  throw new InvalidArgumentError('expected a time from 100ms to 1d.');
}
