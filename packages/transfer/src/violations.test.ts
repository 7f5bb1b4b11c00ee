import { describe, expect, test } from 'vitest';
import { RawPeer } from '../test/raw-peer.ts';
import {
  type Accept,
  bytesSource,
  type FileSink,
  MAX_VIOLATIONS,
  memoryReceiver,
  openSession,
  type Packet,
  pipePair,
  type SessionOptions,
} from './index.ts';

const md5OfAbc = '900150983cd24fb0d6963f7d28e17f72';
const data = (id: number, offset: number, text: string): Packet => ({
  type: 'FILE_DATA',
  id,
  offset,
  bytes: new TextEncoder().encode(text),
});

/** A session that receives, and a peer that may send it anything. */
function receiving(options: Partial<SessionOptions> = {}) {
  const [near, far] = pipePair();
  const memory = memoryReceiver();
  const discards: (boolean | undefined)[] = [];
  const accept: Accept = async (offer, control) => {
    const { sink } = await memory.accept(offer, control);
    const discard: FileSink['discard'] = async (how) => {
      discards.push(how?.keepPartial);
    };
    return { sink: { ...sink, discard } };
  };
  const session = openSession(far, { role: 'acceptor', accept, ...options });
  return { peer: new RawPeer(near), near, far, session, files: memory.files, discards };
}

async function sendsAGoodFile(peer: RawPeer, id: number): Promise<void> {
  peer.say({ type: 'NEW_FILE', id, name: `good-${id}` });
  expect(await peer.hearA('ACK_NEW_FILE')).toMatchObject({ id, code: 'OK' });
  peer.say(data(id, 0, 'abc'), { type: 'FILE_END', id, md5: md5OfAbc });
  expect(await peer.hearA('ACK_FILE_END')).toMatchObject({ id, code: 'OK', name: `good-${id}`, size: 3 });
}

describe('a receiver', () => {
  test('serves a minimal peer: five packets, required fields only, acknowledgements of data ignored', async () => {
    const { peer, files } = receiving();
    await sendsAGoodFile(peer, 1);
    expect(files.get('good-1')).toEqual(new TextEncoder().encode('abc'));
  });

  test.each([
    ['text that is no JSON', 'hello', 'BAD_PACKET'],
    ['a missing name', '{"type":"NEW_FILE","id":7}', 'BAD_PACKET'],
    ['a type nobody knows', '{"type":"NEWER_FILE"}', 'UNKNOWN_TYPE'],
    ['binary of another kind', new Uint8Array(20).fill(9), 'UNKNOWN_TYPE'],
    [
      'data for an id that was never offered',
      Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 99, ...new Array(8).fill(0)),
      'UNKNOWN_TRANSFER',
    ],
    ['an end for an id that was never offered', `{"type":"FILE_END","id":99,"md5":"${md5OfAbc}"}`, 'UNKNOWN_TRANSFER'],
    ['an answer to an offer we never made', '{"type":"ACK_NEW_FILE","id":2,"code":"OK"}', 'UNKNOWN_TRANSFER'],
    ['an id of our own parity', '{"type":"NEW_FILE","id":4,"name":"a"}', 'BAD_PACKET'],
  ])('answers %s with ERROR and serves the next file', async (_what, message, code) => {
    const { peer } = receiving();
    peer.say(message);
    expect(await peer.hear()).toMatchObject({ type: 'ERROR', code });
    await sendsAGoodFile(peer, 1);
  });

  test.each([
    ['data at a wrong offset', [data(1, 0, 'ab'), data(1, 7, 'c')]],
    ['data that starts over in the middle', [data(1, 0, 'ab'), data(1, 0, 'abc')]],
    ['data after the end', [{ type: 'FILE_END', id: 1, md5: md5OfAbc }, data(1, 0, 'c')]],
    ['the same id twice', [{ type: 'NEW_FILE', id: 1, name: 'b' }]],
    ['a malformed packet with its id', ['{"type":"FILE_END","id":1}']],
  ] as [string, (Packet | string)[]][])('fails the transfer on %s with BAD_PACKET', async (_what, packets) => {
    const { peer, files, discards } = receiving();
    peer.say({ type: 'NEW_FILE', id: 1, name: 'a' });
    await peer.hearA('ACK_NEW_FILE');
    peer.say(...packets);
    expect(await peer.hearA('ERROR')).toMatchObject({ code: 'BAD_PACKET', id: 1 });
    await sendsAGoodFile(peer, 3);
    expect(discards).toHaveLength(1);
    expect([...files.keys()]).toEqual(['good-3']);
  });

  test('data before the answer to the offer is BAD_PACKET', async () => {
    const { peer } = receiving({ accept: () => new Promise(() => {}) });
    peer.say({ type: 'NEW_FILE', id: 1, name: 'a' }, data(1, 0, 'abc'));
    expect(await peer.hear()).toMatchObject({ type: 'ERROR', code: 'BAD_PACKET', id: 1 });
  });

  test.each([
    ['more bytes than declared', [data(1, 0, 'abcd')]],
    ['more bytes in the second packet', [data(1, 0, 'ab'), data(1, 2, 'cd')]],
    ['fewer bytes than declared', [data(1, 0, 'ab'), { type: 'FILE_END', id: 1, md5: md5OfAbc }]],
  ] as [string, Packet[]][])('answers %s with SIZE_MISMATCH and removes what came', async (_what, packets) => {
    const { peer, files, discards } = receiving();
    peer.say({ type: 'NEW_FILE', id: 1, name: 'a', size: 3 });
    await peer.hearA('ACK_NEW_FILE');
    peer.say(...packets);
    expect(await peer.hearA('ACK_FILE_END')).toMatchObject({ id: 1, code: 'SIZE_MISMATCH' });
    peer.say(data(1, 2, 'late'));
    await sendsAGoodFile(peer, 3);
    expect(discards).toEqual([false]);
    expect([...files.keys()]).toEqual(['good-3']);
  });

  test('answers a wrong MD5 with DIGEST_MISMATCH and removes what came', async () => {
    const { peer, files, discards } = receiving();
    peer.say({ type: 'NEW_FILE', id: 1, name: 'a' });
    await peer.hearA('ACK_NEW_FILE');
    peer.say(data(1, 0, 'abd'), { type: 'FILE_END', id: 1, md5: md5OfAbc });
    expect(await peer.hearA('ACK_FILE_END')).toMatchObject({ id: 1, code: 'DIGEST_MISMATCH' });
    await sendsAGoodFile(peer, 3);
    expect(discards).toEqual([false]);
    expect(files.has('a')).toBe(false);
  });

  test('takes an MD5 in capitals', async () => {
    const { peer } = receiving();
    peer.say({ type: 'NEW_FILE', id: 1, name: 'a' });
    await peer.hearA('ACK_NEW_FILE');
    peer.say(data(1, 0, 'abc'), { type: 'FILE_END', id: 1, md5: md5OfAbc.toUpperCase() });
    expect(await peer.hearA('ACK_FILE_END')).toMatchObject({ code: 'OK' });
  });

  test('refuses one more than maxTransfers with TOO_MANY_TRANSFERS', async () => {
    const { peer } = receiving({ maxTransfers: 2 });
    for (const id of [1, 3, 5]) peer.say({ type: 'NEW_FILE', id, name: `f${id}` });
    const codes = new Map<number, string>();
    while (codes.size < 3) {
      const { id, code } = await peer.hearA('ACK_NEW_FILE');
      codes.set(id, code);
    }
    expect([...codes].sort()).toEqual([
      [1, 'OK'],
      [3, 'OK'],
      [5, 'TOO_MANY_TRANSFERS'],
    ]);
  });

  test(`closes with 1008 after ${MAX_VIOLATIONS} violations`, async () => {
    const { peer, near, session } = receiving();
    for (let count = 1; count <= MAX_VIOLATIONS; count += 1) peer.say('{');
    await session.closed;
    expect(near.closeCode).toBe(1008);
  });

  test('never answers an ERROR', async () => {
    const { peer } = receiving();
    peer.say({ type: 'ERROR', code: 'WHO_KNOWS', message: '' }, { type: 'ERROR', code: 'X', message: '', id: 12 });
    peer.say('{');
    expect(await peer.hear()).toMatchObject({ type: 'ERROR', code: 'BAD_PACKET' });
  });
});

