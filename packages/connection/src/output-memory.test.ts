import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { Opcode } from '@wsferry/frames';
import { FakeClock } from '@wsferry/testing';
import { expect, test } from 'vitest';
import { DelayQueue } from './delay-queue.ts';
import { Slab } from './frame-memory.ts';
import { FrameWriter } from './frame-writer.ts';
import { Connection } from './index.ts';
import { reusedMemory } from './reused-memory.ts';
import { SocketWriter } from './socket-writer.ts';

/** A stream that says "written" before it delivers, as an SSH channel may. */
class LateStream extends Duplex {
  readonly delivered: Buffer[] = [];
  #pending: Buffer[] = [];
  override _read(): void {}
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#pending.push(Buffer.from(chunk));
    done();
  }
  override _final(done: () => void): void {
    this.delivered.push(...this.#pending);
    done();
  }
  setNoDelay(): void {}
}

test('on a stream that is not TCP the last words are delivered, too, when the peer has ended', async () => {
  const stream = new LateStream({ allowHalfOpen: true });
  const connection = new Connection(
    {
      role: 'server',
      socket: stream as unknown as Socket,
      rest: new Uint8Array(0),
      accepted: { protocol: '', extensions: [] },
      url: 'ws://test/',
    },
    { keepalive: false },
  );
  connection.send('last words');
  await new Promise(setImmediate);
  stream.push(null);
  await connection.closed;
  expect(Buffer.concat(stream.delivered).toString('latin1')).toContain('last words');
});

test.each([
  ['a part of an ArrayBuffer', () => new Uint8Array(600_000).subarray(100_000, 300_000)],
  ['more than a slab holds, but little', () => new Uint8Array(20_000)],
])('what is given away and not detached is copied: %s', (_what, make) => {
  const writer = new FrameWriter(false, new Slab(reusedMemory));
  const bytes = make();
  const { buffer } = bytes;
  writer.givenAway(Opcode.Binary, bytes);
  const output = writer.take();
  // Detached, or else not in the output: somebody may give the rest of the ArrayBuffer away while this is written.
  if (buffer.byteLength > 0) expect(output.every((part) => part.buffer !== buffer)).toBe(true);
  for (const part of output) reusedMemory.giveBack(part);
});

test('what is sent while answers wait for more reads is written before the event loop goes on', async () => {
  const order: string[] = [];
  let outputBytes = 10;
  const machine = {
    get outputBytes() {
      return outputBytes;
    },
    takeOutput() {
      outputBytes = 0;
      return [new Uint8Array(10)];
    },
    holdPongs() {},
    hasUnfinishedOutput: false,
    shouldEnd: false,
  };
  const socket = { writableLength: 0, write: () => order.push('write'), cork() {}, uncork() {} };
  const writer = new SocketWriter(
    socket as unknown as Socket,
    machine as unknown as ConstructorParameters<typeof SocketWriter>[1],
    reusedMemory,
    { progress() {}, ended() {} },
  );
  writer.flushAfterRead(65_536);
  writer.schedule();
  await new Promise<void>((resolve) =>
    setImmediate(() => {
      order.push('immediate');
      resolve();
    }),
  );
  expect(order).toEqual(['write', 'immediate']);
});

test('the longest delay is no longer than a timer may be', () => {
  const delays: number[] = [];
  class NotedClock extends FakeClock {
    override now(): number {
      return super.now() + 0.5;
    }
    override setTimeout(run: () => void, delayMs: number): unknown {
      delays.push(delayMs);
      return super.setTimeout(run, delayMs);
    }
  }
  const longest = 2 ** 31 - 1;
  new DelayQueue(new NotedClock(), longest).enter({ due: () => {} });
  expect(delays).toEqual([longest]);
});
