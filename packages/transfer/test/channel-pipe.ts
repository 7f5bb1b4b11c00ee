import type { ChildProcess } from 'node:child_process';
import type { MessagePipe } from '../src/index.ts';

/**
 * The channel between a process and its child as a pipe. It needs `serialization: 'advanced'`. `onMessage` hears of each
 * message that comes, before the session does.
 */
export function channelPipe(channel: ChildProcess | NodeJS.Process, onMessage: () => void = () => {}): MessagePipe {
  const messages: (string | Uint8Array)[] = [];
  let wake: (() => void) | undefined;
  let ended = !channel.connected;
  const end = () => {
    ended = true;
    wake?.();
  };
  channel.on('message', (message: string | Uint8Array) => {
    onMessage();
    messages.push(message);
    wake?.();
  });
  channel.on('disconnect', end);
  return {
    send(message) {
      // What is lost is lost with its process.
      if (channel.connected) channel.send!(message, undefined, undefined, () => {});
      return true;
    },
    drained: async () => {},
    close: () => {
      if (channel.connected) channel.disconnect!();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        while (messages.length > 0) yield messages.shift()!;
        if (ended) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
