import { describe, expect, test } from 'vitest';
import { deferred, RawPeer } from '../test/raw-peer.ts';
import {
  type Accept,
  bytesSource,
  type FileSink,
  type MessagePipe,
  memoryReceiver,
  openSession,
  parsePacket,
  pipePair,
  sendFile,
  type TransferEvent,
} from './index.ts';

/** A receiver whose sinks tell how they ended. */
function watchedReceiver(change: (sink: FileSink) => Partial<FileSink> = () => ({})) {
  const memory = memoryReceiver();
  const ends: string[] = [];
  const accept: Accept = async (offer) => {
    const { sink } = await memory.accept(offer);
    const whole = { ...sink, ...change(sink) };
    return {
      sink: {
        ...whole,
        commit: async () => {
          const file = await whole.commit();
          ends.push('committed');
          return file;
        },
        discard: async (how) => {
          ends.push(how?.keepPartial ? 'kept' : 'removed');
        },
      },
    };
  };
  return { accept, ends, files: memory.files };
}

describe('the connection is lost', () => {
  /** Counts packets both ways and cuts the cable instead of carrying packet number `cutAt`. */
  async function run(cutAt: number) {
    const [near, far] = pipePair();
    let count = 0;
    const seen: string[] = [];
    const cutting = (pipe: MessagePipe & { abort(): void }): MessagePipe => ({
      send(message) {
        count += 1;
        if (count === cutAt) pipe.abort();
        else seen.push(parsePacket(message).type);
        return pipe.send(message);
      },
      drained: (options) => pipe.drained(options),
      close: (code, reason) => pipe.close(code, reason),
      [Symbol.asyncIterator]: () => pipe[Symbol.asyncIterator](),
    });
    const { accept, ends, files } = watchedReceiver();
    const events: TransferEvent[] = [];
    const receiver = openSession(cutting(far), {
      role: 'acceptor',
      accept,
      windowBytes: 200,
      onTransfer: (event) => events.push(event),
    });
    const sender = openSession(cutting(near), { role: 'opener', chunkBytes: 100 });
    const outcome = await sender.sendFile(bytesSource('a', new Uint8Array(500))).then(
      () => 'stored',
      (error) => error.code,
    );
    near.close();
    await Promise.all([sender.closed, receiver.closed]);
    return { outcome, ends, files, events, count };
  }

  test('at every packet of a transfer: CONNECTION_LOST, and every sink is committed or discarded once', async () => {
    const whole = await run(0);
    expect(whole.outcome).toBe('stored');
    expect(whole.count).toBeGreaterThan(8);
    for (let cutAt = 1; cutAt <= whole.count; cutAt += 1) {
      const { outcome, ends, files, events } = await run(cutAt);
      expect(outcome, `cut at packet ${cutAt}`).toBe('CONNECTION_LOST');
      expect(ends.length).toBe(events.length === 0 ? 0 : 1);
      expect(files.has('a')).toBe(ends[0] === 'committed');
      if (ends[0] !== 'committed' && ends.length > 0) {
        expect(ends).toEqual(['kept']);
        expect(events.at(-1)).toMatchObject({ type: 'failed', code: 'CONNECTION_LOST' });
      }
    }
  });

  test('afterwards sendFile rejects with CONNECTION_LOST at once', async () => {
    const [near] = pipePair();
    const session = openSession(near, { role: 'opener' });
    near.abort();
    await session.closed;
    await expect(session.sendFile(bytesSource('a', new Uint8Array(1)))).rejects.toMatchObject({
      code: 'CONNECTION_LOST',
      side: 'local',
    });
  });

  test.each(['abort', 'close'] as const)(
    'before a session began, by %s: sendFile rejects with CONNECTION_LOST',
    async (how) => {
      const [near] = pipePair();
      near[how]();
      await expect(sendFile(near, bytesSource('a', new Uint8Array(1)))).rejects.toMatchObject({
        code: 'CONNECTION_LOST',
        side: 'local',
      });
    },
  );

  test('in the turn in which sendFile was called: it rejects with what ended the session', async () => {
    const [near] = pipePair();
    const session = openSession(near, { role: 'opener' });
    const sending = session.sendFile(bytesSource('a', new Uint8Array(1)));
    void session.close();
    await expect(sending).rejects.toMatchObject({ code: 'SHUTTING_DOWN', side: 'local' });
    await session.closed;
  });
});

