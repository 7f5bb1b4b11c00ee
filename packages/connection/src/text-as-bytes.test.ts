import { createMaskingKey, encodeFrame, type Frame, FrameDecoder, Opcode, TextBytes } from '@wsferry/frames';
import { describe, expect, test } from 'vitest';
import { pair } from '../test/network.ts';
import { compressionFor } from './compression.ts';
import { type ConnectionEvent, type ConnectionOptions, ConnectionProtocol } from './index.ts';

const TEXT = 'Fähre — Привет, 渡し船 🚢 ';
const utf8 = (text: string) => new TextEncoder().encode(text);

const parameters = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
};

/** A server's machine that gives text as bytes, and what a client's frames make of it. */
function serverReads(frames: readonly Frame[], { deflate = false } = {}): ConnectionEvent[] {
  const machine = new ConnectionProtocol({
    role: 'server',
    text: 'bytes',
    ...(deflate && { compression: compressionFor('server', parameters, undefined) }),
  });
  for (const frame of frames) machine.receive(encodeFrame(frame, createMaskingKey()));
  const events: ConnectionEvent[] = [];
  for (let event = machine.nextEvent(); event; event = machine.nextEvent()) events.push(event);
  return events;
}

const text = (payload: Uint8Array, fin = true): Frame => ({ fin, opcode: Opcode.Text, payload });
const more = (payload: Uint8Array, fin = true): Frame => ({ fin, opcode: Opcode.Continuation, payload });

describe("with text: 'bytes'", () => {
  test.each<[string, ConnectionOptions]>([
    ['as it is', {}],
    ['compressed', { deflate: { thresholdBytes: 0 } }],
  ])('text comes as TextBytes, and is text again when it is sent on, %s', async (_how, options) => {
    const [client, server] = await pair({ ...options, text: 'string' }, { ...options, text: 'bytes' });
    const answers: unknown[] = [];
    server.onMessage = (data) => void server.send(data, { transfer: true });
    const received = new Promise<void>((resolve) => {
      client.onMessage = (data) => {
        answers.push(data);
        if (answers.length === 3) resolve();
      };
    });
    client.send(TEXT);
    client.send(TEXT.repeat(5000));
    client.send(utf8(TEXT));
    await received;
    const [short, long, binary] = answers as Uint8Array[];
    expect(short).toBeInstanceOf(TextBytes);
    expect(String(short)).toBe(TEXT);
    expect(long).toBeInstanceOf(TextBytes);
    expect(String(long)).toBe(TEXT.repeat(5000));
    expect(binary).not.toBeInstanceOf(TextBytes);
    expect(binary).toEqual(utf8(TEXT));
    const heard = new Promise((resolve) => {
      server.onMessage = resolve;
    });
    client.send(short!);
    expect(await heard).toBe(TEXT);
  });

  const wrong = Uint8Array.of(...utf8(TEXT), 0xff);
  const half = utf8('渡').subarray(0, 2);
  test.each<[string, Frame[]]>([
    ['a wrong byte', [text(wrong)]],
    ['a wrong byte behind much that is right', [text(Uint8Array.of(...utf8(TEXT.repeat(100)), 0xff))]],
    ['half a code point at the end', [text(Uint8Array.of(...utf8(TEXT), ...half))]],
    ['half a code point at the end of the last fragment', [text(utf8(TEXT), false), more(half)]],
    ['a wrong byte in a fragment, before the message ends', [text(wrong, false)]],
  ])('what is no text fails with 1007: %s', (_what, frames) => {
    expect(serverReads(frames)).toMatchObject([{ type: 'failure', error: { code: 'INVALID_UTF8', closeCode: 1007 } }]);
  });

  test('compressed, what is no text fails with 1007, too', () => {
    const { deflater } = compressionFor('client', parameters, undefined)!;
    const payload = deflater.deflate(wrong, true);
    expect(serverReads([{ fin: true, rsv1: true, opcode: Opcode.Text, payload }], { deflate: true })).toMatchObject([
      { type: 'failure', error: { code: 'INVALID_UTF8', closeCode: 1007 } },
    ]);
  });

  test('a code point that lies in two fragments is one', () => {
    const bytes = utf8(TEXT);
    for (let at = 1; at < bytes.length; at++) {
      const [event] = serverReads([text(bytes.subarray(0, at), false), more(bytes.subarray(at))]);
      expect(event).toMatchObject({ type: 'message' });
      expect(String((event as Extract<ConnectionEvent, { type: 'message' }>).data)).toBe(TEXT);
    }
  });
});

describe('TextBytes to send', () => {
  test('go out as text, whoever made them', () => {
    const machine = new ConnectionProtocol({ role: 'server' });
    machine.send(new TextBytes(utf8(TEXT)));
    const decoder = new FrameDecoder({ role: 'client' });
    for (const part of machine.takeOutput()) decoder.push(part);
    expect(decoder.next()).toMatchObject({ opcode: Opcode.Text, payload: utf8(TEXT) });
  });

  test('are refused when they are no UTF-8, and nothing goes out', () => {
    const machine = new ConnectionProtocol({ role: 'server' });
    const wrong = new TextBytes(Uint8Array.of(0x61, 0xff));
    expect(() => machine.send(wrong)).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }));
    expect(machine.takeOutput()).toEqual([]);
  });
});
