import { lstat, unlink } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { ConnectionError } from './errors.ts';
import { checkSocketPathLength } from './socket-path.ts';

/** Where a server listens. */
export type ListenAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/**
 * Settles once the server listens. Rejects with `ADDRESS_IN_USE` or `CANNOT_LISTEN`, `cause` is Node's error; with
 * `BAD_ARGUMENT` for a path that is too long.
 */
export async function startListening(server: Server, address: ListenAddress): Promise<void> {
  if ('path' in address) checkSocketPathLength(address.path);
  try {
    await listenOnce(server, address);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE' && 'path' in address && (await isLeftBehind(address.path))) {
      await unlink(address.path);
      return startListening(server, address);
    }
    const where = 'path' in address ? address.path : `${address.host}:${address.port}`;
    throw code === 'EADDRINUSE'
      ? new ConnectionError('ADDRESS_IN_USE', `${where} is in use`, { cause })
      : new ConnectionError('CANNOT_LISTEN', `cannot listen on ${where} (${code})`, { cause });
  }
  server.on('error', () => {}); // an accept that failed (no more file descriptors): the others go on
}

function listenOnce(server: Server, address: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Whether the socket file has no server behind it any more. A file that is no socket is somebody's: it stays. */
async function isLeftBehind(path: string): Promise<boolean> {
  // Connecting would not tell: Linux refuses a connection to any other file as it does to a socket nobody listens at.
  if (!(await lstat(path).catch(() => undefined))?.isSocket()) return false;
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}
