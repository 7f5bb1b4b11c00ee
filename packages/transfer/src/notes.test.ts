import { describe, expect, test } from 'vitest';
import { deferred, RawPeer } from '../test/raw-peer.ts';
import { ArrivalBoard, MAX_NOTE_LENGTH, openSession, pipePair } from './index.ts';
import { NOTES_AT_ONCE, NOTES_PER_SECOND } from './note-allowance.ts';

const digest = 'd41d8cd98f00b204e9800998ecf8427e';

/** A peer of a receiver with that board. */
function peerOf(board: ArrivalBoard | undefined) {
  const [near, far] = pipePair();
  openSession(far, { role: 'acceptor', board });
  return near;
}

describe('a note', () => {
  test('is heard by everybody who watches, also by whoever posted it', async () => {
    const board = new ArrivalBoard({ now: () => 7 });
    const heard: string[] = [];
    const all = deferred();
    const watchers = ['a', 'b'].map((name) => {
      const session = openSession(peerOf(board), { role: 'opener' });
      const onNote = ({ text, at }: { readonly text: string; readonly at: number }) => {
        heard.push(`${name}: ${text} ${at}`);
        if (heard.length === 2) all.resolve();
      };
      session.watch({ onNote });
      return session;
    });
    await Promise.all(watchers.map((session) => session.probe()));
    await watchers[0]!.postNote('dinner is ready');
    await all.promise;
    expect(heard.sort()).toEqual(['a: dinner is ready 7', 'b: dinner is ready 7']);
  });

  test('is repeated with the last files, in the order in which they came', async () => {
    const board = new ArrivalBoard({ keep: 2, now: () => 7 });
    board.post('forgotten');
    board.post('first');
    board.announce({ name: 'a', size: 1, digest });
    board.post('second');
    const peer = new RawPeer(peerOf(board));
    peer.say({ type: 'WATCH', recent: 100 });
    expect(await peer.hear()).toEqual({ type: 'NOTE_POSTED', text: 'first', at: 7 });
    expect(await peer.hear()).toMatchObject({ type: 'FILE_ARRIVED', name: 'a' });
    expect(await peer.hear()).toEqual({ type: 'NOTE_POSTED', text: 'second', at: 7 });
    const notes: string[] = [];
    board.subscribe({ onNote: ({ text }) => notes.push(text) }, 1);
    expect(notes).toEqual(['second']);
  });

  test('of 4,000 characters is told, a longer one is not even sent', async () => {
    const session = openSession(peerOf(new ArrivalBoard()), { role: 'opener' });
    await session.postNote('😀'.repeat(MAX_NOTE_LENGTH / 2));
    expect(() => session.postNote('x'.repeat(MAX_NOTE_LENGTH + 1))).toThrow(RangeError);
  });

  test('without a number is told all the same, and answered by nothing', async () => {
    const board = new ArrivalBoard({ now: () => 7 });
    const peer = new RawPeer(peerOf(board));
    peer.say({ type: 'WATCH' }, { type: 'NOTE', text: 'hello' });
    expect(await peer.hear()).toEqual({ type: 'NOTE_POSTED', text: 'hello', at: 7 });
  });

  test('where there is no board is refused with FORBIDDEN', async () => {
    const session = openSession(peerOf(undefined), { role: 'opener' });
    await expect(session.postNote('hello')).rejects.toMatchObject({ code: 'FORBIDDEN', side: 'peer' });
    const peer = new RawPeer(peerOf(undefined));
    peer.say({ type: 'NOTE', text: 'hello' });
    expect(await peer.hear()).toMatchObject({ type: 'ERROR', code: 'FORBIDDEN' });
  });

  test('where none is taken is refused with FORBIDDEN and told to nobody, and who watches hears of files all the same', async () => {
    const board = new ArrivalBoard();
    const [near, far] = pipePair();
    openSession(far, { role: 'acceptor', board, acceptNotes: false });
    const session = openSession(near, { role: 'opener' });
    const heard: string[] = [];
    session.watch({ onNote: ({ text }) => heard.push(text), onArrived: ({ name }) => heard.push(name) });
    await expect(session.postNote('hello')).rejects.toMatchObject({ code: 'FORBIDDEN', side: 'peer' });
    board.announce({ name: 'a', size: 1, digest });
    await session.probe();
    expect(heard).toEqual(['a']);
  });

  test('too many at once are refused with TOO_MANY_REQUESTS, and break no rule', async () => {
    const session = openSession(peerOf(new ArrivalBoard()), { role: 'opener' });
    const posted = await Promise.allSettled(Array.from({ length: 100 }, (_, index) => session.postNote(`${index}`)));
    const told = posted.filter(({ status }) => status === 'fulfilled').length;
    expect(told).toBeGreaterThanOrEqual(NOTES_AT_ONCE);
    expect(told).toBeLessThan(50);
    for (const one of posted) {
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'TOO_MANY_REQUESTS', side: 'peer' });
    }
    await session.probe();
  });
});

