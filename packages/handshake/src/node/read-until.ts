import type { Socket } from 'node:net';
import { HandshakeError } from '../errors.ts';
import type { HeadLimits } from '../head.ts';
import { type HeadReader, HeadReading } from './head-reading.ts';

export interface ReadOptions {
  readonly timeoutMs: number;
  readonly limits: HeadLimits | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Runs when the socket can be written to. */
  readonly onReady?: () => void;
}

/**
 * Reads until `step` finds what it wants at the start of all bytes so far, or throws. The socket is guarded, and paused
 * afterwards. The promise rejects with what `step` threw, or TIMEOUT, ABORTED, CONNECTION_LOST.
 */
export function readUntil<T>(
  socket: Socket,
  step: (bytes: Buffer) => T | undefined,
  { timeoutMs, limits, signal, onReady }: ReadOptions,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(aborted(signal));

    let result: T | undefined;
    const settle = (run: () => void) => {
      signal?.removeEventListener('abort', onAbort);
      if (ready !== undefined) socket.off(ready, onWritable);
      socket.pause();
      run();
    };
    const reader: HeadReader = {
      read(bytes) {
        result = step(bytes);
        return result !== undefined;
      },
      found: () => settle(() => resolve(result as T)),
      failed: (error) => settle(() => reject(error)),
    };
    const reading = new HeadReading(socket, reader, timeoutMs, limits);
    const onAbort = () => reading.fail(aborted(signal!));
    const onWritable = () => {
      try {
        onReady?.();
      } catch (error) {
        reading.fail(error);
      }
    };
    const ready = pendingEvent(socket);
    signal?.addEventListener('abort', onAbort);
    reading.begin();
    if (ready === undefined) onWritable();
    else socket.once(ready, onWritable);
  });
}

/** The event to wait for before writing. A TLS client must not send its request to a server it does not trust yet. */
function pendingEvent(socket: Socket & { secureConnecting?: boolean }): 'connect' | 'secureConnect' | undefined {
  if (socket.secureConnecting) return 'secureConnect';
  return socket.connecting ? 'connect' : undefined;
}

function aborted(signal: AbortSignal): HandshakeError {
  return new HandshakeError('ABORTED', 'expected the handshake to finish, got an abort', { cause: signal.reason });
}
