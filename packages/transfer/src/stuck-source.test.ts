import { describe, expect, test } from 'vitest';
import { deferred } from '../test/raw-peer.ts';
import { bytesSource, type FileSource, memoryReceiver, openSession, pipePair } from './index.ts';

/** A source that hangs in one of its calls until the test lets it go, and tells whether it was closed. */
function stuckIn(where: 'open' | 'read' | 'digest') {
  const good = bytesSource('stuck', new Uint8Array(3));
  const reached = deferred();
  const gate = deferred();
  const closed = deferred();
  const hang = async <T>(call: () => Promise<T>): Promise<T> => {
    reached.resolve();
    await gate.promise;
    return call();
  };
  const source: FileSource = {
    ...good,
    open: async (options) => {
      const open = async () => {
        const opened = await good.open(options);
        return { ...opened, close: async () => closed.resolve() };
      };
      if (where === 'open') return hang(open);
      const opened = await open();
      return { ...opened, [where]: () => hang<unknown>(opened[where]) };
    },
  };
  return { source, reached: reached.promise, release: gate.resolve, closed: closed.promise };
}

function connected() {
  const [near, far] = pipePair();
  const { accept, files } = memoryReceiver();
  openSession(far, { role: 'acceptor', accept });
  return { sender: openSession(near, { role: 'opener', maxTransfers: 1 }), files };
}

describe.each(['open', 'read', 'digest'] as const)('a source that hangs in %s', (where) => {
  test('is cancelled at once: it is closed, and its place is the next file’s', async () => {
    const { sender, files } = connected();
    const stuck = stuckIn(where);
    const abort = new AbortController();
    const sending = sender.sendFile(stuck.source, { signal: abort.signal });
    await stuck.reached;
    abort.abort();
    await expect(sending).rejects.toMatchObject({ code: 'CANCELLED' });
    await sender.sendFile(bytesSource('next', new Uint8Array(1)));
    expect([...files.keys()]).toEqual(['next']);
    // What cannot be closed while it opens is closed when it has opened.
    if (where === 'open') stuck.release();
    await stuck.closed;
  });

  test('does not keep the session from closing', async () => {
    const { sender } = connected();
    const stuck = stuckIn(where);
    const sending = sender.sendFile(stuck.source);
    await stuck.reached;
    await sender.close();
    await expect(sending).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    if (where === 'open') stuck.release();
    await stuck.closed;
  });
});
