import { TransferError } from './errors.ts';
import type { MessagePipe } from './pipe.ts';
import { PipeSession } from './session.ts';
import { checkOptions, type Session, type SessionOptions } from './session-options.ts';

const sessions = new WeakMap<MessagePipe, Session>();

/** The session of a pipe, when one was opened. */
export function sessionOf(pipe: MessagePipe): Session | undefined {
  return sessions.get(pipe);
}

/**
 * Starts to read the pipe and to answer what comes. A pipe has one session; a second one is an error of the caller.
 *
 * @throws {RangeError} when an option is out of range, before anything is read.
 */
export function openSession(pipe: MessagePipe, options: SessionOptions): Session {
  checkOptions(options);
  if (sessions.has(pipe)) throw new TransferError('INTERNAL', 'this pipe has a session already');
  const session = new PipeSession(pipe, options);
  sessions.set(pipe, session);
  return session;
}
