import { ConnectionError } from './errors.ts';

/**
 * Bytes of a Unix socket's path, the NUL at its end not counted: 107 on Linux, 103 on BSD and macOS (`sun_path` in
 * unix(7) and unix(4)). Windows has named pipes instead, which Node judges itself.
 */
export const MAX_SOCKET_PATH_BYTES = { linux: 107, win32: Number.POSITIVE_INFINITY, others: 103 } as const;

/**
 * A longer path would be cut without a word, and the socket be another file than the one that was named.
 *
 * @throws ConnectionError BAD_ARGUMENT
 */
export function checkSocketPathLength(path: string, platform: NodeJS.Platform = process.platform): void {
  const { others, ...known } = MAX_SOCKET_PATH_BYTES;
  const most = (known as Partial<Record<NodeJS.Platform, number>>)[platform] ?? others;
  const length = Buffer.byteLength(path);
  if (length <= most) return;
  const message = `expected the path of a Unix socket to have at most ${most} bytes, got ${length}`;
  throw new ConnectionError('BAD_ARGUMENT', message);
}
