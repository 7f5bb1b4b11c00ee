import { type Clock, type Connection, systemClock } from '@wsferry/connection';

/** Who pressed Ctrl-C waits no longer than this for the other side's half of the closing handshake. */
export const INTERRUPTED_CLOSE_MS = 2000;

/**
 * Ends `connection`: 1000 when the work is done, 1001 when `signal` says that the user ends it (RFC 6455 §7.4.1). Once
 * it does, a peer that does not answer is cut after INTERRUPTED_CLOSE_MS instead of the connection's own, longer time.
 */
export async function leave(
  connection: Pick<Connection, 'close' | 'abort'>,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<void> {
  let timer: unknown;
  const hurry = () => {
    timer = clock.setTimeout(() => connection.abort(), INTERRUPTED_CLOSE_MS);
  };
  const closed = signal.aborted ? connection.close(1001, 'interrupted') : connection.close(1000, 'done');
  if (signal.aborted) hurry();
  else signal.addEventListener('abort', hurry, { once: true });
  await closed;
  signal.removeEventListener('abort', hurry);
  clock.clearTimeout(timer);
}
