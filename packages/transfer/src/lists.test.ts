import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { quiet } from '../test/quiet.ts';
import { RawPeer } from '../test/raw-peer.ts';
import {
  type FileShelf,
  type ListedEntry,
  MAX_CONTROL_LENGTH,
  MAX_PAGE_LENGTH,
  memoryReceiver,
  memoryShelf,
  openSession,
  PageBuilder,
  pipePair,
  TransferError,
} from './index.ts';
import { MAX_UNREAD_LENGTH } from './outbox.ts';

async function listed(
  shelf: FileShelf,
  folder: readonly string[] = [],
  options: { recursive?: boolean } = {},
): Promise<{ entries: ListedEntry[]; longest: number; pages: number }> {
  const [near, far] = pipePair();
  let longest = 0;
  let pages = 0;
  openSession(
    {
      send: (message) => {
        longest = Math.max(longest, message.length);
        pages += 1;
        return far.send(message);
      },
      drained: far.drained.bind(far),
      close: far.close.bind(far),
      [Symbol.asyncIterator]: () => far[Symbol.asyncIterator](),
    },
    { role: 'acceptor', shelf },
  );
  const asker = openSession(near, { role: 'opener' });
  const entries: ListedEntry[] = [];
  for await (const entry of asker.list(folder, options)) entries.push(entry);
  await asker.close();
  return { entries, longest, pages };
}

describe('a list', () => {
  const files = new Map([
    ['a', new Uint8Array(1)],
    ['docs/b', new Uint8Array(2)],
    ['docs/deep/c', new Uint8Array(3)],
  ]);
  const folders = new Set(['empty']);
  const details = new Map([
    ['a', { modified: 7, executable: true }],
    ['empty', { modified: 8 }],
  ]);
  const shelf = memoryShelf({ files, folders, details });

  test('has what lies in a folder, and what is known of it', async () => {
    expect((await listed(shelf)).entries).toEqual([
      { name: 'a', kind: 'file', size: 1, modified: 7, executable: true },
      { name: 'docs', kind: 'folder' },
      { name: 'empty', kind: 'folder', modified: 8 },
    ]);
    expect((await listed(shelf, ['docs'])).entries).toEqual([
      { name: 'b', kind: 'file', size: 2 },
      { name: 'deep', kind: 'folder' },
    ]);
  });

  test('that is recursive has what lies in the folders too, from there on', async () => {
    expect((await listed(shelf, ['docs'], { recursive: true })).entries).toEqual([
      { name: 'b', kind: 'file', size: 2 },
      { name: 'deep', kind: 'folder' },
      { name: 'c', folder: ['deep'], kind: 'file', size: 3 },
    ]);
  });

  test.each([
    [['docs', 'no'], 'NOT_FOUND'],
    [['..'], 'BAD_NAME'],
    [new Array<string>(65).fill('a'), 'BAD_NAME'],
  ])('of %j is refused with %s', async (folder, code) => {
    await expect(listed(shelf, folder)).rejects.toMatchObject({ code });
  });

  test('of files that were sent has them', async () => {
    const { accept, acceptFolder, shelf: sent } = memoryReceiver();
    const [near, far] = pipePair();
    openSession(far, { role: 'acceptor', accept, acceptFolder, shelf: sent });
    const session = openSession(near, { role: 'opener' });
    await session.sendFolder({ name: 'deep', folder: ['docs'], modified: 5 });
    const names: string[] = [];
    for await (const { name, modified } of session.list([], { recursive: true })) names.push(`${name} ${modified}`);
    expect(names).toEqual(['docs undefined', 'deep 5']);
  });

  test('of many long names comes in pages that fit, whole and in order', async () => {
    const name = fc.string({ minLength: 1, maxLength: 60, unit: fc.constantFrom('a', 'ü', '"', '😀', '\u2028') });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(name, { minLength: 1, maxLength: 5 }), { maxLength: 60 }), async (paths) => {
        const many = new Map(paths.map((path, index) => [[...path, `${index}.txt`].join('/'), new Uint8Array(index)]));
        const { entries, longest } = await listed(memoryShelf({ files: many }), [], { recursive: true });
        const got = entries.filter(({ kind }) => kind === 'file');
        expect(got.map(({ folder = [], name: last }) => [...folder, last].join('/')).sort()).toEqual(
          [...many.keys()].sort(),
        );
        expect(longest).toBeLessThanOrEqual(MAX_CONTROL_LENGTH);
      }),
      { numRuns: 30 },
    );
    const thousands = new Map(
      Array.from({ length: 3_000 }, (_, index) => [`${'x'.repeat(200)} ${index}`, new Uint8Array(0)]),
    );
    const { entries, pages } = await listed(memoryShelf({ files: thousands }));
    expect(new Set(entries.map(({ name: one }) => one)).size).toBe(3_000);
    expect(pages).toBeLessThan(30);
  });
});

