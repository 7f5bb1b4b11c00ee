import { describe, expect, test } from 'vitest';
import { RawPeer } from '../test/raw-peer.ts';
import { bytesSource, openSession, pipePair } from './index.ts';

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
