import { constants, type FileHandle, open } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { safeName } from '@wsferry/transfer';

/**
 * Answers `GET /files/NAME` with a received file, always as a download: whatever somebody sent must never run as a
 * page of this origin. 404 for anything that is not a plain file with a safe name directly inside `dir`.
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
  const name = requestedName(request.url ?? '');
  const file = name === undefined ? undefined : await openPlainFile(join(dir, name));
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

function requestedName(url: string): string | undefined {
  try {
    const name = decodeURIComponent(url.slice('/files/'.length).replace(/\?.*$/, ''));
    // Exactly the name it would be stored under, or nothing: a corrected name is another file.
    return safeName(name) === name && !name.startsWith('.') ? name : undefined;
  } catch {
    return undefined;
  }
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