describe('a page', () => {
  test('takes entries up to its length, and always one', () => {
    const page = new PageBuilder();
    const huge: ListedEntry = { name: 'x'.repeat(MAX_PAGE_LENGTH), kind: 'file' };
    expect(page.add(huge)).toBe(true);
    expect(page.add({ name: 'a', kind: 'file' })).toBe(false);
    expect(page.entries).toEqual([huge]);
  });

  test('that does not fit into a packet is an answer, not silence', async () => {
    const entries = [{ name: 'x'.repeat(MAX_CONTROL_LENGTH), kind: 'file' as const }];
    await expect(
      listed({ ...memoryShelf({ files: new Map() }), list: async () => ({ entries }) }),
    ).rejects.toMatchObject({
      code: 'INTERNAL',
      side: 'peer',
    });
  });

  test.each([
    ['that fails', new Error('io'), 'SOURCE_FAILED'],
    ['that is forbidden', new TransferError('FORBIDDEN'), 'FORBIDDEN'],
  ])('%s is refused', async (_name, error, code) => {
    const broken: FileShelf = { ...memoryShelf({ files: new Map() }), list: () => Promise.reject(error) };
    await expect(listed(broken)).rejects.toMatchObject({ code, side: 'peer' });
  });

  test.each([
    ['is empty and says that there is more', { entries: [], next: 'x' }],
    ['leads to itself', { entries: [{ name: 'a', kind: 'file' as const }], next: 'x' }],
  ])('that %s ends the list', async (_name, page) => {
    const endless: FileShelf = { ...memoryShelf({ files: new Map() }), list: async () => page };
    await expect(listed(endless)).rejects.toMatchObject({ code: 'BAD_PACKET', side: 'peer' });
  });
});

test('lists that nobody reads pile up to a bound, one is made at a time, and the peer is heard all the while', async () => {
  const [near, far] = pipePair({ highWaterMarkBytes: 1000 });
  const entry = (index: number): ListedEntry => ({ name: `${'x'.repeat(240)} ${index}`, kind: 'file' });
  const entries = Array.from({ length: 200 }, (_, index) => entry(index));
  let open = 0;
  let most = 0;
  const shelf: FileShelf = {
    ...memoryShelf({ files: new Map() }),
    list: async () => {
      open += 1;
      most = Math.max(most, open);
      await new Promise((resolve) => setImmediate(resolve));
      open -= 1;
      return { entries };
    },
  };
  openSession(far, { role: 'acceptor', shelf });
  const peer = new RawPeer(near);
  for (let request = 1; request <= 128; request += 1) peer.say({ type: 'LIST_FILES', request });
  await quiet(near, far);
  expect(most).toBe(1);
  expect(far.bufferedAmount).toBeLessThan(MAX_UNREAD_LENGTH / 2 + MAX_CONTROL_LENGTH + 2_000);
  expect(near.bufferedAmount).toBe(0);
  for (let request = 1; request <= 128; request += 1) expect(await peer.hearA('FILE_LIST')).toMatchObject({ request });
});

test('a list that is left early asks for no more', async () => {
  const [near, far] = pipePair();
  const peer = new RawPeer(far);
  const asker = openSession(near, { role: 'opener' });
  const reading = (async () => {
    for await (const { name } of asker.list()) return name;
    return undefined;
  })();
  await peer.hearA('LIST_FILES');
  peer.say({ type: 'FILE_LIST', request: 1, code: 'OK', entries: [{ name: 'a', kind: 'file' }], next: 'x' });
  expect(await reading).toBe('a');
  peer.say({ type: 'PROBE', probe: 1 });
  expect(await peer.hear()).toMatchObject({ type: 'ACK_PROBE' });
});
