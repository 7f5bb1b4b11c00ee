import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { quiet } from '../test/quiet.ts';
import { deferred, RawPeer } from '../test/raw-peer.ts';
import {
  bytesSource,
  memoryReceiver,
  openSession,
  type Packet,
  PauseSwitch,
  parsePacket,
  pipePair,
  type SendingEvent,
  type TransferControl,
  TransferError,
  type TransferEvent,
} from './index.ts';

const bytes = Uint8Array.from({ length: 3_000 }, (_, index) => index % 251);
const chunkBytes = 100;

/** A sender and a receiver whose packets are seen as they are sent. */
function connected(seen: (from: 'sender' | 'receiver', packet: Packet) => void = () => {}) {
  const [near, far] = pipePair();
  const tapped = (pipe: typeof near, from: 'sender' | 'receiver') => ({
    send: (message: string | Uint8Array) => {
      const more = pipe.send(message);
      seen(from, parsePacket(message));
      return more;
    },
    drained: pipe.drained.bind(pipe),
    close: pipe.close.bind(pipe),
    get bufferedAmount() {
      return pipe.bufferedAmount;
    },
    [Symbol.asyncIterator]: () => pipe[Symbol.asyncIterator](),
  });
  const memory = memoryReceiver();
  const controls = new Map<string, TransferControl>();
  const heard: TransferEvent[] = [];
  const receiver = openSession(tapped(far, 'receiver'), {
    role: 'acceptor',
    windowBytes: 800,
    accept: (offer, control) => {
      controls.set(offer.name, control);
      return memory.accept(offer, control);
    },
    onTransfer: (event) => heard.push(event),
  });
  const sender = openSession(tapped(near, 'sender'), { role: 'opener', chunkBytes });
  return { sender, receiver, controls, heard, files: memory.files, still: () => quiet(near, far) };
}

