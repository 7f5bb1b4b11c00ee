import { describe, expect, test } from 'vitest';
import { RawPeer } from '../test/raw-peer.ts';
import {
  type Accept,
  lateData,
  MAX_VIOLATIONS,
  memoryReceiver,
  openSession,
  parsePacket,
  pipePair,
  type SessionOptions,
  TransferError,
  wouldTake,
} from './index.ts';

function connected(options: Partial<SessionOptions> = {}) {
  const [near, far] = pipePair();
  const memory = memoryReceiver();
  const receiver = openSession(far, { role: 'acceptor', accept: memory.accept, ...options });
  return { near, far, receiver, sender: openSession(near, { role: 'opener' }), files: memory.files };
}

describe('a probe', () => {
  test('is answered by either side, with the time it took', async () => {
    const { sender, receiver } = connected();
    expect(await sender.probe()).toBeGreaterThanOrEqual(0);
    expect(await receiver.probe()).toBeGreaterThanOrEqual(0);
  });

  test('is answered after all that came before it', async () => {
    const [near, far] = pipePair();
    openSession(far, { role: 'acceptor' });
    const peer = new RawPeer(near);
    peer.say('no packet', { type: 'PROBE', probe: 7 }, 'no packet');
    expect(await peer.hear()).toMatchObject({ type: 'ERROR' });
    expect(await peer.hear()).toEqual({ type: 'ACK_PROBE', probe: 7 });
    expect(await peer.hear()).toMatchObject({ type: 'ERROR' });
  });

  test('tells of the program when that is asked for, and only then', async () => {
    const about = { software: 'ferry/1.2.3' };
    const { sender } = connected({ about });
    expect(await sender.about()).toEqual(about);
    expect(await connected().sender.about()).toEqual({});
    const [near, far] = pipePair();
    openSession(far, { role: 'acceptor', about });
    const peer = new RawPeer(near);
    peer.say({ type: 'PROBE', probe: 1 }, { type: 'PROBE', probe: 2, about: true });
    expect([await peer.hear(), await peer.hear()]).toEqual([
      { type: 'ACK_PROBE', probe: 1 },
      { type: 'ACK_PROBE', probe: 2, about },
    ]);
  });

  test('to a peer that does not know it is UNKNOWN_TYPE, and the next one is another', async () => {
    const [near, far] = pipePair();
    const session = openSession(near, { role: 'opener' });
    const old = new RawPeer(far);
    const [first, second] = [session.probe(), session.probe()];
    await old.hear();
    old.say({ type: 'ERROR', code: 'UNKNOWN_TYPE', message: 'no packet has the type "PROBE"' });
    await expect(first).rejects.toMatchObject({ code: 'UNKNOWN_TYPE', side: 'peer' });
    const packet = await old.hear();
    if (packet?.type !== 'PROBE') throw new Error(`expected PROBE, got ${packet?.type}`);
    // Not about a probe: an id says which transfer it was, another code what else was wrong.
    old.say({ type: 'ERROR', code: 'UNKNOWN_TYPE', message: 'x', id: 4 });
    old.say({ type: 'ERROR', code: 'FORBIDDEN', message: 'there is nothing to watch here' });
    old.say({ type: 'ACK_PROBE', probe: packet.probe });
    expect(await second).toBeGreaterThanOrEqual(0);
  });

  test('that nobody answers rejects when the connection ends, and so does every later one', async () => {
    const [near, far] = pipePair();
    const session = openSession(near, { role: 'opener' });
    const probe = session.probe();
    far.close(1001, 'bye');
    await expect(probe).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    await session.closed;
    await expect(session.probe()).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    await expect(session.about()).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  });

  test('rejects with the reason of its signal, before and while it waits', async () => {
    const [near, far] = pipePair();
    const session = openSession(near, { role: 'opener' });
    await expect(session.probe({ signal: AbortSignal.abort('early') })).rejects.toBe('early');
    const controller = new AbortController();
    const probe = session.about({ signal: controller.signal });
    const late = new RawPeer(far);
    expect(await late.hear()).toMatchObject({ type: 'PROBE', probe: 1, about: true });
    controller.abort('late');
    await expect(probe).rejects.toBe('late');
    // The peer does not know the packet, and says so twice: the first word is not about the second probe.
    const next = session.probe();
    late.say({ type: 'ERROR', code: 'UNKNOWN_TYPE', message: 'x' }, { type: 'ACK_PROBE', probe: 2 });
    expect(await next).toBeGreaterThanOrEqual(0);
  });

  test('that was answered already, or never asked, is no violation', async () => {
    const [near, far] = pipePair();
    openSession(far, { role: 'acceptor' });
    const peer = new RawPeer(near);
    for (let probe = 1; probe <= 2 * MAX_VIOLATIONS; probe++) peer.say({ type: 'ACK_PROBE', probe });
    peer.say({ type: 'PROBE', probe: 1 });
    expect(await peer.hear()).toEqual({ type: 'ACK_PROBE', probe: 1 });
  });

  test.each<[string, unknown]>([
    ['no object', 'ferry'],
    ['a number in it', { version: 1 }],
    ['too much', { software: 'x'.repeat(1000) }],
  ])('about with %s is refused', (_, about) => {
    const options = { role: 'opener', about } as SessionOptions;
    expect(() => openSession(pipePair()[0], options)).toThrow(RangeError);
  });
});

