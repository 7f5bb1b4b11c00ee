import { signal } from '@preact/signals';

/** For this tab alone, and gone with it; a reload keeps it. */
const KEY = 'wsferry.token';

/** The token that this tab shows; undefined where none is wanted, or none was given yet. */
export const token = signal<string | undefined>(sessionStorage.getItem(KEY) ?? undefined);

/** What the server says about a token. `wait`: too many wrong ones came from this address. */
export type Answer = 'welcome' | 'wanted' | 'wrong' | { readonly waitMs: number } | 'unreachable';

/** A line can be dead without a word: who does not answer for so long is not there. */
export const ANSWER_MS = 10_000;

/** Asks by HTTP: why a WebSocket was refused no browser tells its page. Rejects when `signal` ends it. */
export async function askAtDoor(given = token.value, signal?: AbortSignal): Promise<Answer> {
  // Nothing else is a token, and fetch would not send it.
  if (given !== undefined && !/^[\x21-\x7e]+$/.test(given)) return 'wrong';
  try {
    const inTime = AbortSignal.any([AbortSignal.timeout(ANSWER_MS), ...(signal ? [signal] : [])]);
    const answer = await fetch('./door', { headers: authorization(given), cache: 'no-store', signal: inTime });
    if (answer.status === 401) return given === undefined ? 'wanted' : 'wrong';
    if (answer.status === 429) return { waitMs: 1000 * Number(answer.headers.get('Retry-After') ?? 10) };
    return answer.ok ? 'welcome' : 'unreachable';
  } catch {
    signal?.throwIfAborted();
    return 'unreachable';
  }
}

/** From here on this one is shown; undefined forgets it. */
export function keepToken(given: string | undefined): void {
  token.value = given;
  if (given === undefined) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, given);
}

/** Where a received file is below `files/`: each folder before it, and its name. */
export const pathOf = ({ name, folder }: { readonly name: string; readonly folder: readonly string[] }): string =>
  [...folder, name].map(encodeURIComponent).join('/');

/** Downloads a received file. A link can carry no token, so it gets a ticket that is good for a minute. */
export async function download(file: { readonly name: string; readonly folder: readonly string[] }): Promise<void> {
  const path = pathOf(file);
  const answer = await fetch(`./tickets/${path}`, { headers: authorization(token.value), cache: 'no-store' });
  if (!answer.ok) throw new Error(`the server answered with ${answer.status}`);
  const link = document.createElement('a');
  link.href = `./files/${path}?${await answer.text()}`;
  link.download = file.name;
  link.click();
}

function authorization(given: string | undefined): Record<string, string> {
  return given === undefined ? {} : { Authorization: `Bearer ${given}` };
}
