import { createHash } from 'node:crypto';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArrivalBoard, safeName } from '@wsferry/transfer';
import { openPlainFile } from './serve-received-file.ts';

/** A file that lay in the folder when the server started. */
export interface FoundFile {
  readonly name: string;
  /** When it was put there, in milliseconds since 1970. (Not its mtime: that is the sender's.) */
  readonly at: number;
}

/** The `count` files that came last into `dir`, oldest first: those that `GET /files/NAME` would serve. */
export async function latestFiles(dir: string, count: number): Promise<FoundFile[]> {
  const found: FoundFile[] = [];
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    if (!entry.isFile() || !isServed(entry.name)) continue;
    const status = await lstat(join(dir, entry.name)).catch(() => undefined); // removed meanwhile
    if (status) found.push({ name: entry.name, at: Math.round(status.ctimeMs) });
  }
  return found.sort((a, b) => a.at - b.at).slice(-count);
}

/**
 * Announces `files` on the board, one after the other: each is read once for its MD5, so with large ones this takes a
 * while, and whoever watches sees them come. Never rejects; `signal` ends it.
 */
export async function announceFound(
  board: ArrivalBoard,
  dir: string,
  files: readonly FoundFile[],
  signal: AbortSignal,
): Promise<void> {
  for (const { name, at } of files) {
    if (signal.aborted) return;
    const file = await openPlainFile(join(dir, name));
    try {
      const md5 = createHash('md5');
      let size = 0;
      for await (const chunk of file?.createReadStream({ autoClose: false, signal, highWaterMark: 1_048_576 }) ?? []) {
        md5.update(chunk);
        size += chunk.length;
      }
      if (file) board.announce({ name, size, digest: md5.digest('hex') }, at);
    } catch {
      // It cannot be read, or the server stops: then it is not in the list.
    } finally {
      await file?.close().catch(() => {});
    }
  }
}

function isServed(name: string): boolean {
  try {
    return safeName(name) === name && !name.startsWith('.');
  } catch {
    return false;
  }
}
