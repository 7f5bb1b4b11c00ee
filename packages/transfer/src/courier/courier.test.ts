import { FakeClock } from '@wsferry/testing';
import { describe, expect, test } from 'vitest';
import {
  bytesSource,
  Courier,
  type CourierOptions,
  type LineEvent,
  type MemoryPipe,
  memoryReceiver,
  openSession,
  pipePair,
} from '../index.ts';

const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 7) % 251);

/** A receiver that can be reached or not, and a courier on its way there. `random` is 1: delays are exact. */
function set(
  options: Partial<CourierOptions> & { forMs?: number; first?: boolean; mute?: boolean; windowBytes?: number } = {},
) {
  const clock = new FakeClock();
  const events: LineEvent[] = [];
  const { accept, files } = memoryReceiver();
  const pipes: MemoryPipe[] = [];
  const place = { down: undefined as Error | undefined, tries: 0 };
  let heard: (() => void) | undefined;
  const courier = new Courier({
    connect: async () => {
      place.tries += 1;
      if (place.down) throw place.down;
      const [near, far] = pipePair();
      pipes.push(near);
      // Half open: what is said arrives nowhere, and no answer comes.
      if (!options.mute || pipes.length > 1)
        openSession(far, { role: 'acceptor', accept, windowBytes: options.windowBytes });
      return near;
    },
    retry: { forMs: options.forMs ?? 600_000, first: options.first },
    probe: options.probe,
    session: options.session,
    ...(options.isFinal && { isFinal: options.isFinal }),
    clock,
    random: () => 1,
    onEvent: (event) => {
      events.push(event);
      heard?.();
    },
  });
  /** Resolves when an event of that type was heard that was not waited for before. */
  let seen = 0;
  const event = async (type: LineEvent['type']): Promise<LineEvent> => {
    for (;;) {
      const found = events.findIndex((one, index) => index >= seen && one.type === type);
      if (found >= 0) {
        seen = found + 1;
        return events[found]!;
      }
      await new Promise<void>((resolve) => {
        heard = resolve;
      });
    }
  };
  return { clock, events, files, pipes, place, courier, event };
}

/** A source that cuts the line when it is read for the first `cuts` times. */
function cutting(name: string, cut: () => void, cuts = 1) {
  const source = bytesSource(name, bytes);
  let left = cuts;
  return {
    ...source,
    open: async (options: Parameters<typeof source.open>[0]) => {
      const opened = await source.open(options);
      return {
        ...opened,
        read: async () => {
          if (left-- > 0) cut();
          return opened.read();
        },
      };
    },
  };
}