describe('wouldTake', () => {
  test('says yes, and nothing is stored', async () => {
    const discarded: string[] = [];
    const memory = memoryReceiver();
    const accept: Accept = async (offer, control) => {
      const { sink } = await memory.accept(offer, control);
      return { sink: { ...sink, discard: async () => void discarded.push(offer.name) } };
    };
    const { sender, receiver, files } = connected({ accept });
    expect(await wouldTake(sender, { name: 'a', size: 3 })).toBeUndefined();
    expect(await wouldTake(sender, { name: 'b' })).toBeUndefined();
    await sender.close();
    await receiver.closed;
    expect(discarded).toEqual(['a', 'b']);
    expect(files.size).toBe(0);
  });

  test.each<[string, Partial<SessionOptions>, { name: string; size?: number }]>([
    ['FORBIDDEN', { accept: undefined }, { name: 'a' }],
    ['TOO_LARGE', { maxFileBytes: 2 }, { name: 'a', size: 3 }],
    ['BAD_NAME', {}, { name: 'a/b' }],
    ['NO_SPACE', { accept: () => Promise.reject(new TransferError('NO_SPACE')) }, { name: 'a' }],
  ])('says no with the code of the refusal: %s', async (code, options, offer) => {
    expect(await wouldTake(connected(options).sender, offer)).toMatchObject({ code, side: 'peer' });
  });

  test('gives up with the reason of its signal when the offer has to wait, and takes it back', async () => {
    const [near, far] = pipePair();
    const session = openSession(near, { role: 'opener' });
    await expect(wouldTake(session, { name: 'a' }, { signal: AbortSignal.abort('early') })).rejects.toBe('early');
    const controller = new AbortController();
    const asking = wouldTake(session, { name: 'a' }, { signal: controller.signal });
    const busy = new RawPeer(far);
    expect(await busy.hear()).toMatchObject({ type: 'NEW_FILE', id: 1 });
    controller.abort('late');
    await expect(asking).rejects.toBe('late');
    expect(await busy.hear()).toMatchObject({ type: 'CANCEL_FILE', id: 1 });
  });

  test('rejects when the connection ends first', async () => {
    const { sender, far } = connected({ accept: () => new Promise(() => {}) });
    const asking = wouldTake(sender, { name: 'a' });
    far.close();
    await expect(asking).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  });
});

test.each([16, 17, 262_160, 1_000_000])(
  'lateData of %i bytes is read and dropped, however often',
  async (byteLength) => {
    const { near, sender, files } = connected({ maxFileBytes: 10 });
    await wouldTake(sender, { name: 'a', size: 3 });
    const message = lateData(byteLength);
    expect(message).toHaveLength(byteLength);
    expect(parsePacket(message)).toMatchObject({ type: 'FILE_DATA' });
    for (let i = 0; i <= MAX_VIOLATIONS; i++) near.send(message);
    expect(await sender.probe()).toBeGreaterThanOrEqual(0);
    expect(files.size).toBe(0);
  },
);
