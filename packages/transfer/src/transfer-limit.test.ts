import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deferred } from '../test/raw-peer.ts';
import {
  type Accept,
  bytesSource,
  memoryReceiver,
  openSession,
  pipePair,
  type Session,
  type SessionOptions,
  type StoredFile,
  TransferLimit,
} from './index.ts';

describe('places', () => {
  test('are given in the order of asking, and never more at once than there are', () => {
    const action = fc.oneof(fc.constant('enter' as const), fc.nat({ max: 20 }));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(action, { maxLength: 60 }), (most, actions) => {
        const limit = new TransferLimit(most);
        const open: ReturnType<TransferLimit['enter']>[] = [];
        for (const one of actions) {
          if (one === 'enter') open.push(limit.enter());
          else for (const left of open.splice(one % Math.max(1, open.length), 1)) left.leave();
          const taken = open.filter((place) => place.taken).length;
          expect(taken).toBe(Math.min(most, open.length));
          expect([limit.taken, limit.waiting]).toEqual([taken, open.length - taken]);
          // Those that have one are the ones that came first.
          expect(open.slice(0, taken).every((place) => place.taken)).toBe(true);
        }
      }),
    );
  });

  test('that are left twice are free once', () => {
    const limit = new TransferLimit(1);
    const first = limit.enter();
    const [second, third] = [limit.enter(), limit.enter()];
    first.leave();
    first.leave();
    expect([second.taken, third.taken]).toEqual([true, false]);
  });

  test('of transfers that others may go on with: never more than there are, each line in order, and nobody is forgotten', () => {
    const action = fc.oneof(
      fc.record({ enter: fc.nat({ max: 2 }), origin: fc.nat({ max: 3 }) }),
      fc.record({ leave: fc.nat({ max: 20 }) }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), fc.array(action, { maxLength: 60 }), (most, actions) => {
        const limit = new TransferLimit(most);
        const origins = [{}, {}, {}, {}];
        let open: { place: ReturnType<TransferLimit['enter']>; sent: boolean }[] = [];
        const leave = (one: (typeof open)[number]) => {
          one.place.leave();
          open = open.filter((other) => other !== one);
        };
        for (const one of actions) {
          if ('enter' in one) {
            const entry = { sent: false } as (typeof open)[number];
            const supersede = () => {
              entry.sent = true;
              // As a driver: who had no turn has nothing to write any more.
              if (!entry.place.taken) leave(entry);
            };
            entry.place = limit.enter({ key: String(one.enter), origin: origins[one.origin]!, supersede });
            open.push(entry);
          } else if (open.length > 0) leave(open[one.leave % open.length]!);
          expect(open.filter(({ place }) => place.taken).length).toBeLessThanOrEqual(most);
        }
        // Whoever has not been sent away gets a turn when all before it have left.
        while (open.length > 0) {
          const [running] = open.filter(({ place }) => place.taken);
          expect(running).toBeDefined();
          leave(running!);
        }
        expect([limit.taken, limit.waiting]).toEqual([0, 0]);
      }),
    );
  });

  test.each([0, -1, 1.5, Number.NaN])('a limit of %j is a RangeError', (most) => {
    expect(() => new TransferLimit(most)).toThrow(RangeError);
  });
});

/** A receiver that commits nothing until it is told to, and what several senders of it see. */
function receiver(options: Partial<SessionOptions>) {
  const { accept: acceptInMemory, files } = memoryReceiver();
  const accepted: string[] = [];
  const held = new Map<string, () => void>();
  const accept: Accept = async (offer, control) => {
    accepted.push(offer.name);
    const answer = await acceptInMemory(offer, control);
    const go = deferred<void>();
    held.set(offer.name, go.resolve);
    const { commit } = answer.sink;
    answer.sink.commit = async () => {
      await go.promise;
      return commit();
    };
    return answer;
  };
  const sessions: Session[] = [];
  const connect = () => {
    const [near, far] = pipePair();
    sessions.push(openSession(far, { role: 'acceptor', accept, ...options }));
    return openSession(near, { role: 'opener' });
  };
  const let1 = async (name: string) => {
    while (!held.has(name)) await new Promise((resolve) => setImmediate(resolve));
    held.get(name)?.();
  };
  return { accepted, files, sessions, connect, finish: let1 };
}

