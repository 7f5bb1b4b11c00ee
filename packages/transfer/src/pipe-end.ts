import { TransferError } from './errors.ts';
import type { MessagePipe, PipeEnd } from './pipe.ts';

/**
 * CONNECTION_LOST with what the pipe knows about its end: the close code, and the reason that the peer gave or that this
 * side found. Never rejects; waits for the pipe's `closed`, if it has one.
 */
export async function connectionLost(pipe: MessagePipe, cause: unknown): Promise<TransferError> {
  const end = await Promise.resolve(pipe.closed).catch(() => undefined);
  const words = end === undefined ? undefined : howItEnded(end);
  return new TransferError('CONNECTION_LOST', words, { cause: cause ?? end?.error });
}

/** RFC 6455 §7.4.1: 1005 and 1006 never travel; they say that no code, or no Close at all, has come. */
function howItEnded({ code, reason, error }: PipeEnd): string {
  const words = reason || error?.message;
  const why = words ? `: ${words}` : '';
  if (code === 1006) return `the connection broke off without a goodbye (1006)${why}`;
  if (code === 1005) return `the connection was closed without a code (1005)${why}`;
  return `the connection was closed with ${code}${why}`;
}
