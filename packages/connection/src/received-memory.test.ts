import { encodeFrame, isTextBytes, Opcode, TextBytes } from '@wsferry/frames';
import { describe, expect, test } from 'vitest';
import { pair, serve } from '../test/network.ts';
import { Inbox } from './inbox.ts';
import { ConnectionProtocol, connect } from './index.ts';

const key = Uint8Array.of(1, 2, 3, 4);
const binary = (length: number) =>
  encodeFrame({ fin: true, opcode: Opcode.Binary, payload: new Uint8Array(length).fill(7) }, key);

test('an empty message between large ones is one that can be sent on, also by who reads later', async () => {
  const { url } = await serve({}, async (peer) => {
    for await (const data of peer) {
      await new Promise(setImmediate); // the chunk that it came in is gone by now
      peer.send(data);
    }
  });
  const client = await connect(url);
  for (const length of [100_000, 0, 100_000]) client.send(new Uint8Array(length));
  const lengths: number[] = [];
  for await (const { length } of client) if (lengths.push(length) === 3) break;
  expect(lengths).toEqual([100_000, 0, 100_000]);
});

describe('a message that waits', () => {
  test.each([
    ['bytes', (bytes: Uint8Array) => bytes],
    [
      'text as bytes',
      (bytes: Uint8Array) => new TextBytes(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length),
    ],
  ])('does not keep the chunk that it is a small part of: %s', (_what, as) => {
    const chunk = new Uint8Array(65_536).fill(97);
    const inbox = new Inbox();
    inbox.put(as(chunk.subarray(10, 11)));
    inbox.put(as(chunk.subarray(0, 40_000)));
    const short = inbox.take() as Uint8Array;
    expect(short).toEqual(as(Uint8Array.of(97)));
    expect(short.buffer.byteLength).toBe(1);
    expect(isTextBytes(short)).toBe(isTextBytes(as(chunk)));
    expect((inbox.take() as Uint8Array).buffer).toBe(chunk.buffer);
  });

  test('counts until it is taken, also when its memory was given away meanwhile', () => {
    const inbox = new Inbox();
    const bytes = new Uint8Array(1000);
    inbox.put(bytes);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    inbox.take();
    expect(inbox.bytes).toBe(0);
  });
});

test('a program that gives away the memory of frames behind its message is told so, instead of losing them', () => {
  const machine = new ConnectionProtocol({ role: 'server' });
  machine.receive(Uint8Array.of(...binary(10), ...binary(20)));
  giveAway((machine.nextEvent() as { data: Uint8Array<ArrayBuffer> }).data);
  expect(machine.nextEvent()).toMatchObject({ type: 'failure', error: { message: /ArrayBuffer was transferred/ } });
  expect(machine.closeStatus?.code).toBe(1011);
});

test('a message with nothing behind it may be given away like any memory of one’s own', async () => {
  const [client, server] = await pair();
  server.onMessage = (data) => {
    giveAway(data as Uint8Array<ArrayBuffer>);
    server.send('next');
  };
  const answers = client[Symbol.asyncIterator]();
  for (const length of [10, 200_000, 30_000, 0]) {
    client.send(new Uint8Array(length));
    expect(await answers.next()).toEqual({ done: false, value: 'next' });
  }
});

function giveAway({ buffer }: Uint8Array<ArrayBuffer>): void {
  structuredClone(buffer, { transfer: [buffer] });
}
