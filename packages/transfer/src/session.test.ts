import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { deferred, RawPeer } from '../test/raw-peer.ts';
import {
  type Accept,
  bytesSource,
  type FileSink,
  type FileSource,
  memoryReceiver,
  openSession,
  pipePair,
  receiveFiles,
  type SendProgress,
  type SessionOptions,
  sendFile,
  type TransferEvent,
} from './index.ts';

const random = (length: number) => {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return bytes;
};

function connected(options: Partial<SessionOptions> = {}, senderOptions: Partial<SessionOptions> = {}) {
  const [near, far] = pipePair({ highWaterMarkBytes: 4096 });
  const memory = memoryReceiver();
  const receiver = openSession(far, { role: 'acceptor', accept: memory.accept, ...options });
  const sender = openSession(near, { role: 'opener', ...senderOptions });
  return { near, far, receiver, sender, ...memory };
}

describe('a file', () => {
  const chunk = 1024;
  test.each([0, 1, chunk - 1, chunk, chunk + 1, 10 * chunk, 100_000])('of %i bytes arrives intact', async (size) => {
    const { sender, receiver, files } = connected({}, { chunkBytes: chunk });
    const bytes = random(size);
    const stored = await sender.sendFile(bytesSource('a.bin', bytes));
    expect(stored).toMatchObject({ name: 'a.bin', size, existing: false });
    expect(Buffer.compare(files.get('a.bin')!, bytes)).toBe(0);
    await sender.close();
    await receiver.closed;
  });

  test('goes the other way too: the acceptor sends with even ids', async () => {
    const { near, far } = { near: pipePair(), far: memoryReceiver() };
    const events: TransferEvent[] = [];
    openSession(near[0], { role: 'opener', accept: far.accept, onTransfer: (event) => events.push(event) });
    const server = openSession(near[1], { role: 'acceptor' });
    await server.sendFile(bytesSource('down', random(10)));
    expect(far.files.get('down')).toHaveLength(10);
    expect(events.map(({ type, id }) => `${type} ${id}`)).toEqual(['offered 2', 'progress 2', 'stored 2']);
  });

  test('of unknown size arrives, and one above the limit is refused as soon as it is too large', async () => {
    const { sender, files } = connected({ maxFileBytes: 5000 });
    const stream = (size: number): FileSource => ({
      ...bytesSource(`s${size}`, new Uint8Array(size)),
      size: undefined,
    });
    expect((await sender.sendFile(stream(5000))).size).toBe(5000);
    await expect(sender.sendFile(stream(5001))).rejects.toMatchObject({ code: 'TOO_LARGE', side: 'peer' });
    expect([...files.keys()]).toEqual(['s5000']);
  });

  test('declared larger than the limit is refused before accept is asked', async () => {
    const accept: Accept = () => Promise.reject(new Error('must not be asked'));
    const { sender } = connected({ accept, maxFileBytes: 5 });
    await expect(sender.sendFile(bytesSource('a', new Uint8Array(6)))).rejects.toMatchObject({ code: 'TOO_LARGE' });
  });
});

test('any files, interleaved over a narrow pipe with a small window, arrive intact', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 8 }),
      fc.integer({ min: 1, max: 700 }),
      fc.integer({ min: 1, max: 2000 }),
      fc.integer({ min: 0, max: 500 }),
      async (contents, chunkBytes, windowBytes, highWaterMarkBytes) => {
        const [near, far] = pipePair({ highWaterMarkBytes });
        const { accept, files } = memoryReceiver();
        const receiver = openSession(far, { role: 'acceptor', accept, windowBytes, maxTransfers: 3 });
        const sender = openSession(near, { role: 'opener', chunkBytes, maxTransfers: 3 });
        await Promise.all(contents.map((bytes, index) => sender.sendFile(bytesSource(`f${index}`, bytes))));
        contents.forEach((bytes, index) => {
          expect(files.get(`f${index}`)).toEqual(bytes);
        });
        expect(files.size).toBe(contents.length);
        await sender.close();
        await receiver.closed;
      },
    ),
    { numRuns: 60 },
  );
});

test('progress counts what is stored, never goes back and ends at the size', async () => {
  const { sender } = connected({ windowBytes: 8000 }, { chunkBytes: 1000 });
  const seen: SendProgress[] = [];
  await sender.sendFile(bytesSource('a', random(50_000)), { onProgress: (progress) => seen.push(progress) });
  expect(seen.length).toBeGreaterThan(4);
  expect(seen[0]).toMatchObject({ stored: 0, sent: 0, size: 50_000 });
  expect(seen.at(-1)).toMatchObject({ stored: 50_000, sent: 50_000, size: 50_000 });
  for (const [index, { stored, sent }] of seen.entries()) {
    expect(stored).toBeGreaterThanOrEqual(seen[index - 1]?.stored ?? 0);
    expect(sent - stored).toBeLessThanOrEqual(8000);
  }
});

test('progress says when the receiver last had a word for this file', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1000 });
  try {
    const [near, far] = pipePair();
    const peer = new RawPeer(far);
    const heard: number[] = [];
    const sending = openSession(near, { role: 'opener' }).sendFile(bytesSource('a', new Uint8Array(3)), {
      onProgress: ({ heardAt }) => heard.push(heardAt),
    });
    const { id } = await peer.hearA('NEW_FILE');
    vi.setSystemTime(2000);
    peer.say({ type: 'ACK_NEW_FILE', id, code: 'OK' });
    await peer.hearA('FILE_END');
    vi.setSystemTime(3000);
    peer.say({ type: 'ACK_FILE_END', id, code: 'OK' });
    await sending;
    expect(heard).toEqual([2000, 3000]);
  } finally {
    vi.useRealTimers();
  }
});