const send = (session: Session, name: string): Promise<StoredFile> =>
  session.sendFile(bytesSource(name, new TextEncoder().encode(name)));
const turns = async (count = 20) => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe('a limit over several sessions', () => {
  test('lets further files wait for their turn, and all of them arrive', async () => {
    const limit = new TransferLimit(2);
    const { accepted, connect, finish, files } = receiver({ limit });
    const senders = [connect(), connect(), connect()];
    const names = Array.from({ length: 9 }, (_, index) => `file ${index}`);
    const sending = names.map((name, index) => send(senders[index % 3]!, name));
    await turns();
    expect(accepted).toEqual(['file 0', 'file 1']);
    for (const [index, name] of names.entries()) {
      await finish(name);
      await sending[index];
      expect(limit.taken).toBeLessThanOrEqual(2);
    }
    expect([...files.keys()].sort()).toEqual(names);
    expect([limit.taken, limit.waiting]).toEqual([0, 0]);
  });

  test('a place is free again when the transfer has ended, and a wait is over when its connection is', async () => {
    const limit = new TransferLimit(1);
    const { accepted, connect, finish, sessions } = receiver({ limit });
    const [first, second, third] = [connect(), connect(), connect()];
    const lost = send(first, 'a');
    const neverSeen = send(second, 'b');
    await turns();
    const last = send(third, 'c');
    await turns();
    expect(accepted).toEqual(['a']);
    await second.close();
    await sessions[1]!.closed;
    await expect(neverSeen).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    expect(limit.waiting).toBe(1);
    void first.close();
    await expect(lost).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    expect(accepted).toEqual(['a']);
    await finish('a');
    await finish('c');
    expect(await last).toMatchObject({ name: 'c' });
    expect(accepted).toEqual(['a', 'c']);
  });

  test('a bad offer is refused at once: it needs no place', async () => {
    const limit = new TransferLimit(1);
    const { connect, finish } = receiver({ limit, maxFileBytes: 5 });
    const sender = connect();
    const first = send(sender, 'a');
    await expect(send(sender, 'too long')).rejects.toMatchObject({ code: 'TOO_LARGE' });
    await finish('a');
    await first;
  });
});

describe('a file that is sent again while the limit is reached', () => {
  const source = {
    ...bytesSource(
      'a',
      Uint8Array.from({ length: 1_000 }, (_, at) => at % 251),
    ),
    resumeKey: 'k',
  };

  /** Senders, each over a line of its own, to one receiver that takes one file at a time. */
  function crowded() {
    const memory = memoryReceiver();
    const limit = new TransferLimit(1);
    const gate = deferred();
    /** What is written to the first sink that is opened stays behind its first part until the gate is open. */
    const began = deferred();
    let sinks = 0;
    const accept: Accept = async (offer, control) => {
      const held = await memory.accept(offer, control);
      if (sinks++ > 0) return held;
      const write: typeof held.sink.write = async (part) => {
        await held.sink.write(part);
        began.resolve();
        await gate.promise;
      };
      return { ...held, sink: { ...held.sink, write } };
    };
    const sender = () => {
      const [near, far] = pipePair();
      openSession(far, { role: 'acceptor', accept, limit, windowBytes: 800 });
      return openSession(near, { role: 'opener', chunkBytes: 100 });
    };
    return { memory, limit, gate, began, sender };
  }

  test('takes the seat of its older transfer, before all who wait, once that has written what it was writing', async () => {
    const { memory, limit, gate, began, sender } = crowded();
    const older = sender().sendFile(source);
    older.catch(() => {});
    await began.promise;
    const stored: string[] = [];
    const other = sender()
      .sendFile(bytesSource('b', new Uint8Array(10)))
      .then(({ name }) => stored.push(name));
    await turns();
    const events: unknown[] = [];
    const newer = sender()
      .sendFile(source, { onEvent: (event) => events.push(event) })
      .then(({ name }) => stored.push(name));
    await expect(older).rejects.toMatchObject({ code: 'SUPERSEDED', side: 'peer' });
    await turns();
    expect([limit.taken, stored]).toEqual([1, []]);
    gate.resolve();
    await Promise.all([newer, other]);
    expect(stored).toEqual(['a', 'b']);
    expect(events).toEqual([{ type: 'resumed', offset: expect.any(Number) }]);
    expect([...memory.files.keys()]).toEqual(['a', 'b']);
    expect([limit.taken, limit.waiting]).toEqual([0, 0]);
  });

  test('has the place in the line of its older transfer that was waiting', async () => {
    const { limit, gate, began, sender } = crowded();
    const first = sender().sendFile(bytesSource('first', new Uint8Array(10)));
    await began.promise;
    const stored: string[] = [];
    const older = sender().sendFile(source);
    older.catch(() => {});
    await turns();
    const other = sender()
      .sendFile(bytesSource('b', new Uint8Array(10)))
      .then(({ name }) => stored.push(name));
    await turns();
    const newer = sender()
      .sendFile(source)
      .then(({ name }) => stored.push(name));
    await expect(older).rejects.toMatchObject({ code: 'SUPERSEDED', side: 'peer' });
    gate.resolve();
    await Promise.all([first, newer, other]);
    expect(stored).toEqual(['a', 'b']);
    expect([limit.taken, limit.waiting]).toEqual([0, 0]);
  });

  test('over the same connection waits for its turn: both are meant', async () => {
    const { gate, began, sender } = crowded();
    const one = sender();
    const both = [one.sendFile(source), one.sendFile(source)];
    await began.promise;
    await turns();
    gate.resolve();
    expect((await Promise.all(both)).map(({ existing }) => existing)).toEqual([false, true]);
  });

  test('under the key of a file that lies elsewhere is another file, and waits', async () => {
    const { gate, began, sender } = crowded();
    const one = sender().sendFile(source);
    await began.promise;
    const elsewhere = sender().sendFile({ ...source, folder: ['there'] });
    await turns();
    gate.resolve();
    expect((await Promise.all([one, elsewhere])).map(({ existing }) => existing)).toEqual([false, false]);
  });
});

