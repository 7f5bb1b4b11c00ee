/**
 * What a session needs of a WebSocket, and all it needs: `@wsferry/connection`'s Connection is one as it is,
 * `@wsferry/transfer/browser` makes one of the browser's own, `pipePair` two that talk in memory.
 *
 * Iterating yields the messages in order and ends, without throwing, when the connection does. A pipe is iterated once.
 */
export interface MessagePipe extends AsyncIterable<string | Uint8Array> {
  /** Queues a message. `false`: it is queued, but await `drained()` before the next. May throw once closed. */
  send(data: string | Uint8Array): boolean;
  /** Resolves when the queue is low again, at once if it is. May reject when the pipe closes. */
  drained(options?: { signal?: AbortSignal }): Promise<void>;
  /** Starts the closing handshake; a second call does nothing. */
  close(code?: number, reason?: string): unknown;
  /** Bytes queued and not yet given to the network. */
  readonly bufferedAmount?: number;
}
