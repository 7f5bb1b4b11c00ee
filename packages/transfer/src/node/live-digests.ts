import type { BigIntStats } from 'node:fs';
import { identity } from './folder-handle.ts';
import type { HashFeed } from './hash-feed.ts';

/** More than that many interrupted files are seldom waited for at once; of older ones the bytes are read again. */
const MAX_LIVE = 256;

interface Live {
  readonly look: string;
  readonly feed: HashFeed;
}

/**
 * The running digests of partial files that were written in this process and wait to be gone on with, so that the first
 * 40 GB of an interrupted file need not be read again.
 */
const live = new Map<string, Live>();

function lookOf(found: BigIntStats): string {
  return `${identity(found)}:${found.size}:${found.mtimeNs}`;
}

/** Keeps the digest of all the bytes of a file that looks like this. */
export function keepDigest(id: string, found: BigIntStats, feed: HashFeed): void {
  forgetDigest(id);
  live.set(id, { look: lookOf(found), feed });
  for (const [oldest] of live) {
    if (live.size <= MAX_LIVE) break;
    forgetDigest(oldest);
  }
}

/** The digest, if the file still is what it was; `changed` tells that it is not. */
export function takeDigest(id: string, found: BigIntStats): { feed?: HashFeed; changed: boolean } {
  const kept = live.get(id);
  if (kept === undefined) return { changed: false };
  if (kept.look === lookOf(found)) {
    live.delete(id);
    return { feed: kept.feed, changed: false };
  }
  forgetDigest(id);
  return { changed: true };
}

export function forgetDigest(id: string): void {
  live.get(id)?.feed.drop();
  live.delete(id);
}
