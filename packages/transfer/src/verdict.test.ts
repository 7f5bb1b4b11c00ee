import { describe, expect, test } from 'vitest';
import { RawPeer } from '../test/raw-peer.ts';
import { bytesSource, memoryReceiver, openSession, pipePair } from './index.ts';

describe('a sender whose file is acknowledged', () => {
  const size = 700_000;

  /** A receiver that takes everything without reading it, and says at the end that it stored `claimed` bytes. */
  async function acknowledged(claimed: number | undefined) {
    const [near, far] = pipePair();
    const sending = openSession(near, { role: 'opener' }).sendFile(bytesSource('a', new Uint8Array(size)));
    const peer = new RawPeer(far);
    peer.say({ type: 'ACK_NEW_FILE', id: (await peer.hearA('NEW_FILE')).id, code: 'OK' });
    const { id } = await peer.hearA('FILE_END');
    peer.say({ type: 'ACK_FILE_END', id, code: 'OK', size: claimed });
    return { sending, peer };
  }

  test('with another size than it sent: SIZE_MISMATCH, for what is there is not the file', async () => {
    const { sending } = await acknowledged(1);
    await expect(sending).rejects.toMatchObject({
      code: 'SIZE_MISMATCH',
      side: 'local',
      message: 'the receiver says that it stored 1 bytes, but 700000 were sent',
    });
  });

  test.each([undefined, size])('with the size %s: it is stored', async (claimed) => {
    const { sending } = await acknowledged(claimed);
    expect(await sending).toMatchObject({ name: 'a', size });
  });
});

describe('a digest that does not fit', () => {
  const abc = new TextEncoder().encode('abc');
  const wrong = '0'.repeat(32);

  /** What a sender hears that ends with a wrong digest, after `bytes`, from a receiver that held `held` before. */
  async function judged(bytes: Uint8Array, held?: Uint8Array) {
    const [near, far] = pipePair();
    const memory = memoryReceiver();
    openSession(far, {
      role: 'acceptor',
      accept: async (offer, control) => {
        const accepted = await memory.accept(offer, control);
        if (held === undefined) return accepted;
        await accepted.sink.write(held);
        return { ...accepted, offset: held.length, prefixDigest: wrong };
      },
    });
    const peer = new RawPeer(near);
    peer.say({ type: 'NEW_FILE', id: 1, name: 'a' });
    await peer.hearA('ACK_NEW_FILE');
    if (bytes.length > 0) peer.say({ type: 'FILE_DATA', id: 1, offset: held?.length ?? 0, bytes });
    peer.say({ type: 'FILE_END', id: 1, md5: wrong });
    return peer.hearA('ACK_FILE_END');
  }

  test('what arrived was removed, and the sender is told so', async () => {
    expect(await judged(abc)).toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: `the source has the MD5 ${wrong}, but what arrived has 900150983cd24fb0d6963f7d28e17f72; it was removed`,
    });
  });

  test('where nothing arrived but was there already, nobody claims to have removed it', async () => {
    const { code, message } = await judged(new Uint8Array(0), abc);
    expect(code).toBe('DIGEST_MISMATCH');
    expect(message).toContain('what was there already has 900150983cd24fb0d6963f7d28e17f72');
    expect(message).not.toContain('removed');
  });
});
