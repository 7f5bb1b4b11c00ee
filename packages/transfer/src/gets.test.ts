import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Cut, cuttablePair } from '../test/cuttable-pair.ts';
import { deferred, RawPeer } from '../test/raw-peer.ts';
import {
  type Accept,
  bytesSource,
  Courier,
  type FileOffer,
  type FileShelf,
  memoryReceiver,
  memoryShelf,
  openSession,
  PauseSwitch,
  pipePair,
  type ServedEvent,
  type Session,
  type SessionOptions,
  type TransferEvent,
} from './index.ts';

const bytes = Uint8Array.from({ length: 5_000 }, (_, index) => (index * 7) % 251);
const shelf = memoryShelf({
  files: new Map([
    ['a', bytes],
    ['docs/deep/b', bytes.subarray(0, 9)],
  ]),
  details: new Map([['docs/deep/b', { modified: 1e12, executable: true }]]),
});

/** Who asks, and who is asked; the asker opened the connection, or did not. */
function connected(asked: Partial<SessionOptions> = {}, { opens = true } = {}) {
  const [near, far] = pipePair();
  const asker = openSession(near, { role: opens ? 'opener' : 'acceptor', windowBytes: 800 });
  const keeper = openSession(far, { role: opens ? 'acceptor' : 'opener', shelf, chunkBytes: 100, ...asked });
  return { asker, keeper, near, far, memory: memoryReceiver() };
}

describe('a file that is asked for', () => {
  test.each([true, false])('arrives, whoever opened the connection (the asker: %s)', async (opens) => {
    const served: ServedEvent[] = [];
    const over = deferred();
    const onServed = (event: ServedEvent) => {
      served.push(event);
      if (event.type === 'stored') over.resolve();
    };
    const { asker, memory } = connected({ onServed }, { opens });
    const offers: FileOffer[] = [];
    const events: TransferEvent[] = [];
    const accept: Accept = (offer, control) => {
      offers.push(offer);
      return memory.accept(offer, control);
    };
    const folder = ['docs', 'deep'];
    const stored = await asker.getFile('b', { folder, accept, onEvent: (event) => events.push(event) });
    expect(stored).toMatchObject({ name: 'b', size: 9, algorithm: 'md5', existing: false });
    expect(memory.files.get('docs/deep/b')).toEqual(bytes.subarray(0, 9));
    expect(offers).toEqual([
      {
        id: opens ? 2 : 1,
        name: 'b',
        folder,
        size: 9,
        modified: 1e12,
        executable: true,
        resumeKey: 'memory:docs%2Fdeep%2Fb',
        request: 1,
      },
    ]);
    expect(events.map(({ type }) => type)).toEqual(['offered', 'progress', 'stored']);
    await over.promise;
    expect(served.map(({ type }) => type)).toEqual(['asked', 'offered', 'progress', 'progress', 'progress', 'stored']);
    expect(served.at(-1)).toMatchObject({ request: 1, name: 'b', folder, file: { size: 9 } });
  });

  test('by the hundred: all arrive, and never more requests wait for an answer than may', async () => {
    const { near, far, memory } = connected();
    near.abort();
    const [here, there] = pipePair();
    let open = 0;
    let most = 0;
    const files = new Map(Array.from({ length: 400 }, (_, index) => [`f${index}`, Uint8Array.of(index % 256)]));
    const many = memoryShelf({ files });
    const slow: FileShelf = {
      ...many,
      file: async (name, folder) => {
        open += 1;
        most = Math.max(most, open);
        await new Promise((resolve) => setImmediate(resolve));
        open -= 1;
        return many.file(name, folder);
      },
    };
    openSession(there, { role: 'acceptor', shelf: slow });
    const asker = openSession(here, { role: 'opener' });
    await Promise.all([...files.keys()].map((name) => asker.getFile(name, { accept: memory.accept })));
    expect(memory.files).toEqual(files);
    expect(most).toBeLessThanOrEqual(128);
    far.close();
  });

  test('is digested with SHA-256 when the asker wants it and its receiver does', async () => {
    const { asker, memory } = connected();
    const stored = await asker.getFile('a', { accept: memory.accept, digest: 'sha256' });
    expect(stored.algorithm).toBe('sha256');
  });

  test('can be paused by the asker', async () => {
    const { asker, memory } = connected();
    const pause = new PauseSwitch();
    pause.pause();
    const events: string[] = [];
    const paused = deferred();
    const getting = asker.getFile('a', {
      accept: memory.accept,
      pause,
      onEvent: ({ type }) => {
        events.push(type);
        if (type === 'paused') paused.resolve();
      },
    });
    await paused.promise;
    await asker.probe();
    await asker.probe();
    // What was on its way when the peer heard of it.
    expect(events.filter((type) => type === 'progress').length).toBeLessThanOrEqual(1);
    pause.resume();
    expect(await getting).toMatchObject({ size: 5_000 });
  });

  test('is no news to those who watch, and none of onTransfer', async () => {
    const heard: string[] = [];
    const [near, far] = pipePair();
    openSession(far, { role: 'acceptor', shelf });
    const asker = openSession(near, { role: 'opener', onTransfer: ({ type }) => heard.push(type) });
    await asker.getFile('a', { accept: memoryReceiver().accept });
    expect(heard).toEqual([]);
  });

  test.each([
    ['that is not there', 'c', { shelf }, 'NOT_FOUND'],
    ['of a peer that has no shelf', 'a', { shelf: undefined }, 'FORBIDDEN'],
  ])('%s is refused', async (_name, name, options, code) => {
    const served: ServedEvent[] = [];
    const { asker, memory } = connected({ ...options, onServed: (event) => served.push(event) });
    await expect(asker.getFile(name, { accept: memory.accept })).rejects.toMatchObject({ code, side: 'peer' });
    expect(served.map(({ type }) => type)).toEqual(['asked', 'refused']);
  });

  test.each(['..', 'a/b', ''])('and called %j is BAD_NAME on both sides', async (name) => {
    const { asker, keeper, far, near, memory } = connected();
    await expect(asker.getFile(name, { accept: memory.accept })).rejects.toMatchObject({ code: 'BAD_NAME' });
    await expect(asker.getFile('a', { accept: memory.accept, folder: [name] })).rejects.toMatchObject({
      code: 'BAD_NAME',
    });
    await Promise.all([asker.close(), keeper.closed]);
    expect([near.closeCode, far.closeCode]).toEqual([1000, 1000]);
    const [here, there] = pipePair();
    openSession(there, { role: 'acceptor', shelf });
    const peer = new RawPeer(here);
    peer.say({ type: 'GET_FILE', request: 1, name }, { type: 'GET_FILE', request: 2, name: 'a', folder: [name] });
    expect(await peer.hear()).toMatchObject({ type: 'ACK_GET_FILE', request: 1, code: 'BAD_NAME' });
    expect(await peer.hear()).toMatchObject({ type: 'ACK_GET_FILE', request: 2, code: 'BAD_NAME' });
  });

  test('whose source fails is told so', async () => {
    const broken: FileShelf = {
      ...shelf,
      file: async () => ({ ...bytesSource('a', bytes), open: () => Promise.reject(new Error('io')) }),
    };
    const served: ServedEvent[] = [];
    const { asker, memory } = connected({ shelf: broken, onServed: (event) => served.push(event) });
    await expect(asker.getFile('a', { accept: memory.accept })).rejects.toMatchObject({ code: 'SOURCE_FAILED' });
    expect(served.at(-1)).toMatchObject({ type: 'failed', code: 'SOURCE_FAILED' });
  });

  test('and refused by our own receiver is refused', async () => {
    const { asker, memory } = connected();
    memory.files.set('a', new Uint8Array(1));
    await expect(asker.getFile('a', { accept: memory.accept })).rejects.toMatchObject({
      code: 'EXISTS',
      side: 'local',
    });
  });
});

