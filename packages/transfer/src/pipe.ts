/**
 * What a session needs of a WebSocket, and all it needs: `@wsferry/connection`'s Connection is one as it is,
 * `@wsferry/transfer/browser` makes one of the browser's own, `pipePair` two that talk in memory.
 *
 * Iterating yields the messages in order and ends, without throwing, when the connection does. A pipe is iterated once.
 */
export interface MessagePipe extends AsyncIterable<string | Uint8Array> {
  /** Queues a message; bytes are the caller's again when it returns. `false`: it is queued, but await `drained()` before the next. May throw once closed. */
  send(data: string | Uint8Array): boolean;
  /**
   * Resolves when the queue is low again, at once if it is: no more than `belowBytes`, when that is given and the pipe can
   * tell, else by the pipe's own measure. May reject when the pipe closes.
   */
  drained(options?: { signal?: AbortSignal; belowBytes?: number }): Promise<void>;
  /** Starts the closing handshake; a second call does nothing. */
  close(code?: number, reason?: string): unknown;
  /** Bytes queued and not yet given to the network. */
  readonly bufferedAmount?: number;
  /**
   * How the connection ended; settles soon after the iteration has ended. Without it CONNECTION_LOST cannot say why.
   */
  readonly closed?: Promise<PipeEnd>;
}

/** How a connection ended, as Connection's CloseResult and the browser's CloseEvent say it. */
export interface PipeEnd {
  /** RFC 6455 §7.4; 1005 without a code, 1006 without a closing handshake. */
  readonly code: number;
  /** The peer's words, or ''. Print it through `printable`. */
  readonly reason: string;
  /** What was found to be wrong, if that ended it. */
  readonly error?: Error;
}
