import { openSession, sessionOf } from './open-session.ts';
import type { MessagePipe } from './pipe.ts';
import type { FileSource, StoredFile } from './ports.ts';
import type { SendOptions, SessionOptions } from './session-options.ts';

/**
 * Sends one file over a pipe that this side opened. Call it several times for several files at once: they share the
 * pipe's session. The pipe stays open; closing it is the caller's.
 *
 * @throws {TransferError} as a rejection.
 */
export function sendFile(pipe: MessagePipe, source: FileSource, options: SendOptions = {}): Promise<StoredFile> {
  return (sessionOf(pipe) ?? openSession(pipe, { role: 'opener' })).sendFile(source, options);
}

/** Takes files from a pipe that the other side opened, until it ends. Never rejects; throws what `openSession` throws. */
export function receiveFiles(
  pipe: MessagePipe,
  options: Omit<SessionOptions, 'role'> & { readonly role?: SessionOptions['role'] },
): Promise<void> {
  return openSession(pipe, { role: 'acceptor', ...options }).closed;
}
