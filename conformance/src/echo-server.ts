import { type Connection, type Listener, listen } from '@wsferry/connection';

/** 64 MiB: the largest message that the outside suites send. */
export const maxMessageBytes = 64 * 1024 * 1024;

/**
 * A server that sends every message back as it came: text as text, binary as binary. It is `listen` as users get it;
 * only the message limit is raised, every Origin may come in, and permessage-deflate is agreed on when a client offers it, for
 * short messages too, so that a suite sees what it does to every length; and it sends no pings, which no case asked for.
 */
export function startEchoServer(options: Parameters<typeof listen>[0] = {}): Promise<Listener> {
  return listen(
    { maxMessageBytes, origins: 'any', deflate: { thresholdBytes: 0 }, keepalive: false, ...options },
    echo,
  );
}

/**
 * Echoes until the connection closes. The promise pauses reading while the peer does not take its echoes, so that a
 * peer that only sends cannot fill our memory.
 */
export function echo(connection: Connection): void {
  connection.onMessage = (data) => {
    if (connection.readyState !== 1 || connection.send(data)) return undefined;
    return connection.drained().catch(ignoreClosed);
  };
}

/** The connection went away while its echo waited: the rest of the conversation is nobody's business any more. */
function ignoreClosed(): void {}