test('notes may come as fast as people write them, after some at once', () => {
  let now = 0;
  const board = new ArrivalBoard({ now: () => now });
  const told: string[] = [];
  board.subscribe({ onNote: ({ text }) => told.push(text) });
  const post = () => board.post('x', 'somebody');
  for (let count = 0; count < NOTES_AT_ONCE; count += 1) post();
  expect(post).toThrow(expect.objectContaining({ code: 'TOO_MANY_REQUESTS' }));
  now += 1000;
  for (let count = 0; count < NOTES_PER_SECOND; count += 1) post();
  expect(post).toThrow(expect.objectContaining({ code: 'TOO_MANY_REQUESTS' }));
  now += 3_600_000;
  for (let count = 0; count < NOTES_AT_ONCE; count += 1) post();
  expect(post).toThrow(expect.objectContaining({ code: 'TOO_MANY_REQUESTS' }));
  expect(told).toHaveLength(2 * NOTES_AT_ONCE + NOTES_PER_SECOND);
});

test('who watches where there is nothing to watch hears so', async () => {
  const session = openSession(peerOf(undefined), { role: 'opener' });
  const refused = new Promise((resolve) => session.watch({ onRefused: resolve }));
  expect(await refused).toMatchObject({ code: 'FORBIDDEN', side: 'peer' });
});

test('listeners that throw break nothing', async () => {
  const boom = () => {
    throw new Error('mine');
  };
  const session = openSession(peerOf(new ArrivalBoard()), { role: 'opener' });
  session.watch({ onNote: boom, onArrived: boom, onRefused: boom });
  await session.postNote('hello');
  await session.probe();
});

test('who connects again may post no more for that, and others may', async () => {
  const board = new ArrivalBoard({ now: () => 7 });
  const connect = (peer: string) => {
    const [near, far] = pipePair();
    openSession(far, { role: 'acceptor', board, peer });
    return openSession(near, { role: 'opener' });
  };
  const flood = async (peer: string) => {
    const session = connect(peer);
    const posted = await Promise.allSettled(Array.from({ length: 2 * NOTES_AT_ONCE }, () => session.postNote('x')));
    return posted.filter(({ status }) => status === 'fulfilled').length;
  };
  expect(await flood('192.0.2.1')).toBe(NOTES_AT_ONCE);
  expect(await flood('192.0.2.1')).toBe(0);
  expect(await flood('192.0.2.2')).toBe(NOTES_AT_ONCE);
});

test('however many notes come, the files that have come are remembered', () => {
  const board = new ArrivalBoard({ keep: 3 });
  board.announce({ name: 'a', size: 1, digest });
  for (let count = 0; count < 100; count += 1) board.post(`${count}`);
  const heard: string[] = [];
  board.subscribe({ onArrived: ({ name }) => heard.push(name), onNote: ({ text }) => heard.push(text) }, 3);
  expect(heard).toEqual(['a', '97', '98', '99']);
});