describe('a transfer that is paused', () => {
  test('by its sender: no byte of it goes out until it goes on, and others do', async () => {
    let sent = 0;
    const pause = new PauseSwitch();
    const { sender, heard, files, still } = connected((_, packet) => {
      if (packet.type !== 'FILE_DATA' || packet.id !== 1) return;
      sent += packet.bytes.length;
      if (sent === 1_000) pause.pause();
    });
    const events: SendingEvent[] = [];
    const paused = sender.sendFile(bytesSource('a', bytes), { pause, onEvent: (event) => events.push(event) });
    await sender.sendFile(bytesSource('b', bytes));
    await still();
    expect(sent).toBe(1_000);
    expect(events).toEqual([{ type: 'paused', by: 'local' }]);
    expect(heard.at(-1)).toMatchObject({ name: 'b', type: 'stored' });
    expect(heard).toContainEqual(expect.objectContaining({ name: 'a', type: 'paused', by: 'peer' }));
    pause.resume();
    await paused;
    expect(files.get('a')).toEqual(bytes);
    expect(events.at(-1)).toEqual({ type: 'continued', by: 'local' });
    expect(heard).toContainEqual(expect.objectContaining({ name: 'a', type: 'continued', by: 'peer' }));
  });

  test('by its receiver: what is on the way still comes, and no more until it goes on', async () => {
    let sent = 0;
    const { sender, controls, heard, files, still } = connected((_, packet) => {
      if (packet.type !== 'FILE_DATA') return;
      sent += packet.bytes.length;
      if (sent === 1_000) controls.get('a')!.pause();
    });
    const events: SendingEvent[] = [];
    const paused = sender.sendFile(bytesSource('a', bytes), { onEvent: (event) => events.push(event) });
    await still();
    const then = sent;
    expect(then).toBeLessThanOrEqual(1_000 + chunkBytes);
    expect(events).toEqual([{ type: 'paused', by: 'peer' }]);
    expect(heard).toContainEqual(expect.objectContaining({ type: 'paused', by: 'local' }));
    controls.get('a')!.resume();
    await paused;
    expect(files.get('a')).toEqual(bytes);
    expect(events.at(-1)).toEqual({ type: 'continued', by: 'peer' });
  });

  test('by both goes on when both do', async () => {
    const pause = new PauseSwitch();
    const began = deferred();
    const { sender, controls, files, still } = connected((_, { type }) => type === 'FILE_DATA' && began.resolve());
    const paused = sender.sendFile(bytesSource('a', bytes), { pause });
    await began.promise;
    pause.pause();
    controls.get('a')!.pause();
    await still();
    pause.resume();
    await still();
    expect(files.size).toBe(0);
    pause.pause();
    controls.get('a')!.resume();
    await still();
    expect(files.size).toBe(0);
    pause.resume();
    await paused;
  });

  test('before it was taken: the receiver hears of it right after it took it, and gets no byte and no end', async () => {
    for (const content of [bytes, new Uint8Array(0)]) {
      const packets: string[] = [];
      const pause = new PauseSwitch();
      pause.pause();
      const { sender, still } = connected((_, { type }) => packets.push(type));
      const paused = sender.sendFile(bytesSource('a', content), { pause });
      await still();
      expect(packets).toEqual(['NEW_FILE', 'ACK_NEW_FILE', 'PAUSE_FILE']);
      pause.resume();
      await paused;
    }
  });

  test('while its chunk waits in the line: that chunk is not sent', async () => {
    const [near, far] = pipePair();
    const pause = new PauseSwitch();
    const session = openSession(near, { role: 'opener', chunkBytes });
    const sent = session.sendFile(bytesSource('a', bytes), { pause });
    const peer = new RawPeer(far);
    peer.say({ type: 'ACK_NEW_FILE', id: 1, code: 'OK' });
    await peer.hearA('NEW_FILE');
    await quiet(near, far);
    pause.pause();
    expect(await peer.hear()).toMatchObject({ type: 'FILE_DATA', offset: 0 });
    expect(await peer.hear()).toMatchObject({ type: 'PAUSE_FILE' });
    await quiet(near, far);
    pause.resume();
    expect(await peer.hear()).toMatchObject({ type: 'RESUME_FILE' });
    expect(await peer.hear()).toMatchObject({ type: 'FILE_DATA', offset: 100 });
    await peer.hearA('FILE_END');
    peer.say({ type: 'ACK_FILE_END', id: 1, code: 'OK' });
    await sent;
  });

  test('can be cancelled by either side', async () => {
    const pause = new PauseSwitch();
    pause.pause();
    const { sender, controls, still } = connected();
    const controller = new AbortController();
    const first = sender.sendFile(bytesSource('a', bytes), { pause, signal: controller.signal });
    const second = sender.sendFile(bytesSource('b', bytes), { pause });
    await still();
    controller.abort();
    await expect(first).rejects.toMatchObject({ code: 'CANCELLED', side: 'local' });
    await controls.get('b')!.end(new TransferError('CANCELLED'));
    await expect(second).rejects.toMatchObject({ code: 'CANCELLED', side: 'peer' });
  });

  test('by a switch that holds several: all of them, and it lets go of those that have ended', async () => {
    const pause = new PauseSwitch();
    pause.pause();
    const { sender, files, still } = connected();
    const all = ['a', 'b', 'c'].map((name) => sender.sendFile(bytesSource(name, bytes), { pause }));
    await still();
    expect(files.size).toBe(0);
    pause.resume();
    await Promise.all(all);
    const packets: string[] = [];
    const { sender: other } = connected((_, { type }) => packets.push(type));
    await other.sendFile(bytesSource('a', bytes), { pause });
    pause.pause();
    expect(packets).not.toContain('PAUSE_FILE');
  });
});

test('whoever pauses and goes on, whenever: nothing is sent in a pause that the sender knows of, and the file arrives', async () => {
  const toggle = fc.record({ after: fc.nat(60), who: fc.constantFrom('sender', 'receiver') });
  await fc.assert(
    fc.asyncProperty(fc.array(toggle, { maxLength: 12 }), async (toggles) => {
      const pause = new PauseSwitch();
      let count = 0;
      let receiverPaused = false;
      let sentInPause = 0;
      const { sender, controls, files } = connected((_, packet) => {
        if (packet.type === 'FILE_DATA' && pause.paused) sentInPause += 1;
        step();
      });
      function step(): void {
        // Before they turn: each pause is a message, too.
        const now = count;
        count += 1;
        for (const { who } of toggles.filter(({ after }) => after === now)) turn(who as 'sender' | 'receiver');
      }
      function turn(who: 'sender' | 'receiver'): void {
        if (who === 'sender') {
          if (pause.paused) pause.resume();
          else pause.pause();
        } else {
          receiverPaused = !receiverPaused;
          if (receiverPaused) controls.get('a')?.pause();
          else controls.get('a')?.resume();
        }
      }
      const sent = sender.sendFile(bytesSource('a', bytes), { pause });
      let stored = false;
      void sent.then(() => {
        stored = true;
      });
      while (!stored) {
        await new Promise((resolve) => setImmediate(resolve));
        pause.resume();
        receiverPaused = false;
        controls.get('a')?.resume();
      }
      expect(sentInPause).toBe(0);
      expect(files.get('a')).toEqual(bytes);
    }),
    { numRuns: 50 },
  );
});