describe('a session that retires', () => {
  test('lets what is under way end, and holds what is offered until it is closed', async () => {
    const { accepted, connect, finish, sessions } = receiver({});
    const sender = connect();
    const running = send(sender, 'a');
    await turns();
    const retired = sessions[0]!.retire();
    const late = send(sender, 'b');
    late.catch(() => {});
    await turns();
    expect(accepted).toEqual(['a']);
    await finish('a');
    expect(await running).toMatchObject({ name: 'a' });
    await retired;
    expect(accepted).toEqual(['a']);
    await sessions[0]!.close(1001);
    await expect(late).rejects.toMatchObject({ code: 'SHUTTING_DOWN', side: 'peer' });
  });

  test('does not wait for what waits for its turn', async () => {
    const limit = new TransferLimit(1);
    const { accepted, connect, finish, sessions } = receiver({ limit });
    const sender = connect();
    const running = send(sender, 'a');
    const waiting = send(sender, 'b');
    waiting.catch(() => {});
    await turns();
    limit.close();
    const retired = sessions[0]!.retire();
    await finish('a');
    await running;
    await retired;
    expect(accepted).toEqual(['a']);
    await sessions[0]!.close(1001);
    await expect(waiting).rejects.toMatchObject({ code: 'SHUTTING_DOWN', side: 'peer' });
    expect([limit.taken, limit.waiting]).toEqual([0, 0]);
  });

  test('that has nothing to do is ready at once', async () => {
    const { connect, sessions } = receiver({});
    connect();
    await sessions[0]!.retire();
  });
});

test('bytes that came and are not stored yet are counted', async () => {
  const written = deferred<void>();
  const [near, far] = pipePair();
  const { accept } = memoryReceiver();
  const receiving = openSession(far, {
    role: 'acceptor',
    accept: async (offer, control) => {
      const answer = await accept(offer, control);
      answer.sink.write = () => written.promise;
      return answer;
    },
  });
  expect(receiving.pendingBytes).toBe(0);
  const sending = send(openSession(near, { role: 'opener' }), 'twelve bytes');
  while (receiving.pendingBytes !== 12) await new Promise((resolve) => setImmediate(resolve));
  written.resolve();
  await expect(sending).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  expect(receiving.pendingBytes).toBe(0);
});