describe('a transfer is cancelled', () => {
  test('by the sender: the receiver hears it, keeps the partial file and serves the next', async () => {
    const [near, far] = pipePair();
    const wrote = deferred();
    const { accept, ends, files } = watchedReceiver((sink) => ({
      write: async (bytes) => {
        wrote.resolve();
        await sink.write(bytes);
      },
    }));
    const failed = deferred<TransferEvent>();
    const onTransfer = (event: TransferEvent) => {
      if (event.type === 'failed') failed.resolve(event);
    };
    openSession(far, { role: 'acceptor', accept, windowBytes: 1000, onTransfer });
    const sender = openSession(near, { role: 'opener', chunkBytes: 100 });
    const abort = new AbortController();
    const sending = sender.sendFile(bytesSource('a', new Uint8Array(1_000_000)), { signal: abort.signal });
    await wrote.promise;
    abort.abort();
    await expect(sending).rejects.toMatchObject({ code: 'CANCELLED', side: 'local' });
    expect(await failed.promise).toMatchObject({ name: 'a', code: 'CANCELLED' });
    expect(ends).toEqual(['kept']);
    await sender.sendFile(bytesSource('b', new Uint8Array(1)));
    expect([...files.keys()]).toEqual(['b']);
  });

  test('before it began: nothing is sent', async () => {
    const [near, far] = pipePair();
    const sender = openSession(near, { role: 'opener' });
    const signal = AbortSignal.abort();
    await expect(sender.sendFile(bytesSource('a', new Uint8Array(1)), { signal })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    expect(far.bufferedAmount + near.bufferedAmount).toBe(0);
  });

  test('in the turn in which it was called: nothing is sent, and its place is free again', async () => {
    const [near, far] = pipePair();
    const sender = openSession(near, { role: 'opener', maxTransfers: 1 });
    const abort = new AbortController();
    const sending = sender.sendFile(bytesSource('a', new Uint8Array(1)), { signal: abort.signal });
    abort.abort();
    await expect(sending).rejects.toMatchObject({ code: 'CANCELLED', side: 'local' });
    expect(near.bufferedAmount).toBe(0);
    const { accept, files } = watchedReceiver();
    openSession(far, { role: 'acceptor', accept });
    await sender.sendFile(bytesSource('b', new Uint8Array(1)));
    expect([...files.keys()]).toEqual(['b']);
  });

  test('while it waits for a place: it gives up its place in the line', async () => {
    const [near] = pipePair();
    const sender = openSession(near, { role: 'opener', maxTransfers: 1 });
    const first = sender.sendFile(bytesSource('a', new Uint8Array(1)));
    const abort = new AbortController();
    const second = sender.sendFile(bytesSource('b', new Uint8Array(1)), { signal: abort.signal });
    abort.abort();
    await expect(second).rejects.toMatchObject({ code: 'CANCELLED' });
    near.abort();
    await expect(first).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  });

  test('while it waits for a place: the one behind it gets the place', async () => {
    const [near, far] = pipePair();
    const { accept, files } = watchedReceiver();
    const sender = openSession(near, { role: 'opener', maxTransfers: 1 });
    const abort = new AbortController();
    const sending = [
      sender.sendFile(bytesSource('a', new Uint8Array(1))),
      sender.sendFile(bytesSource('b', new Uint8Array(1)), { signal: abort.signal }),
      sender.sendFile(bytesSource('c', new Uint8Array(1))),
    ];
    abort.abort();
    openSession(far, { role: 'acceptor', accept });
    await Promise.allSettled(sending);
    expect([...files.keys()]).toEqual(['a', 'c']);
  });

  test('by the receiver: the sender stops and rejects with what it said', async () => {
    const [near, far] = pipePair();
    const sender = openSession(near, { role: 'opener', chunkBytes: 10 });
    const sending = sender.sendFile(bytesSource('a', new Uint8Array(100)));
    const peer = new RawPeer(far);
    peer.say({ type: 'ACK_NEW_FILE', id: 1, code: 'OK', window: 20 });
    await peer.hearA('FILE_DATA');
    peer.say({ type: 'CANCEL_FILE', id: 1, message: 'enough' });
    await expect(sending).rejects.toMatchObject({ code: 'CANCELLED', side: 'peer', message: 'enough' });
  });

  test('while the receiver still decides: the sink that comes late is discarded', async () => {
    const [near, far] = pipePair();
    const { accept, ends } = watchedReceiver();
    const asked = deferred();
    const decide = deferred();
    const slow: Accept = async (offer) => {
      asked.resolve();
      await decide.promise;
      return accept(offer);
    };
    const receiver = openSession(far, { role: 'acceptor', accept: slow });
    const peer = new RawPeer(near);
    peer.say({ type: 'NEW_FILE', id: 1, name: 'a' }, { type: 'CANCEL_FILE', id: 1 });
    await asked.promise;
    near.close();
    decide.resolve();
    await receiver.closed;
    expect(ends).toEqual(['kept']);
  });
});

describe('storage fails', () => {
  const broken = () => Promise.reject(new Error('disk on fire'));
  test.each(['write', 'digest', 'commit'] as const)('in %s: the sender hears STORAGE_FAILED', async (where) => {
    const [near, far] = pipePair();
    const { accept, ends } = watchedReceiver(() => ({ [where]: broken }));
    const receiver = openSession(far, { role: 'acceptor', accept });
    const sender = openSession(near, { role: 'opener' });
    await expect(sender.sendFile(bytesSource('a', new Uint8Array(9)))).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      side: 'peer',
      message: 'disk on fire',
    });
    await sender.close();
    await receiver.closed;
    expect(ends).toEqual(['kept']);
  });
});

