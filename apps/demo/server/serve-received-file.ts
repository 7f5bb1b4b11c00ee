import { constants, type FileHandle, open, realpath } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { safeFolder, safeName } from '@wsferry/transfer';

/**
 * Answers `GET /files/FOLDER/NAME` with a received file, always as a download: whatever somebody sent must never run as a
 * page of this origin. 404 for anything that is not a plain file with safe names inside `dir`.
 */
export async function serveReceivedFile(
  dir: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    answer(response.setHeader('Allow', 'GET, HEAD'), 405, 'expected GET or HEAD');
    return;
  }
  const names = requestedNames(request.url ?? '');
  const name = names?.at(-1);
  const file = names && (await openWithin(dir, names));
  if (name === undefined || !file) {
    answer(response, 404, 'no such file has been received');
    return;
  }
  try {
    const { size } = await file.stat();
    response.writeHead(200, {
      'Content-Type': 'application/octet-stream',
      'Content-Length': size,
      'Content-Disposition': `attachment; filename*=UTF-8''${encodeRfc8187(name)}`,
      'Cache-Control': 'no-store',
    });
    if (request.method === 'HEAD' || size === 0) response.end();
    else await pipeline(file.createReadStream({ autoClose: false, end: size - 1 }), response);
  } catch {
    response.destroy(); // The reader left or the disk failed half way: a short body must not look complete.
  } finally {
    await file.close().catch(() => {});
  }
}

/** The folders and the name, each decoded by itself: what is no separator in the address becomes none. */
function requestedNames(url: string): readonly string[] | undefined {
  try {
    const path = url.slice('/files/'.length).replace(/\?.*$/, '');
    const names = path.split('/').map(decodeURIComponent);
    const safe = [...safeFolder(names.slice(0, -1)), safeName(names.at(-1)!)];
    // Exactly the names it would be stored under, or nothing: a corrected name is another file.
    return safe.every((name, index) => name === names[index] && !name.startsWith('.')) ? names : undefined;
  } catch {
    return undefined;
  }
}

/** The plain file that lies there; no folder on the way may be a link, which could lead out. */
async function openWithin(dir: string, names: readonly string[]): Promise<FileHandle | undefined> {
  const root = await realpath(dir).catch(() => undefined);
  if (root === undefined) return undefined;
  const folder = join(root, ...names.slice(0, -1));
  const real = await realpath(folder).catch(() => undefined);
  const file = real === folder ? await openPlainFile(join(folder, names.at(-1)!)) : undefined;
  // Looked at again: whoever swaps a folder for a link meanwhile gets nothing.
  if (file === undefined || (await realpath(folder).catch(() => undefined)) === folder) return file;
  await file.close();
  return undefined;
}

/** The file at `path`; undefined when it is missing, a link or no plain file. */
export async function openPlainFile(path: string): Promise<FileHandle | undefined> {
  try {
    // O_NOFOLLOW: a link in the folder must not lead out of it. O_NONBLOCK: a FIFO must not hold us up.
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if ((await file.stat()).isFile()) return file;
    await file.close();
  } catch {
    // Missing, unreadable, a link: all the same to the one who asks.
  }
  return undefined;
}

/** RFC 8187 §3.2.1: encodeURIComponent leaves five characters that are not `attr-char`. */
function encodeRfc8187(name: string): string {
  return encodeURIComponent(name).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}