describe('a sender', () => {
  function sending() {
    const [near, far] = pipePair();
    const session = openSession(near, { role: 'opener' });
    const result = session.sendFile(bytesSource('a', new TextEncoder().encode('abc')));
    const outcome = result.then(
      () => 'stored',
      (error) => error,
    );
    return { peer: new RawPeer(far), outcome };
  }

  test.each([
    ['an unknown code', { type: 'ACK_NEW_FILE', id: 1, code: 'LATER' }, 'INTERNAL', 'peer'],
    ['a refusal', { type: 'ACK_NEW_FILE', id: 1, code: 'NO_SPACE', message: 'full' }, 'NO_SPACE', 'peer'],
    ['an ERROR about its transfer', { type: 'ERROR', id: 1, code: 'BAD_PACKET', message: 'm' }, 'BAD_PACKET', 'peer'],
    ['a verdict before the end', { type: 'ACK_FILE_END', id: 1, code: 'OK' }, 'BAD_PACKET', 'local'],
    ['an acknowledgement of nothing', { type: 'ACK_FILE_DATA', id: 1, stored: 0 }, 'BAD_PACKET', 'local'],
  ] as [string, Packet, string, string][])('that hears %s rejects', async (_what, packet, code, side) => {
    const { peer, outcome } = sending();
    await peer.hearA('NEW_FILE');
    peer.say(packet);
    expect(await outcome).toMatchObject({ code, side });
  });

  test('that hears more acknowledged than it sent rejects with BAD_PACKET', async () => {
    const { peer, outcome } = sending();
    await peer.hearA('NEW_FILE');
    peer.say({ type: 'ACK_NEW_FILE', id: 1, code: 'OK' });
    await peer.hearA('FILE_DATA');
    peer.say({ type: 'ACK_FILE_DATA', id: 1, stored: 4 });
    expect(await outcome).toMatchObject({ code: 'BAD_PACKET', side: 'local' });
  });

  test('works with a minimal receiver that never grants credit', async () => {
    const { peer, outcome } = sending();
    await peer.hearA('NEW_FILE');
    peer.say('{"type":"ACK_NEW_FILE","id":1,"code":"OK"}');
    expect(await peer.hearA('FILE_END')).toEqual({ type: 'FILE_END', id: 1, md5: md5OfAbc });
    peer.say('{"type":"ACK_FILE_END","id":1,"code":"OK"}');
    expect(await outcome).toBe('stored');
  });
});
