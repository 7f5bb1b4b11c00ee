import { expect, test } from 'vitest';
import { deferred, RawPeer } from '../test/raw-peer.ts';
import {
  type Accept,
  bytesSource,
  type FileSource,
  MAX_VIOLATIONS,
  memoryReceiver,
  openSession,
  type Packet,
  pipePair,
  TransferError,
} from './index.ts';

// Between "it has failed" here and "it has failed" there lies the latency of the connection. A raw peer plays it: it
// goes on as if it had heard nothing. Gated sinks and sources keep the failed transfer open for as long as a test wants.

/** More than a session forgives, if these were violations. */
const MANY = 3 * MAX_VIOLATIONS;

const data = (id: number, offset: number): Packet => ({ type: 'FILE_DATA', id, offset, bytes: Uint8Array.of(97) });
const md5OfA = '0cc175b9c0f1b6a831c399e269772661';

test.each(['while the sink is being discarded', 'after the sink was discarded'])(
  'data of a sender that has not heard of the refusal yet, %s, is dropped in silence, and the next file is served',
  async (when) => {
    const [near, far] = pipePair();
    const memory = memoryReceiver();
    const discarding = deferred();
    const gate = deferred();
    const accept: Accept = async (offer, control) => {
      const { sink } = await memory.accept(offer, control);
      if (offer.name !== 'full') return { sink };
      const write = () => Promise.reject(new TransferError('NO_SPACE'));
      const discard = async () => {
        discarding.resolve();
        await gate.promise;
      };
      return { sink: { ...sink, write, discard } };
    };
    const failed = deferred();
    openSession(far, { role: 'acceptor', accept, onTransfer: ({ type }) => type === 'failed' && failed.resolve() });
    const peer = new RawPeer(near);
    peer.say({ type: 'NEW_FILE', id: 1, name: 'full' });
    await peer.hearA('ACK_NEW_FILE');
    peer.say(data(1, 0));
    await discarding.promise;
    if (when.startsWith('after')) {
      gate.resolve();
      await failed.promise;
    }
    for (let offset = 1; offset <= MANY; offset += 1) peer.say(data(1, offset));
    peer.say({ type: 'FILE_END', id: 1, md5: md5OfA });
    expect(await peer.hear()).toMatchObject({ type: 'ACK_FILE_END', id: 1, code: 'NO_SPACE' });
    // Had anything of it been a violation, an ERROR would come before these.
    peer.say({ type: 'NEW_FILE', id: 3, name: 'good' });
    expect(await peer.hear()).toMatchObject({ type: 'ACK_NEW_FILE', id: 3, code: 'OK' });
    peer.say(data(3, 0), { type: 'FILE_END', id: 3, md5: md5OfA });
    expect(await peer.hearA('ACK_FILE_END')).toMatchObject({ id: 3, code: 'OK' });
    expect(near.closeCode).toBeUndefined();
    gate.resolve();
  },
);

test.each(['while the source is being closed', 'after the source was closed'])(
  'answers of a receiver that has not heard of the cancel yet, %s, are dropped in silence, and the next file is sent',
  async (when) => {
    const [near, far] = pipePair();
    const sender = openSession(near, { role: 'opener', chunkBytes: 1, maxTransfers: when.startsWith('after') ? 1 : 2 });
    const peer = new RawPeer(far);
    const closing = deferred();
    const gate = deferred();
    const good = bytesSource('cancelled', new Uint8Array(9));
    const source: FileSource = {
      ...good,
      open: async (options) => {
        const close = async () => {
          closing.resolve();
          await gate.promise;
        };
        return { ...(await good.open(options)), close };
      },
    };
    const abort = new AbortController();
    const cancelled = sender.sendFile(source, { signal: abort.signal });
    await peer.hearA('NEW_FILE');
    peer.say({ type: 'ACK_NEW_FILE', id: 1, code: 'OK', window: 1 });
    await peer.hearA('FILE_DATA');
    abort.abort();
    await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' });
    await closing.promise;
    if (when.startsWith('after')) gate.resolve();
    // With one transfer at a time this is offered when the first one's source is closed, and so its place given back.
    const next = sender.sendFile(bytesSource('next', Uint8Array.of(97)));
    expect(await peer.hear()).toMatchObject({ type: 'CANCEL_FILE', id: 1 });
    expect(await peer.hear()).toMatchObject({ type: 'NEW_FILE', id: 3 });
    for (let count = 0; count < MANY; count += 1) peer.say({ type: 'ACK_FILE_DATA', id: 1, stored: 1 });
    peer.say({ type: 'ACK_FILE_END', id: 1, code: 'OK' });
    peer.say({ type: 'ACK_NEW_FILE', id: 3, code: 'OK' });
    expect(await peer.hear()).toMatchObject({ type: 'FILE_DATA', id: 3 });
    expect(await peer.hear()).toMatchObject({ type: 'FILE_END', id: 3 });
    peer.say({ type: 'ACK_FILE_END', id: 3, code: 'OK' });
    await expect(next).resolves.toMatchObject({ name: 'next' });
    expect(far.closeCode).toBeUndefined();
    gate.resolve();
  },
);
