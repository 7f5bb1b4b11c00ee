import { describe, expect, test } from 'vitest';
import { deferred, RawPeer } from '../test/raw-peer.ts';
import { watchedReceiver } from '../test/watched-receiver.ts';
import { type Accept, bytesSource, openSession, pipePair, type TransferEvent } from './index.ts';

describe('a transfer is cancelled', () => {
  test('by the sender: the receiver hears it, keeps the partial file and serves the next', async () => {
    const [near, far] = pipePair();
    const wrote = deferred();
    const { accept, ends, files } = watchedReceiver((sink) => ({
      write: async (bytes) => {
        wrote.resolve();
        await sink.write(bytes);
      },
    }));
    const failed = deferred<TransferEvent>();
    const onTransfer = (event: TransferEvent) => {
      if (event.type === 'failed') failed.resolve(event);
    };
    openSession(far, { role: 'acceptor', accept, windowBytes: 1000, onTransfer });
    const sender = openSession(near, { role: 'opener', chunkBytes: 100 });
    const abort = new AbortController();
    const sending = sender.sendFile(bytesSource('a', new Uint8Array(1_000_000)), { signal: abort.signal });
    await wrote.promise;
    abort.abort();
    await expect(sending).rejects.toMatchObject({ code: 'CANCELLED', side: 'local' });
    expect(await failed.promise).toMatchObject({ name: 'a', code: 'CANCELLED' });
    expect(ends).toEqual(['kept']);
    await sender.sendFile(bytesSource('b', new Uint8Array(1)));
    expect([...files.keys()]).toEqual(['b']);
  });

  test('before it began: nothing is sent', async () => {
    const [near, far] = pipePair();
    const sender = openSession(near, { role: 'opener' });
    const signal = AbortSignal.abort();
    await expect(sender.sendFile(bytesSource('a', new Uint8Array(1)), { signal })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    expect(far.bufferedAmount + near.bufferedAmount).toBe(0);
  });

  test('in the turn in which it was called: nothing is sent, and its place is free again', async () => {
    const [near, far] = pipePair();
    const sender = openSession(near, { role: 'opener', maxTransfers: 1 });
    const abort = new AbortController();
    const sending = sender.sendFile(bytesSource('a', new Uint8Array(1)), { signal: abort.signal });
    abort.abort();
    await expect(sending).rejects.toMatchObject({ code: 'CANCELLED', side: 'local' });
    expect(near.bufferedAmount).toBe(0);
    const { accept, files } = watchedReceiver();
    openSession(far, { role: 'acceptor', accept });
    await sender.sendFile(bytesSource('b', new Uint8Array(1)));
    expect([...files.keys()]).toEqual(['b']);
  });

  test('while it waits for a place: it gives up its place in the line', async () => {
    const [near] = pipePair();
    const sender = openSession(near, { role: 'opener', maxTransfers: 1 });
    const first = sender.sendFile(bytesSource('a', new Uint8Array(1)));
    const abort = new AbortController();
    const second = sender.sendFile(bytesSource('b', new Uint8Array(1)), { signal: abort.signal });
    abort.abort();
    await expect(second).rejects.toMatchObject({ code: 'CANCELLED' });
    near.abort();
    await expect(first).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  });

  test('while it waits for a place: the one behind it gets the place', async () => {
    const [near, far] = pipePair();
    const { accept, files } = watchedReceiver();
    const sender = openSession(near, { role: 'opener', maxTransfers: 1 });
    const abort = new AbortController();
    const sending = [
      sender.sendFile(bytesSource('a', new Uint8Array(1))),
      sender.sendFile(bytesSource('b', new Uint8Array(1)), { signal: abort.signal }),
      sender.sendFile(bytesSource('c', new Uint8Array(1))),
    ];
    abort.abort();
    openSession(far, { role: 'acceptor', accept });
    await Promise.allSettled(sending);
    expect([...files.keys()]).toEqual(['a', 'c']);
  });

  test('by the receiver: the sender stops and rejects with what it said', async () => {
    const [near, far] = pipePair();
    const sender = openSession(near, { role: 'opener', chunkBytes: 10 });
    const sending = sender.sendFile(bytesSource('a', new Uint8Array(100)));
    const peer = new RawPeer(far);
    peer.say({ type: 'ACK_NEW_FILE', id: 1, code: 'OK', window: 20 });
    await peer.hearA('FILE_DATA');
    peer.say({ type: 'CANCEL_FILE', id: 1, message: 'enough' });
    await expect(sending).rejects.toMatchObject({ code: 'CANCELLED', side: 'peer', message: 'enough' });
  });

  test('while the receiver still decides: the sink that comes late is discarded', async () => {
    const [near, far] = pipePair();
    const { accept, ends } = watchedReceiver();
    const asked = deferred();
    const decide = deferred();
    const slow: Accept = async (...offered) => {
      asked.resolve();
      await decide.promise;
      return accept(...offered);
    };
    const receiver = openSession(far, { role: 'acceptor', accept: slow });
    const peer = new RawPeer(near);
    peer.say({ type: 'NEW_FILE', id: 1, name: 'a', size: 1 }, { type: 'CANCEL_FILE', id: 1 });
    await asked.promise;
    near.close();
    decide.resolve();
    await receiver.closed;
    expect(ends).toEqual(['kept']);
  });
});