describe('PAUSE_FILE and RESUME_FILE', () => {
  function receiving() {
    const [near, far] = pipePair();
    const { accept } = memoryReceiver();
    const heard: string[] = [];
    const session = openSession(far, { role: 'acceptor', accept, onTransfer: ({ type }) => heard.push(type) });
    return { peer: new RawPeer(near), heard, session };
  }

  test('of a transfer that has ended are late; of one that never was they are UNKNOWN_TRANSFER', async () => {
    const { peer } = receiving();
    peer.say({ type: 'NEW_FILE', id: 1, name: '..' });
    await peer.hearA('ACK_NEW_FILE');
    peer.say({ type: 'PAUSE_FILE', id: 1 }, { type: 'RESUME_FILE', id: 1 }, { type: 'PAUSE_FILE', id: 3 });
    expect(await peer.hear()).toMatchObject({ type: 'ERROR', code: 'UNKNOWN_TRANSFER', id: 3 });
    peer.say({ type: 'RESUME_FILE', id: 2 });
    expect(await peer.hear()).toMatchObject({ type: 'ERROR', code: 'UNKNOWN_TRANSFER', id: 2 });
  });

  test('twice say nothing new', async () => {
    const { peer, heard } = receiving();
    peer.say({ type: 'NEW_FILE', id: 1, name: 'a' }, { type: 'PAUSE_FILE', id: 1 }, { type: 'PAUSE_FILE', id: 1 });
    await peer.hearA('ACK_NEW_FILE');
    peer.say({ type: 'RESUME_FILE', id: 1 }, { type: 'RESUME_FILE', id: 1 }, { type: 'CANCEL_FILE', id: 1 });
    peer.say({ type: 'WATCH' });
    await peer.hearA('ERROR');
    expect(heard).toEqual(['offered', 'paused', 'continued', 'failed']);
  });
});

describe('a peer that does not know a packet that it can do without', () => {
  test('as a receiver: the transfer goes on', async () => {
    const [near, far] = pipePair();
    const pause = new PauseSwitch();
    pause.pause();
    const sent = openSession(near, { role: 'opener' }).sendFile(bytesSource('a', bytes), { pause });
    const peer = new RawPeer(far);
    await peer.hearA('NEW_FILE');
    peer.say({ type: 'ACK_NEW_FILE', id: 1, code: 'OK' });
    await peer.hearA('PAUSE_FILE');
    peer.say({ type: 'ERROR', code: 'UNKNOWN_TYPE', message: 'what?', id: 1 });
    pause.resume();
    await peer.hearA('FILE_END');
    peer.say({ type: 'ACK_FILE_END', id: 1, code: 'OK' });
    await sent;
  });

  test('as a sender: the transfer goes on', async () => {
    const [near, far] = pipePair();
    const { accept, files } = memoryReceiver();
    openSession(far, { role: 'acceptor', accept });
    const peer = new RawPeer(near);
    peer.say({ type: 'NEW_FILE', id: 1, name: 'a' });
    await peer.hearA('ACK_NEW_FILE');
    peer.say({ type: 'FILE_DATA', id: 1, offset: 0, bytes: Uint8Array.of(97) });
    await peer.hearA('ACK_FILE_DATA');
    peer.say({ type: 'ERROR', code: 'UNKNOWN_TYPE', message: 'what?', id: 1 });
    peer.say({ type: 'FILE_END', id: 1, md5: '0cc175b9c0f1b6a831c399e269772661' });
    expect(await peer.hearA('ACK_FILE_END')).toMatchObject({ code: 'OK' });
    expect(files.size).toBe(1);
  });

  test('and does not know NEW_FILE takes no files', async () => {
    const [near, far] = pipePair();
    const sent = openSession(near, { role: 'opener' }).sendFile(bytesSource('a', bytes));
    const peer = new RawPeer(far);
    await peer.hearA('NEW_FILE');
    peer.say({ type: 'ERROR', code: 'UNKNOWN_TYPE', message: 'what?', id: 1 });
    await expect(sent).rejects.toMatchObject({ code: 'UNKNOWN_TYPE', side: 'peer' });
  });
});