describe('a courier whose line is cut', () => {
  test('opens another one after a while, and the file arrives', async () => {
    const { clock, courier, event, files, pipes } = set();
    const sent = courier.sendFile(cutting('a', () => pipes.at(-1)!.abort()));
    expect(await event('lost')).toMatchObject({ while: 'open', retryInMs: 500, attempt: 1 });
    clock.advance(500);
    expect(await sent).toMatchObject({ name: 'a', size: bytes.length });
    expect(files.get('a')).toEqual(bytes);
    expect(pipes).toHaveLength(2);
  });

  test('waits twice as long each time that nobody is there, and no longer than it was told', async () => {
    const { clock, courier, event, pipes, place, events } = set();
    const sent = courier.sendFile(
      cutting('a', () => {
        place.down = new Error('nobody there');
        pipes.at(-1)!.abort();
      }),
    );
    const delays: number[] = [];
    for (let i = 0; i < 8; i++) {
      const lost = (await event('lost')) as Extract<LineEvent, { type: 'lost' }>;
      expect(lost.while).toBe(i === 0 ? 'open' : 'connecting');
      delays.push(lost.retryInMs);
      if (i === 7) place.down = undefined;
      clock.advance(lost.retryInMs);
    }
    expect(delays).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
    await sent;
    expect(events.at(-1)).toEqual({ type: 'connected', again: true });
  });

  test('gives up when nothing got through for as long as it was told, with the last reason', async () => {
    const { clock, courier, event, pipes, place } = set({ forMs: 2000 });
    const sent = courier.sendFile(
      cutting('a', () => {
        place.down = new Error('nobody there');
        pipes.at(-1)!.abort();
      }),
    );
    sent.catch(() => {});
    const delays: number[] = [];
    for (let i = 0; i < 3; i++) {
      const { retryInMs } = (await event('lost')) as Extract<LineEvent, { type: 'lost' }>;
      delays.push(retryInMs);
      clock.advance(retryInMs);
    }
    // The last try comes at the end of the time, not after it.
    expect(delays).toEqual([500, 1000, 500]);
    await event('gave-up');
    await expect(sent).rejects.toThrow('nobody there');
    expect(place.tries).toBe(4);
    await expect(courier.sendFile(bytesSource('b', bytes))).rejects.toThrow('nobody there');
  });

  test('a line that breaks again and again at the same byte makes no progress, and is given up', async () => {
    const { clock, courier, event, pipes } = set({ forMs: 2000 });
    const sent = courier.sendFile(cutting('a', () => pipes.at(-1)!.abort(), Number.POSITIVE_INFINITY));
    sent.catch(() => {});
    for (let i = 0; i < 3; i++) {
      const { retryInMs } = (await event('lost')) as Extract<LineEvent, { type: 'lost' }>;
      clock.advance(retryInMs);
    }
    await event('gave-up');
    await expect(sent).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  });

  /** Sends a file of which nothing is kept, over lines each of which breaks when so much is stored. */
  function fromTheStart(breaksAt: readonly number[]) {
    const all = set({ forMs: 2000, windowBytes: 8_000, session: { chunkBytes: 1_000 } });
    const { courier, pipes, clock } = all;
    const sent = courier.sendFile(bytesSource('a', bytes), {
      onProgress: ({ stored }) => {
        if (stored < (breaksAt[pipes.length - 1] ?? Number.POSITIVE_INFINITY)) return;
        // All that came before took its time.
        clock.advance(3000);
        pipes.at(-1)!.abort();
      },
    });
    sent.catch(() => {});
    return { ...all, sent };
  }

  test('a file that begins anew makes progress with its first byte, not only with one that was never stored', async () => {
    const { clock, sent, event, files } = fromTheStart([90_000, 50_000, 60_000]);
    for (let i = 0; i < 3; i++) {
      expect(await event('lost')).toMatchObject({ attempt: 1 });
      clock.advance(500);
    }
    expect(await sent).toMatchObject({ size: bytes.length });
    expect(files.get('a')).toEqual(bytes);
  });

  test('a file that begins anew again and again, and never gets any further, is given up', async () => {
    const { clock, sent } = fromTheStart(Array(50).fill(50_000));
    let over = false;
    const end = () => {
      over = true;
    };
    sent.then(end, end);
    while (!over) {
      clock.advance(100);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expect(sent).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  });

  test('with forMs 0 it does not try again', async () => {
    const { courier, event, pipes } = set({ forMs: 0 });
    const sent = courier.sendFile(cutting('a', () => pipes.at(-1)!.abort()));
    sent.catch(() => {});
    await event('gave-up');
    await expect(sent).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  });

  test('an error that does not get better ends it at once', async () => {
    const { clock, courier, event, pipes, place } = set({ isFinal: () => true });
    const sent = courier.sendFile(
      cutting('a', () => {
        place.down = new Error('401');
        pipes.at(-1)!.abort();
      }),
    );
    sent.catch(() => {});
    await event('lost');
    clock.advance(500);
    await event('gave-up');
    await expect(sent).rejects.toThrow('401');
  });

  test('all files on their way go on over the same new connection', async () => {
    const { clock, courier, event, files, pipes } = set();
    const sent = ['a', 'b', 'c'].map((name) => courier.sendFile(cutting(name, () => pipes[0]!.abort())));
    const { retryInMs } = (await event('lost')) as Extract<LineEvent, { type: 'lost' }>;
    clock.advance(retryInMs);
    await Promise.all(sent);
    expect([...files.keys()].sort()).toEqual(['a', 'b', 'c']);
    expect(pipes).toHaveLength(2);
  });
});

describe('a courier that probes', () => {
  test('gives up a connection on which no answer comes, and sends over another', async () => {
    const { clock, courier, event, files, pipes } = set({ probe: { intervalMs: 5000, timeoutMs: 10_000 }, mute: true });
    const sent = courier.sendFile(bytesSource('a', bytes));
    await event('connected');
    clock.advance(5000);
    // The probe goes out in a turn of its own, and then the time for its answer begins.
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(10_000);
    const lost = (await event('lost')) as Extract<LineEvent, { type: 'lost' }>;
    expect(lost.error).toMatchObject({
      code: 'CONNECTION_LOST',
      message: expect.stringContaining('no answer for 10 s'),
    });
    clock.advance(lost.retryInMs);
    await sent;
    expect(files.get('a')).toEqual(bytes);
    expect(pipes).toHaveLength(2);
  });

  test('leaves a connection alone whose peer answers', async () => {
    const { clock, courier, event, events } = set({ probe: {} });
    await courier.sendFile(bytesSource('a', bytes));
    await event('connected');
    for (let i = 0; i < 5; i++) {
      clock.advance(5000);
      // The answer is a few turns away.
      await (await courier.session()).probe();
    }
    expect(events.map(({ type }) => type)).toEqual(['connected']);
  });
});

describe('a courier', () => {
  test('opens for who comes in the very moment in which it has given up, because nobody waited any more', async () => {
    const tries: { reject: (error: Error) => void; promise: Promise<MemoryPipe> }[] = [];
    const clock = new FakeClock();
    const courier = new Courier({
      connect: () => {
        let reject!: (error: Error) => void;
        const promise = new Promise<MemoryPipe>((_, no) => {
          reject = no;
        });
        tries.push({ reject, promise });
        return promise;
      },
      retry: { first: true },
      clock,
      random: () => 1,
    });
    const abort = new AbortController();
    const first = courier.session(abort.signal);
    first.catch(() => {});
    abort.abort();
    // Behind the courier's own look at what came of the try, and before anything that follows from it.
    let second: Promise<unknown> | undefined;
    tries[0]!.promise.catch(() => {
      second = courier.session();
      second.catch(() => {});
    });
    tries[0]!.reject(new Error('nobody there'));
    await expect(first).rejects.toBeDefined();
    await new Promise((resolve) => setImmediate(resolve));
    expect(second).toBeDefined();
    clock.advance(500);
    await new Promise((resolve) => setImmediate(resolve));
    expect(tries).toHaveLength(2);
    const closed = courier.close();
    tries[1]!.reject(new Error('nobody there'));
    await closed;
  });

  test('that may not watch says so, instead of waiting for ever', async () => {
    const { courier } = set();
    await expect(courier.watch({})).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  test('with retry.first also opens a first connection that fails', async () => {
    const { clock, courier, event, files, place } = set({ first: true });
    place.down = new Error('nobody there');
    const sent = courier.sendFile(bytesSource('a', bytes));
    const { retryInMs } = (await event('lost')) as Extract<LineEvent, { type: 'lost' }>;
    place.down = undefined;
    clock.advance(retryInMs);
    await sent;
    expect(files.get('a')).toEqual(bytes);
  });

  test('does not wait any longer when it is told so', async () => {
    const { courier, event, files, pipes } = set();
    const sent = courier.sendFile(cutting('a', () => pipes.at(-1)!.abort()));
    await event('lost');
    courier.retryNow();
    await sent;
    expect(files.get('a')).toEqual(bytes);
  });

  test('tells at once of an address where nobody ever was', async () => {
    const { courier, place, events } = set();
    place.down = new Error('nobody there');
    await expect(courier.sendFile(bytesSource('a', bytes))).rejects.toThrow('nobody there');
    expect(place.tries).toBe(1);
    expect(events).toEqual([]);
  });

  test('is not kept from leaving by a wait: what waits is cancelled, and nobody connects', async () => {
    const { courier, event, pipes, place } = set();
    const abort = new AbortController();
    const sent = courier.sendFile(
      cutting('a', () => pipes.at(-1)!.abort()),
      { signal: abort.signal },
    );
    sent.catch(() => {});
    await event('lost');
    abort.abort(new Error('Ctrl-C'));
    await expect(sent).rejects.toMatchObject({ code: 'CANCELLED' });
    await courier.close();
    expect(place.tries).toBe(1);
  });

  test('that is closed ends what waits with SHUTTING_DOWN', async () => {
    const { courier, event, pipes } = set();
    const sent = courier.sendFile(cutting('a', () => pipes.at(-1)!.abort()));
    sent.catch(() => {});
    await event('lost');
    await courier.close();
    await expect(sent).rejects.toMatchObject({ code: 'SHUTTING_DOWN', side: 'local' });
  });

  test('does not repeat what the receiver refused', async () => {
    const { courier, files, place } = set();
    files.set('a', bytes);
    await expect(courier.sendFile(bytesSource('a', new Uint8Array(1)))).rejects.toMatchObject({ code: 'EXISTS' });
    expect(place.tries).toBe(1);
  });

  test('opens nothing while nobody needs it', async () => {
    const { courier, place } = set();
    await courier.close();
    expect(place.tries).toBe(0);
  });

  test.each([{ forMs: -1 }, { firstDelayMs: 0 }, { longestDelayMs: Number.NaN }])('refuses %o', (retry) => {
    expect(() => new Courier({ connect: () => Promise.reject(new Error('no')), retry })).toThrow(RangeError);
  });
});
