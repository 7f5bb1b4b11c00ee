import { describe, expect, test } from 'vitest';
import { deferred } from '../test/raw-peer.ts';
import { watchedReceiver } from '../test/watched-receiver.ts';
import {
  bytesSource,
  type MessagePipe,
  openSession,
  parsePacket,
  pipePair,
  sendFile,
  type TransferEvent,
} from './index.ts';

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
