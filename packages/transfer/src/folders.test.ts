import { describe, expect, test } from 'vitest';
import { deferred, RawPeer } from '../test/raw-peer.ts';
import {
  type AcceptFolder,
  bytesSource,
  type FolderOffer,
  memoryReceiver,
  openSession,
  pipePair,
  TransferError,
} from './index.ts';

function connected(acceptFolder: AcceptFolder | undefined, maxTransfers?: number) {
  const [near, far] = pipePair();
  const memory = memoryReceiver();
  const receiver = openSession(far, { role: 'acceptor', accept: memory.accept, acceptFolder, maxTransfers });
  return { sender: openSession(near, { role: 'opener' }), receiver, memory };
}

describe('a folder that is sent', () => {
  test('is made, with its time, after what lies in it; files and folders share their ids', async () => {
    const offers: FolderOffer[] = [];
    const { sender, memory } = connected(async (offer) => {
      offers.push(offer);
      return { name: `${offer.name}!` };
    });
    await sender.sendFile({ ...bytesSource('a', new Uint8Array(1)), folder: ['b', 'c'] });
    expect(await sender.sendFolder({ name: 'c', folder: ['b'], modified: 7 })).toEqual({ name: 'c!' });
    expect(await sender.sendFolder({ name: 'b' })).toEqual({ name: 'b!' });
    await sender.sendFile(bytesSource('d', new Uint8Array(1)));
    expect(offers).toEqual([
      { name: 'c', folder: ['b'], modified: 7 },
      { name: 'b', folder: [] },
    ]);
    expect([...memory.files.keys()]).toEqual(['b/c/a', 'd']);
  });

  test.each([
    ['to a side that takes none', undefined, 'a', 'FORBIDDEN'],
    ['with a bad name', async () => ({ name: 'a' }), '..', 'BAD_NAME'],
    ['whose name is a file', () => Promise.reject(new TransferError('EXISTS')), 'a', 'EXISTS'],
    ['where the disk fails', () => Promise.reject(new Error('io')), 'a', 'STORAGE_FAILED'],
  ] as [string, AcceptFolder | undefined, string, string][])('%s is refused', async (_name, accept, name, code) => {
    const { sender } = connected(accept);
    await expect(sender.sendFolder({ name })).rejects.toMatchObject({ code, side: 'peer' });
    await expect(sender.sendFolder({ name: 'x', folder: [name, name] })).rejects.toMatchObject({ code });
  });

  test('is not even said when its name is longer than any receiver takes', async () => {
    const { sender } = connected(async ({ name }) => ({ name }));
    await expect(sender.sendFolder({ name: 'x'.repeat(256) })).rejects.toMatchObject({
      code: 'BAD_NAME',
      side: 'local',
    });
  });

  test('can be given up; its answer is late then', async () => {
    const gate = deferred();
    const asked = deferred();
    const { sender } = connected(async ({ name }) => {
      asked.resolve();
      await gate.promise;
      return { name };
    });
    const controller = new AbortController();
    const sending = sender.sendFolder({ name: 'a' }, { signal: controller.signal });
    await asked.promise;
    controller.abort();
    await expect(sending).rejects.toMatchObject({ code: 'CANCELLED', side: 'local' });
    gate.resolve();
    expect(await sender.sendFolder({ name: 'b' })).toEqual({ name: 'b' });
  });

  test('ends with the session, which waits until it is made', async () => {
    const gate = deferred();
    const asked = deferred();
    let made = false;
    const { sender, receiver } = connected(async ({ name }) => {
      asked.resolve();
      await gate.promise;
      made = true;
      return { name };
    });
    const sending = sender.sendFolder({ name: 'a' });
    await asked.promise;
    await sender.close();
    await expect(sending).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    gate.resolve();
    await receiver.closed;
    expect(made).toBe(true);
    await expect(sender.sendFolder({ name: 'b' })).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
  });
});

describe('NEW_FOLDER', () => {
  test('above maxTransfers that are being made is refused; its id must rise, and is late afterwards', async () => {
    const [near, far] = pipePair();
    const gate = deferred();
    openSession(far, {
      role: 'acceptor',
      maxTransfers: 2,
      acceptFolder: async ({ name }) => {
        await gate.promise;
        return { name };
      },
    });
    const peer = new RawPeer(near);
    for (const id of [1, 3, 5]) peer.say({ type: 'NEW_FOLDER', id, name: 'a' });
    expect(await peer.hear()).toMatchObject({ type: 'ACK_NEW_FOLDER', id: 5, code: 'TOO_MANY_TRANSFERS' });
    gate.resolve();
    expect(await peer.hear()).toMatchObject({ id: 1, code: 'OK' });
    expect(await peer.hear()).toMatchObject({ id: 3, code: 'OK' });
    peer.say({ type: 'NEW_FOLDER', id: 5, name: 'a' });
    expect(await peer.hear()).toMatchObject({ type: 'ERROR', code: 'BAD_PACKET', id: 5 });
    peer.say({ type: 'NEW_FILE', id: 6, name: 'a' });
    expect(await peer.hear()).toMatchObject({ type: 'ERROR', code: 'BAD_PACKET', id: 6 });
    peer.say({ type: 'CANCEL_FILE', id: 3 }, { type: 'FILE_END', id: 3, md5: '0'.repeat(32) });
    peer.say({ type: 'PROBE', probe: 1 });
    expect(await peer.hear()).toMatchObject({ type: 'ACK_PROBE' });
  });

  test('that a peer does not know fails the folder with UNKNOWN_TYPE', async () => {
    const [near, far] = pipePair();
    const sending = openSession(near, { role: 'opener' }).sendFolder({ name: 'a' });
    const peer = new RawPeer(far);
    expect(await peer.hear()).toEqual({ type: 'NEW_FOLDER', id: 1, name: 'a' });
    peer.say({ type: 'ERROR', code: 'UNKNOWN_TYPE', message: 'what?', id: 1 });
    await expect(sending).rejects.toMatchObject({ code: 'UNKNOWN_TYPE', side: 'peer' });
  });

  test('that was never sent has no answer', async () => {
    const [near, far] = pipePair();
    openSession(near, { role: 'opener' });
    const peer = new RawPeer(far);
    peer.say({ type: 'ACK_NEW_FOLDER', id: 1, code: 'OK' });
    expect(await peer.hear()).toMatchObject({ type: 'ERROR', code: 'UNKNOWN_TRANSFER', id: 1 });
  });
});
