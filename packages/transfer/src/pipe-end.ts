import { TransferError } from './errors.ts';
import type { MessagePipe, PipeEnd } from './pipe.ts';

/**
 * CONNECTION_LOST with what the pipe knows about its end: the close code in our words. The peer's reason is not for people
 * (RFC 6455 §5.5.1 forbids to show it). Never rejects; waits for the pipe's `closed`, if it has one.
 */
export async function connectionLost(pipe: MessagePipe, cause: unknown): Promise<TransferError> {
  const end = await Promise.resolve(pipe.closed).catch(() => undefined);
  const words = end === undefined ? undefined : howItEnded(end);
  return new TransferError('CONNECTION_LOST', words, { cause: cause ?? end?.error });
}

/** What the codes say (RFC 6455 §7.4.1, IANA's registry). */
const MEANINGS: Readonly<Record<number, string>> = {
  1001: 'the other side is going away',
  1002: 'a rule of the protocol was broken',
  1007: 'a message was not what it said to be',
  1008: 'the other side refuses to go on',
  1009: 'a message was too big',
  1011: "the other side's program failed",
  1012: 'the other side starts again',
  1013: 'the other side has too much to do',
};

/** 1005 and 1006 never travel: they say that no code, or no Close at all, has come (§7.4.1). */
function howItEnded({ code, error }: PipeEnd): string {
  const why = error === undefined ? MEANINGS[code] : error.message;
  const because = why === undefined ? '' : `: ${why}`;
  if (code === 1006) return `the connection broke off without a goodbye (1006)${because}`;
  if (code === 1005) return `the connection was closed without a code (1005)${because}`;
  return `the connection was closed with ${code}${because}`;
}