test('a thousand files offered at once are all stored, never more than maxTransfers at a time', async () => {
  let open = 0;
  let most = 0;
  const count = (event: TransferEvent) => {
    if (event.type === 'offered') open += 1;
    if (event.type === 'stored') open -= 1;
    most = Math.max(most, open);
  };
  const { sender, files } = connected({ onTransfer: count, maxTransfers: 20 }, { maxTransfers: 20 });
  const sending = Array.from({ length: 1000 }, (_, index) => sender.sendFile(bytesSource(`f${index}`, random(9))));
  await Promise.all(sending);
  expect(files.size).toBe(1000);
  expect(most).toBeLessThanOrEqual(20);
});

test('a large file does not keep a small one waiting: each gets a chunk in turn', async () => {
  const { sender } = connected({}, { chunkBytes: 1000 });
  const order: string[] = [];
  const large = sender.sendFile(bytesSource('large', random(3_000_000))).then(() => order.push('large'));
  const small = sender.sendFile(bytesSource('small', random(3000))).then(() => order.push('small'));
  await Promise.all([large, small]);
  expect(order).toEqual(['small', 'large']);
});

test('one file whose disk is stuck does not stall the others', async () => {
  const memory = memoryReceiver();
  const stuck = deferred();
  const accept: Accept = async (offer, control) => {
    const held = await memory.accept(offer, control);
    if (offer.name !== 'stuck') return held;
    const slow: FileSink = { ...held.sink, write: (bytes) => stuck.promise.then(() => held.sink.write(bytes)) };
    return { sink: slow };
  };
  const { sender } = connected({ accept, windowBytes: 2000 }, { chunkBytes: 500 });
  const first = sender.sendFile(bytesSource('stuck', random(20_000)));
  await sender.sendFile(bytesSource('free', random(20_000)));
  expect([...memory.files.keys()]).toEqual(['free']);
  stuck.resolve();
  await first;
  expect(memory.files.get('stuck')).toHaveLength(20_000);
});

test('a sender that ignores its credit is held by the pipe, and its file still arrives', async () => {
  const [near, far] = pipePair({ highWaterMarkBytes: 1000 });
  const memory = memoryReceiver();
  const gate = deferred();
  let waiting = 0;
  const accept: Accept = async (offer, control) => {
    const { sink } = await memory.accept(offer, control);
    const write = async (bytes: Uint8Array) => {
      waiting += bytes.length;
      await gate.promise;
      await sink.write(bytes);
    };
    return { sink: { ...sink, write } };
  };
  openSession(far, { role: 'acceptor', accept, windowBytes: 3000 });
  const peer = new RawPeer(near);
  peer.say({ type: 'NEW_FILE', id: 1, name: 'a' });
  await peer.hearA('ACK_NEW_FILE');
  for (let offset = 0; offset < 20_000; offset += 1000) {
    peer.say({ type: 'FILE_DATA', id: 1, offset, bytes: new Uint8Array(1000) });
  }
  await new Promise((resolve) => setImmediate(resolve));
  // Four chunks are past the door (the fourth exceeds the window), the rest is still in the pipe.
  expect(near.bufferedAmount).toBe(16 * 1016);
  expect(waiting).toBe(1000);
  gate.resolve();
  peer.say({ type: 'FILE_END', id: 1, md5: 'b2fe457348de243a579a1591d3815170' });
  expect(await peer.hearA('ACK_FILE_END')).toMatchObject({ code: 'OK', size: 20_000 });
});

test('a name that is taken is refused with what the receiver said', async () => {
  const { sender } = connected();
  await sender.sendFile(bytesSource('a', random(1)));
  await expect(sender.sendFile(bytesSource('a', random(2)))).rejects.toMatchObject({ code: 'EXISTS', side: 'peer' });
});

test.each(['../../x', 'C:\\x', 'a/../../b', '', 'x'.repeat(5000), 'a\u0007'])(
  'the name %j is refused with BAD_NAME and the next file is served',
  async (name) => {
    const { sender, files } = connected();
    await expect(sender.sendFile(bytesSource(name, random(1)))).rejects.toMatchObject({ code: 'BAD_NAME' });
    await sender.sendFile(bytesSource('good', random(1)));
    expect([...files.keys()]).toEqual(['good']);
  },
);

test('a receiver without accept refuses with FORBIDDEN', async () => {
  const { sender } = connected({ accept: undefined });
  await expect(sender.sendFile(bytesSource('a', random(1)))).rejects.toMatchObject({ code: 'FORBIDDEN' });
});

test('the conveniences share one session per pipe', async () => {
  const [near, far] = pipePair();
  const { accept, files } = memoryReceiver();
  const received = receiveFiles(far, { accept });
  await Promise.all([sendFile(near, bytesSource('a', random(1))), sendFile(near, bytesSource('b', random(2)))]);
  near.close();
  await received;
  expect([...files.keys()].sort()).toEqual(['a', 'b']);
  expect(() => openSession(near, { role: 'opener' })).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
});

test('listeners that throw cost nobody a file', async () => {
  const boom = () => {
    throw new Error('mine');
  };
  const { sender } = connected({ onTransfer: boom });
  expect(await sender.sendFile(bytesSource('a', random(5)), { onProgress: boom })).toMatchObject({ size: 5 });
});
