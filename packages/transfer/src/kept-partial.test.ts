import { describe, expect, test } from 'vitest';
import { deferred, RawPeer } from '../test/raw-peer.ts';
import { watchedReceiver } from '../test/watched-receiver.ts';
import {
  bytesSource,
  type FileSource,
  type MessagePipe,
  memoryReceiver,
  openSession,
  type Packet,
  pipePair,
  type SendingEvent,
  TransferError,
  type TransferEvent,
} from './index.ts';

const bytes = Uint8Array.from({ length: 1_000 }, (_, index) => index % 251);
const source: FileSource = { ...bytesSource('a', bytes), modified: 1e12, resumeKey: 'k' };
const data: Packet = { type: 'FILE_DATA', id: 1, offset: 0, bytes: bytes.subarray(0, 400) };

describe('what was stored of a file that does not arrive', () => {
  /** Stores 400 of 1,000 bytes, does that, and tells whether they were kept. */
  async function after(
    ending: (peer: RawPeer, receiver: ReturnType<typeof openSession>, line: MessagePipe) => unknown,
    change?: Parameters<typeof watchedReceiver>[0],
    declared: { readonly size?: number } = { size: 1_000 },
  ) {
    const [near, far] = pipePair();
    const { accept, ends } = watchedReceiver(change);
    const over = deferred<string>();
    const receiver = openSession(far, {
      role: 'acceptor',
      accept,
      maxFileBytes: 1_000,
      onTransfer: (event) => event.type === 'failed' && over.resolve(event.code),
    });
    const peer = new RawPeer(near);
    peer.say({ type: 'NEW_FILE', id: 1, name: 'a', ...declared, resumeKey: 'k' });
    await peer.hearA('ACK_NEW_FILE');
    peer.say(data);
    await peer.hearA('ACK_FILE_DATA');
    await ending(peer, receiver, near);
    const code = await over.promise;
    near.close();
    await receiver.closed;
    return [code, ...ends];
  }
  const cancelled = (code?: string) => (peer: RawPeer) => peer.say({ type: 'CANCEL_FILE', id: 1, code });

  test.each([
    ['the sender cancels', cancelled()],
    ['the sender shuts down', cancelled('SHUTTING_DOWN')],
    ['the source cannot be read', cancelled('SOURCE_FAILED')],
    ['the sender says what nobody knows', cancelled('LATER')],
    ['this side shuts down', (_: RawPeer, receiver: { close(): unknown }) => void receiver.close()],
  ] as const)('is kept when %s', async (_name, ending) => {
    expect(await after(ending)).toEqual([expect.any(String), 'kept']);
  });

  test.each(['NO_SPACE', 'STORAGE_FAILED'] as const)('is kept after %s', async (code) => {
    const more = (peer: RawPeer) => peer.say({ ...data, offset: 400 } as Packet);
    let writes = 0;
    const failing = (sink: { write(part: Uint8Array): Promise<void> }) => ({
      write: async (part: Uint8Array) => {
        if (++writes > 1) throw new TransferError(code);
        await sink.write(part);
      },
    });
    expect(await after(more, failing)).toEqual([code, 'kept']);
  });

  test.each([
    ['SOURCE_CHANGED', cancelled('SOURCE_CHANGED')],
    ['SIZE_MISMATCH', (peer: RawPeer) => peer.say({ type: 'FILE_END', id: 1, md5: '0'.repeat(32) })],
    ['SIZE_MISMATCH', (peer: RawPeer) => peer.say({ ...data, offset: 400, bytes: new Uint8Array(601) } as Packet)],
    ['BAD_PACKET', (peer: RawPeer) => peer.say({ ...data, offset: 500 } as Packet)],
    [
      'DIGEST_MISMATCH',
      (peer: RawPeer) =>
        peer.say({ ...data, offset: 400, bytes: bytes.subarray(0, 600) } as Packet, {
          type: 'FILE_END',
          id: 1,
          md5: '0'.repeat(32),
        }),
    ],
  ] as const)('is removed after %s', async (code, ending) => {
    expect(await after(ending)).toEqual([code, 'removed']);
  });

  describe('and whose size was not declared, because it comes out of a pipe', () => {
    const withoutSize = (ending: Parameters<typeof after>[0]) => after(ending, undefined, {});

    test.each([
      ['the sender shuts down', cancelled('SHUTTING_DOWN')],
      ['the line is lost', (_: RawPeer, _receiver: unknown, line: MessagePipe) => void line.close()],
      ['this side shuts down', (_: RawPeer, receiver: { close(): unknown }) => void receiver.close()],
    ] as const)('is kept when %s: the sender still has what comes next', async (_name, ending) => {
      expect(await withoutSize(ending)).toEqual([expect.any(String), 'kept']);
    });

    test.each([
      ['CANCELLED', cancelled()],
      ['SOURCE_FAILED', cancelled('SOURCE_FAILED')],
    ] as const)('is removed after %s: nobody can read it again', async (code, ending) => {
      expect(await withoutSize(ending)).toEqual([code, 'removed']);
    });
  });
});

