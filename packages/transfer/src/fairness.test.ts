import { describe, expect, test } from 'vitest';
import { quiet } from '../test/quiet.ts';
import { deferred, RawPeer } from '../test/raw-peer.ts';
import {
  type Accept,
  bytesSource,
  type FileSink,
  type MessagePipe,
  memoryReceiver,
  openSession,
  type Packet,
  parsePacket,
  pipePair,
} from './index.ts';

const chunkBytes = 1_000;

/** Files of 100 chunks each on their way to a peer that reads when it is told to. */
async function largeFiles(count: number) {
  const [near, far] = pipePair();
  const session = openSession(near, { role: 'opener', chunkBytes });
  const peer = new RawPeer(far);
  for (let index = 0; index < count; index += 1) {
    session.sendFile(bytesSource(`large ${index}`, new Uint8Array(100 * chunkBytes))).catch(() => {});
    const { id } = await peer.hearA('NEW_FILE');
    peer.say({ type: 'ACK_NEW_FILE', id, code: 'OK' });
  }
  /** Bytes of files that come before the packet that is waited for. */
  async function before(found: (packet: Packet) => boolean): Promise<number> {
    let bytes = 0;
    for (;;) {
      const packet = (await peer.hear())!;
      if (found(packet)) return bytes;
      if (packet.type === 'FILE_DATA') bytes += packet.bytes.length;
    }
  }
  await before(({ type, ...packet }) => type === 'FILE_DATA' && (packet as { offset: number }).offset === 5_000);
  await quiet(near, far);
  return { session, peer, before, pause: () => quiet(near, far), end: () => near.abort() };
}

describe.each([1, 10])('beside %i large files', (count) => {
  test('a control packet waits for one chunk at most', async () => {
    const { session, before, end } = await largeFiles(count);
    session.watch({});
    expect(await before(({ type }) => type === 'WATCH')).toBeLessThanOrEqual(chunkBytes);
    end();
  });

  test('a small file waits for one chunk with its offer, and for one with its bytes', async () => {
    const { session, peer, before, pause, end } = await largeFiles(count);
    const small = session.sendFile(bytesSource('small', new Uint8Array(10)));
    small.catch(() => {});
    const id = 1 + 2 * count;
    expect(await before((packet) => packet.type === 'NEW_FILE' && packet.id === id)).toBeLessThanOrEqual(chunkBytes);
    peer.say({ type: 'ACK_NEW_FILE', id, code: 'OK' });
    await pause();
    expect(await before((packet) => packet.type === 'FILE_DATA' && packet.id === id)).toBeLessThanOrEqual(chunkBytes);
    end();
  });
});

describe('while disks are stuck', () => {
  const windowBytes = 3_200;

  /** A receiver whose sinks for `stuck …` write nothing until they are let. */
  function stuckReceiver() {
    const memory = memoryReceiver();
    const gate = deferred();
    const accept: Accept = async (offer, control) => {
      const held = await memory.accept(offer, control);
      if (!offer.name.startsWith('stuck')) return held;
      const write: FileSink['write'] = (bytes) => gate.promise.then(() => held.sink.write(bytes));
      return { sink: { ...held.sink, write } };
    };
    const [near, far] = pipePair();
    let sent = 0;
    const counted: MessagePipe = {
      send: (message) => {
        const packet = parsePacket(message);
        if (packet.type === 'FILE_DATA') sent += packet.bytes.length;
        return near.send(message);
      },
      drained: (options) => near.drained(options),
      close: (code) => near.close(code),
      [Symbol.asyncIterator]: () => near[Symbol.asyncIterator](),
    };
    openSession(far, { role: 'acceptor', accept, windowBytes });
    const sender = openSession(counted, { role: 'opener', chunkBytes: 500 });
    const send = (name: string) => sender.sendFile(bytesSource(name, new Uint8Array(5_000)));
    return { memory, gate, send, sent: () => sent, pause: () => quiet(near, far) };
  }

  test.each([1, 20])('of %i files, another one arrives all the same; then they do', async (count) => {
    const { memory, gate, send } = stuckReceiver();
    const stuck = Array.from({ length: count }, (_, index) => send(`stuck ${index}`));
    await send('free');
    expect([...memory.files.keys()]).toEqual(['free']);
    gate.resolve();
    await Promise.all(stuck);
    expect(memory.files.size).toBe(count + 1);
  });

  test('of as many files as may be open, what waits for them is four windows and a little for each', async () => {
    const { gate, send, sent, pause } = stuckReceiver();
    const stuck = Array.from({ length: 128 }, (_, index) => send(`stuck ${index}`));
    await pause();
    expect(sent()).toBeGreaterThan(4 * windowBytes);
    expect(sent()).toBeLessThanOrEqual(4 * windowBytes + 128 * (windowBytes / 32));
    gate.resolve();
    await Promise.all(stuck);
  });
});