describe('the source fails', () => {
  test('in open, read or digest: SOURCE_FAILED, and the receiver is told', async () => {
    for (const where of ['open', 'read', 'digest'] as const) {
      const [near, far] = pipePair();
      const { accept, files } = watchedReceiver();
      const failed = deferred<TransferEvent>();
      const onTransfer = (event: TransferEvent) => {
        if (event.type === 'failed') failed.resolve(event);
      };
      openSession(far, { role: 'acceptor', accept, onTransfer });
      const good = bytesSource('a', new Uint8Array(9));
      const broken = () => Promise.reject(new Error('unplugged'));
      const source = {
        ...good,
        open:
          where === 'open' ? broken : async (options: never) => ({ ...(await good.open(options)), [where]: broken }),
      };
      const sender = openSession(near, { role: 'opener' });
      await expect(sender.sendFile(source)).rejects.toMatchObject({ code: 'SOURCE_FAILED', side: 'local' });
      expect(await failed.promise).toMatchObject({ code: 'SOURCE_FAILED' });
      expect(files.size).toBe(0);
    }
  });

  test.each([
    ['shorter', 4],
    ['longer', 6],
  ])('by being %s than it was: SOURCE_CHANGED, and the receiver removes what came', async (_what, size) => {
    const [near, far] = pipePair();
    const { accept, ends } = watchedReceiver();
    const receiver = openSession(far, { role: 'acceptor', accept });
    const sender = openSession(near, { role: 'opener', chunkBytes: 2 });
    const source = { ...bytesSource('a', new Uint8Array(size)), size: 5 };
    await expect(sender.sendFile(source)).rejects.toMatchObject({ code: 'SOURCE_CHANGED', side: 'local' });
    await sender.close();
    await receiver.closed;
    expect(ends).toEqual(['removed']);
  });
});

test('closing a session cancels what is open with SHUTTING_DOWN on both sides', async () => {
  const [near, far] = pipePair();
  const { accept, ends } = watchedReceiver(() => ({ write: () => new Promise((resolve) => setImmediate(resolve)) }));
  const began = deferred();
  const receiver = openSession(far, {
    role: 'acceptor',
    accept,
    windowBytes: 1000,
    onTransfer: ({ type }) => type === 'progress' && began.resolve(),
  });
  const sender = openSession(near, { role: 'opener', chunkBytes: 100 });
  const sending = sender.sendFile(bytesSource('a', new Uint8Array(1_000_000)));
  const outcome = expect(sending).rejects.toMatchObject({ code: 'SHUTTING_DOWN', side: 'peer' });
  await began.promise;
  await receiver.close();
  await outcome;
  expect(ends).toEqual(['kept']);
  await expect(receiver.sendFile(bytesSource('b', new Uint8Array(1)))).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
  await sender.closed;
});
