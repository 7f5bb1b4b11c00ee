import { describe, expect, test } from 'vitest';
import { RawPeer } from '../test/raw-peer.ts';
import {
  type Accept,
  bytesSource,
  type FileSink,
  memoryReceiver,
  openSession,
  type Packet,
  pipePair,
} from './index.ts';

describe('a resume', () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, index) => index % 251);
  const md5 = async (part: Uint8Array) =>
    (await bytesSource('x', part).open({ start: 0, chunkBytes: 1, algorithm: 'md5' })).digest();

  /** A receiver that says it holds `prefix` already, and tells what it was asked to do. */
  async function resume(prefix: Uint8Array, source: Uint8Array, prefixDigest?: string) {
    const [near, far] = pipePair();
    const memory = memoryReceiver();
    const calls: string[] = [];
    const accept: Accept = async (offer, control) => {
      const { sink } = await memory.accept(offer, control);
      await sink.write(prefix);
      const watched: FileSink = {
        ...sink,
        write: (part) => {
          calls.push(`write ${part.length}`);
          return sink.write(part);
        },
        restart: () => {
          calls.push('restart');
          return sink.restart();
        },
      };
      return { sink: watched, offset: prefix.length, prefixDigest: prefixDigest ?? (await md5(prefix)) };
    };
    openSession(far, { role: 'acceptor', accept });
    const stored = await openSession(near, { role: 'opener' }).sendFile(bytesSource('a', source));
    expect(stored).toMatchObject({ size: source.length, digest: await md5(source) });
    expect(memory.files.get('a')).toEqual(source);
    return calls;
  }

  test('that is proven sends only the rest', async () => {
    expect(await resume(bytes.subarray(0, 400), bytes)).toEqual(['write 600']);
  });
  test('of a file that is there whole sends nothing', async () => {
    expect(await resume(bytes, bytes)).toEqual([]);
  });
  test('of another file starts over', async () => {
    expect(await resume(new Uint8Array(400), bytes)).toEqual(['restart', 'write 1000']);
  });
  test('whose digest is another file starts over, even as long as the source', async () => {
    expect(await resume(new Uint8Array(1000), bytes)).toEqual(['restart', 'write 1000']);
  });
  test('that holds more than the source has starts over', async () => {
    expect(await resume(new Uint8Array(2000), bytes)).toEqual(['restart', 'write 1000']);
  });
  test('that starts over with an empty file says so with an empty FILE_DATA', async () => {
    expect(await resume(new Uint8Array(10), new Uint8Array(0))).toEqual(['restart']);
  });
  test('that the sender does not understand starts over', async () => {
    const [near, far] = pipePair();
    const { accept } = memoryReceiver();
    openSession(far, {
      role: 'acceptor',
      accept: async (offer, control) => ({ ...(await accept(offer, control)), offset: 7, prefixDigest: 'ab' }),
    });
    const peer = new RawPeer(near);
    peer.say({ type: 'NEW_FILE', id: 1, name: 'a' });
    expect(await peer.hearA('ACK_NEW_FILE')).toMatchObject({ offset: 7 });
    const packets: Packet[] = [
      { type: 'FILE_DATA', id: 1, offset: 0, bytes },
      { type: 'FILE_END', id: 1, md5: await md5(bytes) },
    ];
    peer.say(...packets);
    expect(await peer.hearA('ACK_FILE_END')).toMatchObject({ code: 'OK', size: 1000 });
  });
});
