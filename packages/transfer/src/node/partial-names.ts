import { createHash, randomBytes } from 'node:crypto';
import { ownerPattern, ownOwner } from './owner.ts';

/**
 * Names in `.wsferry/`:
 *
 * - `OWNER-RANDOM.part` is being written by that process, and is nobody's when it ends;
 * - `OWNER-KEY.part` too, and can be gone on with: KEY stands for what was offered under which resume key;
 * - `free-KEY.part` waits for whoever is offered that file next;
 * - `KEY.json` tells what the file of that KEY was when its partial file was begun.
 */
export interface PartialName {
  /** Which process writes to it, if any. */
  readonly owner: string | undefined;
  /** Absent when it cannot be gone on with. */
  readonly key?: string;
}

const FREE = 'free';
const keyPattern = /^[0-9a-f]{32}$/;
const randomPattern = /^[0-9a-f]{24}$/;

/** What stands for one file of one sender in a file name. */
export function partialKey(resumeKey: string, folder: readonly string[], name: string): string {
  const parts = JSON.stringify([resumeKey, folder, name]);
  return createHash('sha256').update(parts).digest('hex').slice(0, 32);
}

/** The name of a partial file that this process writes to. Without a key it is one that never was. */
export async function ownName(key = randomBytes(12).toString('hex')): Promise<string> {
  return `${await ownOwner()}-${key}.part`;
}

/** The name of a partial file that nobody writes to. */
export function freeName(key: string): string {
  return `${FREE}-${key}.part`;
}

export function noteName(key: string): string {
  return `${key}.json`;
}

/** `undefined` when it is no name of ours. */
export function parsePartialName(name: string): PartialName | undefined {
  const dash = name.lastIndexOf('-');
  if (dash < 0 || !name.endsWith('.part')) return undefined;
  const owner = name.slice(0, dash);
  const tail = name.slice(dash + 1, -'.part'.length);
  const keyed = keyPattern.test(tail);
  if (owner === FREE) return keyed ? { owner: undefined, key: tail } : undefined;
  if (!ownerPattern.test(owner)) return undefined;
  if (keyed) return { owner, key: tail };
  return randomPattern.test(tail) ? { owner } : undefined;
}

/** The key of a `KEY.json`. */
export function parseNoteName(name: string): string | undefined {
  const key = name.slice(0, -'.json'.length);
  return name.endsWith('.json') && keyPattern.test(key) ? key : undefined;
}