describe('a keeper that is about to stop', () => {
  test('lets what it was asked for before end, also what it is only looking for; what is asked for then is SHUTTING_DOWN', async () => {
    const [looking, found] = [deferred(), deferred()];
    const slow: FileShelf = {
      ...shelf,
      file: async (...place) => {
        looking.resolve();
        await found.promise;
        return shelf.file(...place);
      },
    };
    const { asker, keeper, memory } = connected({ shelf: slow });
    const early = asker.getFile('a', { accept: memory.accept });
    await looking.promise;
    let retired = false;
    const retiring = keeper.retire().then(() => {
      retired = true;
    });
    const late = asker.getFile('a', { accept: memory.accept });
    await expect(late).rejects.toMatchObject({ code: 'SHUTTING_DOWN', side: 'peer' });
    expect(retired).toBe(false);
    found.resolve();
    expect(await early).toMatchObject({ size: bytes.length });
    await retiring;
    await keeper.close(1001);
  });

  test('cuts nothing of it off because more is asked for: that goes over the next line', async () => {
    const memory = memoryReceiver();
    const began = deferred();
    const go = deferred();
    /** The first file stays in its middle. */
    const accept: Accept = async (offer, control) => {
      const held = await memory.accept(offer, control);
      if (offer.name !== 'a') return held;
      const write: typeof held.sink.write = async (part) => {
        began.resolve();
        await go.promise;
        await held.sink.write(part);
      };
      return { ...held, sink: { ...held.sink, write } };
    };
    const keepers: Session[] = [];
    const events: string[] = [];
    const lost = deferred();
    const courier = new Courier({
      connect: async () => {
        const [near, far] = pipePair();
        keepers.push(openSession(far, { role: 'acceptor', shelf, chunkBytes: 100 }));
        return near;
      },
      session: { windowBytes: 800 },
      onEvent: ({ type }) => {
        events.push(type);
        if (type === 'lost') lost.resolve();
      },
    });
    const early = courier.getFile('a', { accept });
    await began.promise;
    const retired = keepers[0]!.retire();
    const late = courier.getFile('b', { folder: ['docs', 'deep'], accept });
    await lost.promise;
    courier.retryNow();
    expect(await late).toMatchObject({ name: 'b' });
    go.resolve();
    expect(await early).toMatchObject({ name: 'a', size: bytes.length });
    await retired;
    // Nobody needs the first line any more.
    await keepers[0]!.closed;
    expect(keepers).toHaveLength(2);
    expect(events).toEqual(['connected', 'lost', 'connected']);
    expect(memory.partials.size).toBe(0);
    await courier.close();
  });

  test('and a courier that is closed meanwhile: both of its lines end', async () => {
    const keepers: Session[] = [];
    const courier = new Courier({
      connect: async () => {
        const [near, far] = pipePair();
        keepers.push(openSession(far, { role: 'acceptor', shelf }));
        return near;
      },
    });
    const memory = memoryReceiver();
    const [asked, go] = [deferred(), deferred()];
    const never: Accept = async (offer, control) => {
      asked.resolve();
      await go.promise;
      return memory.accept(offer, control);
    };
    const early = courier.getFile('a', { accept: never });
    early.catch(() => {});
    await asked.promise;
    void keepers[0]!.retire();
    const late = courier.getFile('a', { accept: never });
    late.catch(() => {});
    while (keepers.length < 2) {
      courier.retryNow();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const closed = courier.close();
    go.resolve();
    await closed;
    await Promise.all(keepers.map(({ closed }) => closed));
    await expect(early).rejects.toMatchObject({ code: 'SHUTTING_DOWN', side: 'local' });
    await expect(late).rejects.toMatchObject({ code: 'SHUTTING_DOWN', side: 'local' });
  });
});

describe('a file that is no longer wanted', () => {
  test('before the peer has offered it: the offer is refused when it comes, and the place is free again', async () => {
    const found = deferred();
    const slow: FileShelf = { ...shelf, file: (name, folder) => found.promise.then(() => shelf.file(name, folder)) };
    const served: ServedEvent[] = [];
    const asked = deferred();
    const over = deferred();
    const { asker, memory } = connected({
      shelf: slow,
      onServed: (event) => {
        served.push(event);
        if (event.type === 'asked') asked.resolve();
        if (event.type === 'failed') over.resolve();
      },
    });
    const controller = new AbortController();
    const getting = asker.getFile('a', { accept: memory.accept, signal: controller.signal });
    await asked.promise;
    controller.abort();
    await expect(getting).rejects.toMatchObject({ code: 'CANCELLED', side: 'local' });
    found.resolve();
    await over.promise;
    expect(served.at(-1)).toMatchObject({ type: 'failed', code: 'CANCELLED' });
    await asker.getFile('a', { accept: memory.accept });
  });

  test('while it comes: both sides end it, and what came is kept', async () => {
    const controller = new AbortController();
    const { asker, memory } = connected();
    const onEvent = ({ type }: TransferEvent) => type === 'progress' && controller.abort();
    const getting = asker.getFile('a', { accept: memory.accept, signal: controller.signal, onEvent });
    await expect(getting).rejects.toMatchObject({ code: 'CANCELLED', side: 'local' });
    expect([...memory.partials.values()][0]!.byteLength).toBeGreaterThan(0);
    const again: string[] = [];
    await asker.getFile('a', { accept: memory.accept, onEvent: ({ type }) => again.push(type) });
    expect(again).toContain('resumed');
    expect(memory.files.get('a')).toEqual(bytes);
  });

  test('before it was asked for: nothing is asked', async () => {
    const { asker, memory } = connected();
    const signal = AbortSignal.abort();
    await expect(asker.getFile('a', { accept: memory.accept, signal })).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

test('however often and wherever the line is cut, the file is got, once, and no cut costs more than the window', async () => {
  const cut = fc.record<Cut>({
    after: fc.integer({ min: 0, max: 120 }),
    how: fc.constantFrom('lost' as const, 'ghost' as const),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(cut, { maxLength: 6 }), async (cuts) => {
      const memory = memoryReceiver();
      const ends: (() => void)[] = [];
      let sentBefore = 0;
      for (const one of [...cuts, undefined]) {
        const line = cuttablePair(one);
        ends.push(line.end);
        openSession(line.far, { role: 'acceptor', shelf, chunkBytes: 100 });
        const asker = openSession(line.near, { role: 'opener', windowBytes: 800 });
        await asker.getFile('a', { accept: memory.accept }).catch(() => {});
        expect(sentBefore - (line.data[0]?.offset ?? sentBefore)).toBeLessThanOrEqual(800);
        sentBefore = Math.max(sentBefore, ...line.data.map((packet) => packet.offset + packet.bytes.length));
        if (!line.broken()) break;
        await asker.closed;
      }
      expect(memory.files.get('a')).toEqual(bytes);
      expect(memory.partials.size).toBe(0);
      for (const end of ends) end();
    }),
    { numRuns: 40 },
  );
});

describe('a peer that offers', () => {
  async function asking(ask: (asker: ReturnType<typeof openSession>) => Promise<unknown>) {
    const [near, far] = pipePair();
    const asker = openSession(near, { role: 'opener' });
    const peer = new RawPeer(far);
    const result = ask(asker);
    result.catch(() => {});
    return { asker, peer, result };
  }

  test('what was asked for under another name, with wishes of its own: it is taken as what was asked for', async () => {
    const memory = memoryReceiver();
    const { peer, result } = await asking((asker) =>
      asker.getFile('a', {
        folder: ['b'],
        accept: (offer, control) => {
          expect(offer).toEqual({ id: 2, name: 'a', folder: ['b'], request: 1 });
          return memory.accept(offer, control);
        },
      }),
    );
    expect(await peer.hear()).toEqual({ type: 'GET_FILE', request: 1, name: 'a', folder: ['b'] });
    peer.say(
      { type: 'ACK_GET_FILE', request: 1, code: 'OK' },
      { type: 'NEW_FILE', id: 2, name: '../evil', folder: ['..'], request: 1, onConflict: 'overwrite' },
    );
    await peer.hearA('ACK_NEW_FILE');
    peer.say({ type: 'FILE_END', id: 2, md5: 'd41d8cd98f00b204e9800998ecf8427e' });
    expect(await result).toMatchObject({ name: 'a' });
    expect([...memory.files.keys()]).toEqual(['b/a']);
  });

  test('what nobody asked for breaks the rules; what was given up, or comes twice, is refused', async () => {
    const { peer, result } = await asking((asker) => asker.getFile('a', { accept: memoryReceiver().accept }));
    await peer.hearA('GET_FILE');
    peer.say({ type: 'NEW_FILE', id: 2, name: 'a', request: 2 });
    expect(await peer.hear()).toMatchObject({ type: 'ERROR', code: 'BAD_PACKET', id: 2 });
    peer.say({ type: 'NEW_FILE', id: 4, name: 'a', request: 1 });
    expect(await peer.hear()).toMatchObject({ type: 'ACK_NEW_FILE', id: 4, code: 'OK' });
    peer.say({ type: 'NEW_FILE', id: 6, name: 'a', request: 1 });
    expect(await peer.hear()).toMatchObject({ type: 'ACK_NEW_FILE', id: 6, code: 'CANCELLED' });
    peer.say({ type: 'CANCEL_FILE', id: 4 });
    await expect(result).rejects.toMatchObject({ code: 'CANCELLED', side: 'peer' });
  });

  test('something malformed: the get fails, and the peer is told that it was its answer, not a request of its own', async () => {
    const { peer, result } = await asking((asker) => asker.getFile('a', { accept: memoryReceiver().accept }));
    await peer.hearA('GET_FILE');
    peer.say({ type: 'ACK_GET_FILE', request: 1, code: 'OK' }, '{"type":"NEW_FILE","id":2,"request":1}');
    const error = await peer.hear();
    expect(error).toMatchObject({ type: 'ERROR', code: 'BAD_PACKET', id: 2 });
    expect(error).not.toHaveProperty('request');
    await expect(result).rejects.toMatchObject({ code: 'BAD_PACKET' });
  });

  test('nothing, because it knows no requests: UNKNOWN_TYPE', async () => {
    const { peer, result } = await asking((asker) => asker.getFile('a', { accept: memoryReceiver().accept }));
    await peer.hearA('GET_FILE');
    peer.say({ type: 'ERROR', code: 'UNKNOWN_TYPE', message: 'what?' });
    await expect(result).rejects.toMatchObject({ code: 'UNKNOWN_TYPE', side: 'peer' });
  });

  test('nothing, because the connection ends: what ended it', async () => {
    const { peer, asker, result } = await asking((asker) => asker.getFile('a', { accept: memoryReceiver().accept }));
    await peer.hearA('GET_FILE');
    peer.say({ type: 'ACK_GET_FILE', request: 1, code: 'OK' });
    const other = asker.getFile('b', { accept: memoryReceiver().accept });
    await peer.hearA('GET_FILE');
    await asker.close();
    for (const one of [result, other]) await expect(one).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    await expect(asker.getFile('c', { accept: memoryReceiver().accept })).rejects.toMatchObject({
      code: 'SHUTTING_DOWN',
    });
  });
});