describe('a receiver that kept a part of the file', () => {
  /** A receiver that holds `kept` bytes of the source, and what both sides tell when `next` is sent. */
  async function sendOver(kept: number, next: FileSource, held: Uint8Array = bytes) {
    const { accept, files, partials } = memoryReceiver();
    const [near, far] = pipePair();
    const half = new RawPeer(near);
    openSession(far, { role: 'acceptor', accept });
    const { size, modified, resumeKey } = source;
    half.say({ type: 'NEW_FILE', id: 1, name: 'a', size, modified, resumeKey });
    await half.hearA('ACK_NEW_FILE');
    half.say({ ...data, bytes: held.subarray(0, kept) } as Packet);
    await half.hearA('ACK_FILE_DATA');
    near.abort();
    const [again, there] = pipePair();
    const heard: TransferEvent[] = [];
    openSession(there, { role: 'acceptor', accept, onTransfer: (event) => heard.push(event) });
    const events: SendingEvent[] = [];
    await openSession(again, { role: 'opener' }).sendFile(next, { onEvent: (event) => events.push(event) });
    const told = heard.filter(({ type }) => type === 'resumed' || type === 'restarted');
    return { stored: files.get('a'), events, told, left: partials.size };
  }

  test('goes on there, and both sides say so', async () => {
    const { stored, events, told, left } = await sendOver(400, source);
    expect(stored).toEqual(bytes);
    expect(left).toBe(0);
    expect(events).toEqual([{ type: 'resumed', offset: 400 }]);
    expect(told).toMatchObject([{ type: 'resumed', offset: 400, id: 1, name: 'a' }]);
  });

  test('begins anew when the source has another time or size, and both sides say why', async () => {
    const changes = [
      { ...source, modified: 2e12 },
      { ...bytesSource('a', bytes.subarray(1)), resumeKey: 'k' },
    ];
    for (const changed of changes) {
      const { stored, events, told } = await sendOver(400, changed);
      expect(stored).toHaveLength(changed.size!);
      expect(events).toEqual([{ type: 'restarted', reason: 'SOURCE_CHANGED' }]);
      expect(told).toMatchObject([{ type: 'restarted', reason: 'SOURCE_CHANGED' }]);
    }
  });

  test('begins anew when what it kept is not what the source has, and both sides say why', async () => {
    const { stored, events, told } = await sendOver(400, source, new Uint8Array(400));
    expect(stored).toEqual(bytes);
    expect(events).toEqual([{ type: 'restarted', reason: 'PARTIAL_CHANGED' }]);
    expect(told).toMatchObject([{ type: 'restarted', reason: 'PARTIAL_CHANGED' }]);
  });

  test('begins anew for another source of that name, without a word: nothing was kept of that one', async () => {
    const { stored, events, told, left } = await sendOver(400, { ...source, resumeKey: 'another' });
    expect(stored).toEqual(bytes);
    expect([...events, ...told]).toEqual([]);
    expect(left).toBe(1);
  });
});

test('a reason that nobody knows is not told', async () => {
  const [near, far] = pipePair();
  const peer = new RawPeer(far);
  const events: SendingEvent[] = [];
  const sent = openSession(near, { role: 'opener' }).sendFile(source, { onEvent: (event) => events.push(event) });
  await peer.hearA('NEW_FILE');
  peer.say({ type: 'ACK_NEW_FILE', id: 1, code: 'OK', restarted: 'toString' });
  await peer.hearA('FILE_END');
  peer.say({ type: 'ACK_FILE_END', id: 1, code: 'OK' });
  await sent;
  expect(events).toEqual([]);
});

describe('a sink that can flush', () => {
  /** Tells in which order things happened. */
  function flushing(gate: Promise<void>) {
    const log: string[] = [];
    const { accept, files } = memoryReceiver();
    const [near, far] = pipePair();
    openSession(far, {
      role: 'acceptor',
      accept: async (offer, control) => {
        const { sink } = await accept(offer, control);
        const write: typeof sink.write = async (part) => {
          await sink.write(part);
          log.push('write');
        };
        const flush = async () => {
          log.push('flush');
          await gate;
          log.push('flushed');
        };
        return { sink: { ...sink, write, flush } };
      },
    });
    const peer = new RawPeer(near);
    return { log, peer, files };
  }

  test('has done so before its bytes are acknowledged; one flush stands for all that was written', async () => {
    const gate = deferred();
    const { log, peer } = flushing(gate.promise);
    peer.say({ type: 'NEW_FILE', id: 1, name: 'a' });
    await peer.hearA('ACK_NEW_FILE');
    for (let offset = 0; offset < 400; offset += 100) {
      peer.say({ type: 'FILE_DATA', id: 1, offset, bytes: bytes.subarray(offset, offset + 100) });
    }
    const heard = peer.hear().then((packet) => {
      log.push('acknowledged');
      return packet;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(log).toEqual(['write', 'flush']);
    gate.resolve();
    expect(await heard).toEqual({ type: 'ACK_FILE_DATA', id: 1, stored: 100 });
    expect(await peer.hear()).toEqual({ type: 'ACK_FILE_DATA', id: 1, stored: 400 });
    const then = ['flushed', 'write', 'write', 'write', 'flush', 'flushed'];
    expect(log.filter((entry) => entry !== 'acknowledged')).toEqual(['write', 'flush', ...then]);
    expect(log.indexOf('acknowledged')).toBeGreaterThan(log.indexOf('flushed'));
  });

  test('and fails ends the transfer, and nothing was acknowledged', async () => {
    const { peer } = flushing(Promise.reject(new TransferError('STORAGE_FAILED', 'the disk is gone')));
    peer.say({ type: 'NEW_FILE', id: 1, name: 'a' });
    await peer.hearA('ACK_NEW_FILE');
    peer.say(data);
    expect(await peer.hear()).toMatchObject({
      type: 'ACK_FILE_END',
      code: 'STORAGE_FAILED',
      message: 'the disk is gone',
    });
  });
});
