import { describe, expect, test } from 'vitest';
import { RawPeer } from '../test/raw-peer.ts';
import {
  bytesSource,
  type FileSource,
  type MemoryReceiverOptions,
  memoryReceiver,
  type OnConflict,
  openSession,
  pipePair,
  type TransferError,
} from './index.ts';

const old = Uint8Array.of(1, 2, 3);
const fresh = Uint8Array.of(4, 5, 6);
const other = Uint8Array.of(7);

function connected(options: MemoryReceiverOptions = {}) {
  const [near, far] = pipePair();
  const memory = memoryReceiver(options);
  memory.files.set('a.txt', old);
  memory.files.set('docs/a.txt', old);
  openSession(far, { role: 'acceptor', accept: memory.accept });
  const session = openSession(near, { role: 'opener' });
  const send = (bytes: Uint8Array, onConflict?: OnConflict, more: Partial<FileSource> = {}) =>
    session.sendFile({ ...bytesSource('a.txt', bytes), ...more }, { onConflict }).then(
      ({ name, existing }) => (existing ? `existing ${name}` : name),
      (error: TransferError) => error.code,
    );
  return { near, memory, send };
}

describe('a name that is taken', () => {
  // The receiver finds the one at the offer, by its size, the other when its sender says that it has other bytes.
  test.each([
    ['of another size', other],
    ['of that size', fresh],
  ])('by a file %s is a case for the wish', async (_name, bytes) => {
    const { send, memory } = connected();
    expect(await send(bytes, 'fail')).toBe('EXISTS');
    expect(await send(bytes, 'skip')).toBe('SKIPPED');
    expect(memory.files.get('a.txt')).toEqual(old);
    expect(await send(bytes, 'rename')).toBe('a (1).txt');
    expect(await send(bytes, 'rename', { folder: ['docs'] })).toBe('a (1).txt');
    expect(memory.files.get('a (1).txt')).toEqual(bytes);
    expect(memory.files.get('docs/a (1).txt')).toEqual(bytes);
    expect(await send(bytes, 'overwrite')).toBe('a.txt');
    expect(memory.files.get('a.txt')).toEqual(bytes);
    expect(memory.partials.size).toBe(0);
  });

  test.each(['rename', 'overwrite', 'skip', 'fail'] as const)(
    'by the identical file is none, with %s',
    async (wish) => {
      const { send, memory } = connected();
      expect(await send(old, wish)).toBe('existing a.txt');
      expect(await send(old, wish, { size: undefined })).toBe(
        { rename: 'existing a.txt', overwrite: 'existing a.txt', skip: 'SKIPPED', fail: 'EXISTS' }[wish],
      );
      expect([...memory.files.keys()]).toEqual(['a.txt', 'docs/a.txt']);
    },
  );

  test('without a wish is what the receiver is set to', async () => {
    expect(await connected().send(other)).toBe('EXISTS');
    expect(await connected({ onConflict: 'rename' }).send(other)).toBe('a (1).txt');
    expect(await connected({ onConflict: 'skip' }).send(other)).toBe('SKIPPED');
  });

  test('with a wish that is not allowed is FORBIDDEN, whether the name is taken or not', async () => {
    const { send } = connected({ onConflict: 'rename', allowed: ['skip'] });
    expect(await send(other, 'overwrite')).toBe('FORBIDDEN');
    expect(await send(other, 'overwrite', { name: 'free' })).toBe('FORBIDDEN');
    expect(await send(other, 'skip')).toBe('SKIPPED');
    expect(await send(other, 'rename')).toBe('a (1).txt');
  });

  test('with a wish that nobody knows is as without', async () => {
    const [near, far] = pipePair();
    const { accept } = memoryReceiver();
    const wishes: unknown[] = [];
    openSession(far, {
      role: 'acceptor',
      accept: (offer, control) => {
        wishes.push(offer.onConflict);
        return accept(offer, control);
      },
    });
    const peer = new RawPeer(near);
    for (const [index, onConflict] of ['replace', 'RENAME', '', 'toString', 'skip'].entries()) {
      peer.say({ type: 'NEW_FILE', id: 2 * index + 1, name: `${index}`, onConflict });
      expect(await peer.hear()).toMatchObject({ type: 'ACK_NEW_FILE', code: 'OK' });
    }
    expect(wishes).toEqual([undefined, undefined, undefined, undefined, 'skip']);
  });

  test('by one that came meanwhile: the first to finish has the name, and nothing is lost', async () => {
    const { send, memory } = connected();
    const names = await Promise.all(
      [1, 2, 3].map((byte) => send(new Uint8Array(5).fill(byte), 'rename', { name: 'new' })),
    );
    expect(names.sort()).toEqual(['new', 'new (1)', 'new (2)']);
    expect(memory.files.size).toBe(5);
    const outcomes = await Promise.all(
      [1, 2, 3].map((byte) => send(new Uint8Array(5).fill(byte), 'skip', { name: 'b' })),
    );
    expect(outcomes.sort()).toEqual(['SKIPPED', 'SKIPPED', 'b']);
  });
});
