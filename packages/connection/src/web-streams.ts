import { ReadableStream, WritableStream } from 'node:stream/web';
import type { Message } from '@wsferry/frames';
import type { Connection } from './connection.ts';
import { ConnectionError } from './errors.ts';

/**
 * A connection's messages as a web stream. Nothing is read ahead: what is not pulled stays with the connection, which slows
 * the peer down. Ends when the connection closes cleanly, fails with `CLOSED` when it does not.
 */
export function readableOf(connection: Connection): ReadableStream<Message> {
  const messages = connection[Symbol.asyncIterator]();
  return new ReadableStream<Message>(
    {
      async pull(controller) {
        const { done, value } = await messages.next();
        if (!done) {
          controller.enqueue(value);
          return;
        }
        const { wasClean, code, error } = await connection.closed;
        if (wasClean) controller.close();
        else throw notClean(code, error);
      },
      async cancel() {
        await connection.close();
      },
    },
    { highWaterMark: 0 },
  );
}

/**
 * Sends what is written to it, one message a chunk, and waits while the connection's output is full. Closing it closes the
 * connection; aborting it aborts the connection, so that the peer cannot take a part for the whole.
 */
export function writableOf(connection: Connection): WritableStream<Message> {
  return new WritableStream<Message>({
    start(controller) {
      void connection.closed.then(({ code, wasClean, error }) => {
        // After a clean close it is the next write that fails: a pipe whose readable end has ended has nothing to write.
        if (!wasClean) controller.error(notClean(code, error));
      });
    },
    async write(message) {
      if (!connection.send(message)) await connection.drained();
    },
    async close() {
      const { code, wasClean, error } = await connection.close();
      if (!wasClean) throw notClean(code, error);
    },
    abort() {
      connection.abort();
    },
  });
}

function notClean(code: number, cause: Error | undefined): ConnectionError {
  return new ConnectionError('CLOSED', `the connection closed with ${code}, not cleanly`, { cause });
}
