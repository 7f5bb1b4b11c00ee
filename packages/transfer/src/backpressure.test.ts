import { describe, expect, test } from 'vitest';
import { quiet } from '../test/quiet.ts';
import { RawPeer } from '../test/raw-peer.ts';
import {
  ArrivalBoard,
  bytesSource,
  type MessagePipe,
  memoryReceiver,
  openSession,
  type Packet,
  pipePair,
} from './index.ts';
import { MAX_UNREAD_LENGTH } from './outbox.ts';

const MANY = 20_000;
/** What is not counted: up to the mark of the pipe; and the answer that goes beyond the bound has been given. */
const SLACK = 2_000;

describe('to a peer that does not read', () => {
  test('a file is sent up to one chunk, however high the mark of the pipe', async () => {
    const [near, far] = pipePair({ highWaterMarkBytes: 10_000 });
    const sender = openSession(near, { role: 'opener', chunkBytes: 1000 });
    const sending = sender.sendFile(bytesSource('a', new Uint8Array(1_000_000)));
    const peer = new RawPeer(far);
    await peer.hearA('NEW_FILE');
    peer.say({ type: 'ACK_NEW_FILE', id: 1, code: 'OK' });
    await quiet(near, far);
    expect(near.bufferedAmount).toBe(1_016);
    near.abort();
    await expect(sending).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  });

  test('refusals pile up to a bound, then its offers are not read; they are when it reads', async () => {
    const [near, far] = pipePair({ highWaterMarkBytes: 1000 });
    const session = openSession(far, { role: 'acceptor' });
    const peer = new RawPeer(near);
    for (let id = 1; id < 2 * MANY; id += 2) peer.say({ type: 'NEW_FILE', id, name: 'a' });
    await quiet(near, far);
    expect(far.bufferedAmount).toBeGreaterThan(MAX_UNREAD_LENGTH);
    expect(far.bufferedAmount).toBeLessThan(MAX_UNREAD_LENGTH + SLACK);
    expect(near.bufferedAmount).toBeGreaterThan(0);
    for (let id = 1; id < 2 * MANY; id += 2) expect(await peer.hearA('ACK_NEW_FILE')).toMatchObject({ id });
    near.close();
    await session.closed;
  });

  test('a session that waits for it can be closed, however long the pipe takes for its goodbye', async () => {
    const [near, far] = pipePair({ highWaterMarkBytes: 1000 });
    const neverDrained: MessagePipe = {
      send: (data) => far.send(data),
      drained: () => new Promise(() => {}),
      close: (code) => far.close(code),
      [Symbol.asyncIterator]: () => far[Symbol.asyncIterator](),
    };
    const session = openSession(neverDrained, { role: 'acceptor' });
    for (let id = 1; id < 2 * MANY; id += 2) new RawPeer(near).say({ type: 'NEW_FILE', id, name: 'a' });
    await quiet(near, far);
    expect(near.bufferedAmount).toBeGreaterThan(0);
    await session.close();
    expect(near.closeCode).toBe(1000);
  });

  test('a session that waits for it ends with the connection', async () => {
    const [near, far] = pipePair({ highWaterMarkBytes: 1000 });
    const session = openSession(far, { role: 'acceptor' });
    for (let id = 1; id < 2 * MANY; id += 2) new RawPeer(near).say({ type: 'NEW_FILE', id, name: 'a' });
    await quiet(near, far);
    near.abort();
    await session.closed;
  });

  test('pushes pile up to a bound, asked for a thousand times or not; later ones come when it has read', async () => {
    const [near, far] = pipePair({ highWaterMarkBytes: 1000 });
    const board = new ArrivalBoard({ now: () => 7 });
    const arrive = (name: string) => board.announce({ name, size: 1, digest: '0cc175b9c0f1b6a831c399e269772661' });
    for (let count = 0; count < 100; count += 1) arrive('old');
    openSession(far, { role: 'acceptor', board });
    const peer = new RawPeer(near);
    for (let count = 0; count < 1000; count += 1) peer.say({ type: 'WATCH', recent: 100 });
    await quiet(near, far);
    expect(far.bufferedAmount).toBeLessThan(MAX_UNREAD_LENGTH / 2 + SLACK);
    for (let count = 0; count < MANY; count += 1) arrive('missed');
    expect(far.bufferedAmount).toBeLessThan(MAX_UNREAD_LENGTH / 2 + SLACK);
    while (far.bufferedAmount > 0) expect(await peer.hear()).toMatchObject({ type: 'FILE_ARRIVED', name: 'old' });
    await quiet(near, far);
    arrive('new');
    expect(await peer.hear()).toMatchObject({ type: 'FILE_ARRIVED', name: 'new' });
  });

  test('acknowledgements pile up to a bound; the last one comes when it has read, and the file is stored', async () => {
    const [near, far] = pipePair({ highWaterMarkBytes: 1000 });
    const { accept, files } = memoryReceiver();
    openSession(far, { role: 'acceptor', accept });
    const peer = new RawPeer(near);
    peer.say({ type: 'NEW_FILE', id: 1, name: 'a' });
    await peer.hearA('ACK_NEW_FILE');
    const size = 2 * MANY;
    for (let offset = 0; offset < size; offset += 1) {
      peer.say({ type: 'FILE_DATA', id: 1, offset, bytes: Uint8Array.of(97) });
      // So that each is stored, and would be acknowledged, before the next comes.
      if (offset % 100 === 0) await quiet(near, far);
    }
    await quiet(near, far);
    expect(near.bufferedAmount).toBe(0);
    expect(far.bufferedAmount).toBeLessThan(MAX_UNREAD_LENGTH / 2 + SLACK);
    let last: Packet | undefined;
    do last = await peer.hearA('ACK_FILE_DATA');
    while (last.stored < size);
    expect(last).toEqual({ type: 'ACK_FILE_DATA', id: 1, stored: size });
    peer.say({ type: 'CANCEL_FILE', id: 1 });
    expect(files.size).toBe(0);
  });
});

test('two sides that both send, through pipes that are always full, never wait for each other', async () => {
  const [near, far] = pipePair({ highWaterMarkBytes: 0 });
  const here = memoryReceiver();
  const there = memoryReceiver();
  const options = { chunkBytes: 10, windowBytes: 100_000 };
  const opener = openSession(near, { ...options, role: 'opener', accept: here.accept });
  const acceptor = openSession(far, { ...options, role: 'acceptor', accept: there.accept });
  const bytes = new Uint8Array(50_000);
  await Promise.all([
    opener.sendFile(bytesSource('up', bytes)),
    opener.sendFile(bytesSource('up too', bytes)),
    acceptor.sendFile(bytesSource('down', bytes)),
    acceptor.sendFile(bytesSource('down too', bytes)),
  ]);
  expect(there.files.size + here.files.size).toBe(4);
});
