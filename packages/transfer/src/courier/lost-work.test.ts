import { FakeClock } from '@wsferry/testing';
import { expect, test } from 'vitest';
import {
  ArrivalBoard,
  Courier,
  type ListedEntry,
  type MemoryPipe,
  memoryReceiver,
  memoryShelf,
  openSession,
  pipePair,
  type SessionOptions,
} from '../index.ts';

const bytes = Uint8Array.from({ length: 1_000_000 }, (_, index) => (index * 7) % 251);

/** A peer that does as `options` say, over as many lines as are opened, and a courier there. */
function shore(options: Partial<SessionOptions>) {
  const pipes: MemoryPipe[] = [];
  let lost: () => void = () => {};
  const courier = new Courier({
    connect: async () => {
      const [near, far] = pipePair();
      pipes.push(near);
      openSession(far, { role: 'acceptor', ...options });
      return near;
    },
    clock: new FakeClock(),
    random: () => 1,
    onEvent: ({ type }) => type === 'lost' && lost(),
  });
  let left = 1;
  return {
    courier,
    pipes,
    /** The first time it is called. */
    cutOnce: () => {
      if (left-- > 0) pipes.at(-1)!.abort();
    },
    /** Opens the next line as soon as one is lost. */
    async mend(): Promise<void> {
      await new Promise<void>((resolve) => {
        lost = resolve;
      });
      courier.retryNow();
    },
  };
}

test('a file that is got over a line which is cut goes on over another', async () => {
  const files = new Map([['a', bytes]]);
  const shelf = memoryShelf({ files });
  const peer = shore({
    shelf: {
      ...shelf,
      file: async (name, folder) => {
        const source = await shelf.file(name, folder);
        return {
          ...source,
          open: async (how) => {
            const open = await source.open(how);
            let reads = 0;
            const read = () => {
              reads += 1;
              if (reads === 2) peer.cutOnce();
              return open.read();
            };
            return { ...open, read, digest: () => open.digest(), close: () => open.close() };
          },
        };
      },
    },
  });
  const here = memoryReceiver();
  const got = peer.courier.getFile('a', { accept: here.accept });
  await peer.mend();
  expect(await got).toMatchObject({ name: 'a', size: bytes.length });
  // Not toEqual: it looks at every byte as if it were an object of its own.
  expect(Buffer.compare(here.files.get('a')!, bytes)).toBe(0);
  expect(peer.pipes).toHaveLength(2);
});

test('a list over a line that is cut between two pages is whole, and has nothing twice', async () => {
  const names = Array.from({ length: 1200 }, (_, index) => `file ${String(index).padStart(4, '0')}`);
  const shelf = memoryShelf({ files: new Map(names.map((name) => [name, new Uint8Array()])) });
  let pages = 0;
  const peer = shore({
    shelf: {
      ...shelf,
      list: (folder, how) => {
        pages += 1;
        if (how?.after !== undefined) peer.cutOnce();
        return shelf.list(folder, how);
      },
    },
  });
  const mended = peer.mend();
  const listed: ListedEntry[] = [];
  for await (const entry of peer.courier.list()) listed.push(entry);
  await mended;
  expect(listed.map(({ name }) => name)).toEqual(names);
  expect(pages).toBeGreaterThan(3);
  expect(peer.pipes).toHaveLength(2);
});

test('a note is told again when the line is cut before it is known to be told', async () => {
  const board = new ArrivalBoard();
  const told: string[] = [];
  board.subscribe({
    onNote: ({ text }) => {
      told.push(text);
      peer.cutOnce();
    },
  });
  const peer = shore({ board, acceptNotes: true });
  const posted = peer.courier.postNote('high water');
  await peer.mend();
  await posted;
  expect(told).toEqual(['high water', 'high water']);
});

test('a folder is made again when the line is cut before it is known to be made', async () => {
  const there = memoryReceiver();
  let asked = 0;
  const peer = shore({
    accept: there.accept,
    acceptFolder: async (offer) => {
      asked += 1;
      peer.cutOnce();
      return there.acceptFolder(offer);
    },
  });
  const made = peer.courier.sendFolder({ name: 'tides' });
  await peer.mend();
  expect(await made).toMatchObject({ name: 'tides' });
  expect(asked).toBe(2);
});

test('who watches over a line that is cut hears of everything once, also of what arrived in between', async () => {
  const board = new ArrivalBoard();
  const peer = shore({ board });
  const heard: string[] = [];
  let wake: () => void = () => {};
  const until = async (count: number) => {
    while (heard.length < count) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const hear = (what: string) => {
    heard.push(what);
    wake();
  };
  const announce = (name: string) => board.announce({ name, size: 1, digest: '0'.repeat(32) });
  announce('long ago');
  const abort = new AbortController();
  const watching = peer.courier.watch(
    { onArrived: ({ name }) => hear(name), onNote: ({ text }) => hear(text) },
    { signal: abort.signal, onWatching: () => hear('watching') },
  );
  await until(1);
  announce('before');
  await until(2);
  const mended = peer.mend();
  peer.pipes.at(-1)!.abort();
  announce('in between');
  board.post('a note in between');
  await mended;
  await until(4);
  announce('after');
  await until(5);
  abort.abort();
  await watching;
  expect(heard).toEqual(['watching', 'before', 'in between', 'a note in between', 'after']);
  expect(peer.pipes).toHaveLength(2);
});
