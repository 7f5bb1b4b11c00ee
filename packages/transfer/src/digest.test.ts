import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { RawPeer } from '../test/raw-peer.ts';
import {
  type Accept,
  type Arrival,
  ArrivalBoard,
  bytesSource,
  memoryReceiver,
  openSession,
  type Packet,
  pipePair,
} from './index.ts';

const abc = new TextEncoder().encode('abc');
const md5 = createHash('md5').update(abc).digest('hex');
const sha256 = createHash('sha256').update(abc).digest('hex');

describe('a sender that offers sha256', () => {
  test('and a receiver that can do it: that is what both compare, and what is told', async () => {
    const [near, far] = pipePair();
    const board = new ArrivalBoard({ now: () => 7 });
    openSession(far, { role: 'acceptor', accept: memoryReceiver().accept, board });
    const stored = await openSession(near, { role: 'opener' }).sendFile(bytesSource('a', abc), { digest: 'sha256' });
    expect(stored).toMatchObject({ digest: sha256, algorithm: 'sha256' });
    const heard: Arrival[] = [];
    board.subscribe({ onArrived: (arrival) => heard.push(arrival) }, 1);
    expect(heard).toEqual([{ name: 'a', size: 3, sha256, at: 7 }]);
  });

  test('and a peer of five packets, which has never heard of it: MD5', async () => {
    const [near, far] = pipePair();
    const sending = openSession(near, { role: 'opener' }).sendFile(bytesSource('a', abc), { digest: 'sha256' });
    const peer = new RawPeer(far);
    expect(await peer.hear()).toMatchObject({ type: 'NEW_FILE', digest: 'sha256' });
    peer.say({ type: 'ACK_NEW_FILE', id: 1, code: 'OK' });
    expect(await peer.hearA('FILE_END')).toEqual({ type: 'FILE_END', id: 1, md5 });
    peer.say({ type: 'ACK_FILE_END', id: 1, code: 'OK' });
    expect(await sending).toMatchObject({ digest: md5, algorithm: 'md5' });
  });

  test('and a prefix that the receiver holds: it is proven in sha256', async () => {
    const [near, far] = pipePair();
    void openSession(near, { role: 'opener' }).sendFile(bytesSource('a', abc), { digest: 'sha256' });
    const peer = new RawPeer(far);
    const { id } = await peer.hearA('NEW_FILE');
    const prefixDigest = createHash('sha256').update('ab').digest('hex');
    peer.say({ type: 'ACK_NEW_FILE', id, code: 'OK', offset: 2, prefixDigest, digest: 'sha256' });
    expect(await peer.hearA('FILE_DATA')).toMatchObject({ offset: 2 });
    expect(await peer.hearA('FILE_END')).toEqual({ type: 'FILE_END', id, sha256 });
  });
});

test('a sender that offers only MD5 says nothing of digests, and a receiver that chooses sha256 breaks the rules', async () => {
  const [near, far] = pipePair();
  const sending = openSession(near, { role: 'opener' }).sendFile(bytesSource('a', abc));
  const peer = new RawPeer(far);
  expect(await peer.hear()).not.toHaveProperty('digest');
  peer.say({ type: 'ACK_NEW_FILE', id: 1, code: 'OK', digest: 'sha256' });
  expect(await peer.hear()).toMatchObject({ type: 'ERROR', code: 'BAD_PACKET', id: 1 });
  await expect(sending).rejects.toMatchObject({ code: 'BAD_PACKET' });
});

describe('a receiver', () => {
  async function answers(accept: Accept, offered: 'sha256' | undefined, ...packets: Packet[]) {
    const [near, far] = pipePair();
    openSession(far, { role: 'acceptor', accept });
    const peer = new RawPeer(near);
    peer.say({ type: 'NEW_FILE', id: 1, name: 'a', digest: offered });
    const first = await peer.hearA('ACK_NEW_FILE');
    peer.say({ type: 'FILE_DATA', id: 1, offset: 0, bytes: abc }, ...packets);
    return { first, peer };
  }

  test('whose accept can do only MD5 does not name sha256 back, and takes MD5', async () => {
    const { accept } = memoryReceiver();
    const end: Packet = { type: 'FILE_END', id: 1, md5, sha256 };
    const { first, peer } = await answers(({ digest: _, ...offer }, control) => accept(offer, control), 'sha256', end);
    expect(first).not.toHaveProperty('digest');
    expect(await peer.hearA('ACK_FILE_END')).toMatchObject({ code: 'OK' });
  });

  test('that agreed on sha256 takes no MD5 for it', async () => {
    const { accept } = memoryReceiver();
    const { first, peer } = await answers(accept, 'sha256', { type: 'FILE_END', id: 1, md5 });
    expect(first).toMatchObject({ code: 'OK', digest: 'sha256' });
    expect(await peer.hearA('ERROR')).toMatchObject({ code: 'BAD_PACKET', id: 1 });
  });

  test('that agreed on sha256 refuses what has another one, by name', async () => {
    const { accept, files } = memoryReceiver();
    const { peer } = await answers(accept, 'sha256', { type: 'FILE_END', id: 1, sha256: '0'.repeat(64) });
    const { code, message } = await peer.hearA('ACK_FILE_END');
    expect(code).toBe('DIGEST_MISMATCH');
    expect(message).toBe(`the source has the SHA256 ${'0'.repeat(64)}, but what arrived has ${sha256}; it was removed`);
    expect(files.size).toBe(0);
  });

  test('whose accept names a digest that nobody offered fails the transfer with INTERNAL', async () => {
    const { accept } = memoryReceiver();
    const { first } = await answers(
      async (...offered) => ({ ...(await accept(...offered)), digest: 'sha256' }),
      undefined,
    );
    expect(first).toMatchObject({ code: 'INTERNAL' });
  });
});
