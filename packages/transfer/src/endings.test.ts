import { describe, expect, test } from 'vitest';
import { deferred, RawPeer } from '../test/raw-peer.ts';
import { watchedReceiver } from '../test/watched-receiver.ts';
import {
  bytesSource,
  codeSentences,
  type MessagePipe,
  openSession,
  type PipeEnd,
  parsePacket,
  pipePair,
  sendFile,
  type TransferEvent,
} from './index.ts';

/** What a pipe must have, and no more. */
const bare = (pipe: MessagePipe): MessagePipe => ({
  send: (message) => pipe.send(message),
  drained: (options) => pipe.drained(options),
  close: (code, reason) => pipe.close(code, reason),
  [Symbol.asyncIterator]: () => pipe[Symbol.asyncIterator](),
});

describe('the connection is lost', () => {
  /** Counts packets both ways and cuts the cable instead of carrying packet number `cutAt`. */
  async function run(cutAt: number) {
    const [near, far] = pipePair();
    let count = 0;
    const seen: string[] = [];
    const cutting = (pipe: MessagePipe & { abort(): void }): MessagePipe => ({
      ...bare(pipe),
      send(message) {
        count += 1;
        if (count === cutAt) pipe.abort();
        else seen.push(parsePacket(message).type);
        return pipe.send(message);
      },
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

  test.each([
    [
      'is closed with a reason',
      'the connection was closed with 1001: the other side is going away',
      [1001, 'a reason that is not for people'],
    ],
    ['is closed as if all were done', 'the connection was closed with 1000', [1000]],
    ['is closed without a code', 'the connection was closed without a code (1005)', [1005]],
    ['breaks off', 'the connection broke off without a goodbye (1006)', undefined],
  ] satisfies [string, string, [number, string?] | undefined][])(
    'when it %s, both sides say so',
    async (_how, message, closing) => {
      const [near, far] = pipePair({ highWaterMarkBytes: 1000 });
      const { accept } = watchedReceiver();
      const events: TransferEvent[] = [];
      const began = deferred();
      const receiver = openSession(far, {
        role: 'acceptor',
        accept,
        windowBytes: 1000,
        onTransfer(event) {
          events.push(event);
          if (event.type === 'progress') began.resolve();
        },
      });
      const sender = openSession(near, { role: 'opener', chunkBytes: 100 });
      const sending = sender.sendFile(bytesSource('a', new Uint8Array(1_000_000)));
      const outcome = expect(sending).rejects.toMatchObject({ code: 'CONNECTION_LOST', side: 'local', message });
      await began.promise;
      if (closing === undefined) far.abort();
      else far.close(closing[0], closing[1]);
      await outcome;
      await Promise.all([sender.closed, receiver.closed]);
      expect(events.at(-1)).toMatchObject({ type: 'failed', code: 'CONNECTION_LOST', message });
    },
  );

  test('when this side found out that it is dead, it says how; a pipe that cannot tell leaves it at the code', async () => {
    const [near] = pipePair();
    const error = new Error('silent even after a ping');
    const ended = async (closed: Promise<PipeEnd> | undefined) => {
      const pipe: MessagePipe = { ...bare(near), ...(closed && { closed }) };
      const sending = openSession(pipe, { role: 'opener' }).sendFile(bytesSource('a', new Uint8Array(1)));
      near.abort();
      return sending;
    };
    await expect(ended(Promise.resolve({ code: 1006, reason: '', error }))).rejects.toMatchObject({
      message: 'the connection broke off without a goodbye (1006): silent even after a ping',
      cause: error,
    });
    const nothing = { code: 'CONNECTION_LOST', message: codeSentences.CONNECTION_LOST };
    await expect(ended(undefined)).rejects.toMatchObject(nothing);
    await expect(ended(Promise.reject(new Error('no idea')))).rejects.toMatchObject(nothing);
  });

  test('when sending throws while reading is held by a stuck disk, it ends all the same', async () => {
    const [near, far] = pipePair({ highWaterMarkBytes: 1000 });
    const stuck = deferred();
    const { accept } = watchedReceiver(() => ({ write: () => stuck.promise }));
    const receiver = openSession(far, { role: 'acceptor', accept, windowBytes: 1000 });
    const peer = new RawPeer(near);
    const sending = receiver.sendFile(bytesSource('b', new Uint8Array(1_000_000)));
    const outcome = expect(sending).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    peer.say({ type: 'ACK_NEW_FILE', id: (await peer.hearA('NEW_FILE')).id, code: 'OK' });
    peer.say({ type: 'NEW_FILE', id: 1, name: 'a' });
    await peer.hearA('ACK_NEW_FILE');
    for (let offset = 0; offset < 10_000; offset += 1000) {
      peer.say({ type: 'FILE_DATA', id: 1, offset, bytes: new Uint8Array(1000) });
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect(near.bufferedAmount).toBeGreaterThan(0);
    near.abort();
    await outcome;
    stuck.resolve();
    await receiver.closed;
  });

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
