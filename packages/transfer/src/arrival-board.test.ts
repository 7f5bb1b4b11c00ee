import { expect, test } from 'vitest';
import { RawPeer } from '../test/raw-peer.ts';
import {
  type Arrival,
  ArrivalBoard,
  bytesSource,
  type FileSink,
  memoryReceiver,
  openSession,
  pipePair,
} from './index.ts';

const digest = 'd41d8cd98f00b204e9800998ecf8427e';
const file = (name: string) => ({ name, size: 1, digest });
/** Of a folder that has the identical, empty file already. */
const existingSink = (name: string): FileSink => ({
  write: async () => {},
  restart: async () => {},
  digest: async () => digest,
  commit: async () => ({ name, size: 0, digest, algorithm: 'md5', existing: true }),
  discard: async () => {},
});

test('a late subscriber hears the last arrivals, oldest first, and then the new ones, until it leaves', () => {
  const board = new ArrivalBoard({ keep: 3, now: () => 7 });
  for (const name of ['a', 'b', 'c', 'd']) board.announce(file(name));
  const heard: string[] = [];
  const leave = board.subscribe({ onArrived: ({ name }) => heard.push(name) }, 10);
  board.announce(file('e'));
  leave();
  board.announce(file('f'));
  expect(heard).toEqual(['b', 'c', 'd', 'e']);
});

test('a file that was there before is announced with its own time', () => {
  const board = new ArrivalBoard({ now: () => 7 });
  board.announce(file('old'), 3);
  board.announce(file('new'));
  const heard: unknown[] = [];
  board.subscribe({ onArrived: ({ name, at }) => heard.push([name, at]) }, 10);
  expect(heard).toEqual([
    ['old', 3],
    ['new', 7],
  ]);
});

test('a subscriber that throws does not keep the others from hearing', () => {
  const board = new ArrivalBoard();
  const heard: string[] = [];
  const onArrived = () => {
    throw new Error('mine');
  };
  board.subscribe({ onArrived });
  board.subscribe({ onArrived: ({ name }) => heard.push(name) });
  board.announce(file('a'));
  expect(heard).toEqual(['a']);
});

test('everybody who sent WATCH hears of a file that somebody else sent', async () => {
  const board = new ArrivalBoard({ now: () => 7 });
  const { accept } = memoryReceiver();
  const [near, far] = pipePair();
  const [watching, watched] = pipePair();
  openSession(far, { role: 'acceptor', accept, board });
  openSession(watched, { role: 'acceptor', accept, board });
  const heard: Arrival[] = [];
  const twice = new Promise<void>((resolve) => {
    const session = openSession(watching, { role: 'opener' });
    const sender = openSession(near, { role: 'opener' });
    void sender.sendFile(bytesSource('first', new Uint8Array(1))).then(() => {
      const onArrived = (arrival: Arrival) => {
        heard.push(arrival);
        if (heard.length === 1) void sender.sendFile(bytesSource('second', new Uint8Array(2)));
        else resolve();
      };
      session.watch({ onArrived }, { recent: 1 });
    });
  });
  await twice;
  expect(heard).toMatchObject([
    { name: 'first', size: 1, at: 7 },
    { name: 'second', size: 2, md5: 'c4103f122d27677c9db144cae1394a66' },
  ]);
});

test('a file that is sent again while it is there is told, marked, and is the latest then', async () => {
  let now = 1;
  const board = new ArrivalBoard({ now: () => now++ });
  const files = [file('same'), file('other')];
  for (const one of files) board.announce(one);
  const [near, far] = pipePair();
  openSession(far, {
    role: 'acceptor',
    board,
    accept: async ({ name }) => ({ sink: existingSink(name) }),
  });
  const heard: unknown[] = [];
  const session = openSession(near, { role: 'opener' });
  const told = new Promise<void>((resolve) => {
    session.watch({
      onArrived: ({ name, at, existing }) => {
        heard.push([name, at, existing]);
        resolve();
      },
    });
  });
  expect(await session.sendFile(bytesSource('same', new Uint8Array(0)))).toMatchObject({ existing: true });
  await told;
  expect(heard).toEqual([['same', 3, true]]);
  const recent: unknown[] = [];
  board.subscribe({ onArrived: ({ name, existing }) => recent.push([name, existing]) }, 10);
  expect(recent).toEqual([
    ['other', undefined],
    ['same', true],
  ]);
});

test('a file that is found in the folder after it was sent again is no news', () => {
  const board = new ArrivalBoard({ now: () => 7 });
  board.announce({ ...file('a'), existing: true });
  board.announce(file('a'), 3);
  const heard: unknown[] = [];
  board.subscribe({ onArrived: ({ name, at }) => heard.push([name, at]) }, 10);
  expect(heard).toEqual([['a', 7]]);
});

test('WATCH where there is no board is refused with FORBIDDEN and costs nothing else', async () => {
  const [near, far] = pipePair();
  openSession(far, { role: 'acceptor' });
  const peer = new RawPeer(near);
  peer.say({ type: 'WATCH' });
  expect(await peer.hear()).toMatchObject({ type: 'ERROR', code: 'FORBIDDEN' });
});
