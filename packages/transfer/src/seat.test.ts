import { FakeClock } from '@wsferry/testing';
import { describe, expect, test } from 'vitest';
import { quiet } from '../test/quiet.ts';
import { deferred, RawPeer } from '../test/raw-peer.ts';
import {
  bytesSource,
  memoryReceiver,
  openSession,
  PauseSwitch,
  pipePair,
  type TransferControl,
  TransferLimit,
} from './index.ts';

const idleMs = 30_000;

/** A receiver that takes one file at a time, and senders, each over a line of its own. */
function crowded({ storing = Promise.resolve() } = {}) {
  const clock = new FakeClock();
  const limit = new TransferLimit(1, { clock, idleMs });
  const memory = memoryReceiver();
  const controls = new Map<string, TransferControl>();
  const written = new Map<string, number>();
  const ends: ReturnType<typeof pipePair>[number][] = [];
  const connect = () => {
    const [near, far] = pipePair();
    ends.push(near, far);
    openSession(far, {
      role: 'acceptor',
      limit,
      windowBytes: 800,
      accept: async (offer, control) => {
        controls.set(offer.name, control);
        const held = await memory.accept(offer, control);
        const write: typeof held.sink.write = async (part) => {
          await storing;
          written.set(offer.name, (written.get(offer.name) ?? 0) + part.length);
          await held.sink.write(part);
        };
        return { ...held, sink: { ...held.sink, write } };
      },
    });
    return near;
  };
  const still = () => quiet(...ends);
  const sender = () => openSession(connect(), { role: 'opener', chunkBytes: 100 });
  /** Offers a file and waits until it is taken, or for nothing. */
  const offer = (name: string) => {
    const peer = new RawPeer(connect());
    peer.say({ type: 'NEW_FILE', id: 1, name, size: 3_000 });
    let offset = 0;
    return {
      pause: () => peer.say({ type: 'PAUSE_FILE', id: 1 }),
      resume: () => peer.say({ type: 'RESUME_FILE', id: 1 }),
      cancel: () => peer.say({ type: 'CANCEL_FILE', id: 1 }),
      data: () => {
        peer.say({ type: 'FILE_DATA', id: 1, offset, bytes: new Uint8Array(100) });
        offset += 100;
      },
      heldBack: () => peer.hearA('PAUSE_FILE'),
      letGo: () => peer.hearA('RESUME_FILE'),
    };
  };
  return { clock, limit, memory, controls, written, still, sender, offer };
}

describe('the seat of a transfer', () => {
  test('is for others while its sender pauses it, which loses nothing by that', async () => {
    const bytes = Uint8Array.from({ length: 3_000 }, (_, index) => index % 251);
    const { limit, memory, written, still, sender } = crowded();
    const pause = new PauseSwitch();
    const events: unknown[] = [];
    const paused = sender().sendFile(bytesSource('a', bytes), {
      pause,
      onEvent: (event) => events.push(event),
      onProgress: ({ stored }) => stored > 500 && events.length === 0 && pause.pause(),
    });
    await still();
    expect([limit.taken, events]).toEqual([0, [{ type: 'paused', by: 'local' }]]);
    await sender().sendFile(bytesSource('b', bytes));
    pause.resume();
    await paused;
    expect([...memory.files]).toEqual([
      ['b', bytes],
      ['a', bytes],
    ]);
    expect(written.get('a')).toBe(3_000);
    expect([limit.taken, limit.waiting]).toEqual([0, 0]);
  });

  test('is waited for again by a sender that goes on: it is held back until then, and nothing of it is written', async () => {
    const { controls, written, still, offer } = crowded();
    const a = offer('a');
    a.pause();
    await still();
    const b = offer('b');
    await still();
    expect(controls.has('b')).toBe(true);
    a.resume();
    // This was on the way.
    a.data();
    await a.heldBack();
    await still();
    expect(written.has('a')).toBe(false);
    b.cancel();
    await a.letGo();
    await still();
    expect(written.get('a')).toBe(100);
  });

  test('is needed also by who sends although it said that it would not', async () => {
    const { written, still, offer } = crowded();
    const a = offer('a');
    a.pause();
    await still();
    const b = offer('b');
    await still();
    a.data();
    await a.heldBack();
    await still();
    expect(written.has('a')).toBe(false);
    b.cancel();
    await a.letGo();
    await still();
    expect(written.get('a')).toBe(100);
  });

  test('is not had any sooner by pausing before the first turn', async () => {
    const { controls, limit, still, offer } = crowded();
    const a = offer('a');
    await still();
    const b = offer('b');
    b.pause();
    b.resume();
    b.pause();
    await still();
    expect([controls.has('b'), limit.waiting]).toEqual([false, 1]);
    a.cancel();
    await still();
    // It was taken, and is paused by now.
    expect([controls.has('b'), limit.taken]).toEqual([true, 0]);
  });

  test('is for others while the receiver pauses it, which tells the sender to go on when there is one again', async () => {
    const { controls, limit, still, offer } = crowded();
    const a = offer('a');
    await still();
    controls.get('a')!.pause();
    await a.heldBack();
    const b = offer('b');
    await still();
    expect(controls.has('b')).toBe(true);
    controls.get('a')!.resume();
    let on = false;
    const letGo = a.letGo().then(() => {
      on = true;
    });
    await still();
    expect([on, limit.waiting]).toEqual([false, 1]);
    b.cancel();
    await letGo;
    expect([limit.taken, limit.waiting]).toEqual([1, 0]);
  });

  test('goes, after a time without a byte, to others that wait', async () => {
    const { clock, controls, written, still, offer } = crowded();
    const a = offer('a');
    await still();
    // Nobody waits.
    clock.advance(10 * idleMs);
    const b = offer('b');
    for (let at = 0; at < 3 * idleMs; at += idleMs / 3) {
      a.data();
      await still();
      clock.advance(idleMs / 3);
    }
    expect(controls.has('b')).toBe(false);
    clock.advance(idleMs);
    await still();
    expect(controls.has('b')).toBe(true);
    const before = written.get('a');
    a.data();
    await a.heldBack();
    b.cancel();
    await a.letGo();
    await still();
    expect(written.get('a')).toBe(before! + 100);
  });

  test('is kept by one that has what it is to store: it is not the sender that is slow', async () => {
    const disk = deferred();
    const { clock, controls, still, offer } = crowded({ storing: disk.promise });
    const a = offer('a');
    a.data();
    await still();
    offer('b');
    await still();
    clock.advance(10 * idleMs);
    await still();
    expect(controls.has('b')).toBe(false);
    disk.resolve();
    await still();
    clock.advance(2 * idleMs);
    await still();
    expect(controls.has('b')).toBe(true);
  });

  test('that is waited for again is not waited for any more by one that ends', async () => {
    const { limit, still, offer } = crowded();
    const a = offer('a');
    a.pause();
    await still();
    const b = offer('b');
    await still();
    a.resume();
    a.data();
    await still();
    expect(limit.waiting).toBe(1);
    a.cancel();
    await still();
    expect([limit.taken, limit.waiting]).toEqual([1, 0]);
    b.cancel();
    await still();
    expect([limit.taken, limit.waiting]).toEqual([0, 0]);
  });
});
