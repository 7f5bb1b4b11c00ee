import { byteByByte } from '@wsferry/testing';
import { describe, expect, test } from 'vitest';
import { FrameDecoder, type FramePiece } from './decoder.ts';
import { encodeFrame, frameByteLength } from './encode.ts';
import { applyMask } from './mask.ts';
import { createMaskingKey } from './masking-key.ts';
import { Opcode, type Role } from './opcode.ts';

const keyFor = (decoding: Role) => (decoding === 'server' ? createMaskingKey() : undefined);

describe.each<Role>(['server', 'client'])('the decoder of a %s', (role) => {
  const m = role === 'server' ? 0x80 : 0;

  test('memory follows what has arrived, not what was declared', () => {
    const decoder = new FrameDecoder({ role });
    const key = m ? [1, 2, 3, 4] : [];
    decoder.push(Uint8Array.of(0x82, m | 127, 0, 0, 0, 0, 3, 0, 0, 0, ...key));
    expect(decoder.next()).toBeUndefined();
    expect(decoder.pendingBytes).toBe(0);
    for (let arrived = 1000; arrived <= 100_000; arrived += 1000) {
      decoder.push(new Uint8Array(1000));
      expect(decoder.next()).toBeUndefined();
      expect(decoder.pendingBytes).toBeLessThanOrEqual(2 * arrived);
    }
  });

  test('a payload whole in its chunk is a view of it, a Uint8Array also when the chunk is a Buffer', () => {
    const bytes = Buffer.from(
      encodeFrame({ fin: true, opcode: Opcode.Binary, payload: new Uint8Array(300) }, keyFor(role)),
    );
    const decoder = new FrameDecoder({ role });
    decoder.push(bytes);
    const { payload } = decoder.next()!;
    expect(payload.buffer).toBe(bytes.buffer);
    expect(Object.getPrototypeOf(payload)).toBe(Uint8Array.prototype);
  });

  test('a chunk is spent once it was read to its end, unless a whole payload was seen in it', () => {
    const spent: Uint8Array[] = [];
    const decoder = new FrameDecoder({ role, pieces: true, masked: true, spent: (chunk) => spent.push(chunk) });
    const frame = (opcode: Opcode, bytes: number) =>
      encodeFrame({ fin: true, opcode, payload: new Uint8Array(bytes) }, keyFor(role));
    const read = (chunk: Uint8Array) => {
      decoder.push(chunk);
      while (decoder.next() !== undefined);
      return chunk;
    };
    const long = frame(Opcode.Binary, 1000);
    const first = read(long.slice(0, 500));
    expect(spent).toEqual([first]);
    const last = read(long.slice(500));
    expect(spent).toEqual([first, last]);
    read(long);
    read(frame(Opcode.Ping, 10));
    read(Buffer.concat([frame(Opcode.Text, 3), long.subarray(0, 500)]));
    expect(spent.length).toBe(2);
    // Not before the parts seen in it were used: they are views of it.
    decoder.push(long.slice(500));
    expect(decoder.next()?.payload.length).toBeGreaterThan(500);
    expect(spent.length).toBe(2);
    decoder.next();
    expect(spent.length).toBe(3);
  });

  test('in pieces each part of a data payload comes with its chunk, and control frames come whole', () => {
    const payload = Uint8Array.from({ length: 1000 }, (_, i) => i * 3);
    const data = encodeFrame({ fin: true, opcode: Opcode.Binary, payload }, keyFor(role));
    const ping = encodeFrame({ fin: true, opcode: Opcode.Ping, payload: payload.subarray(0, 100) }, keyFor(role));
    const decoder = new FrameDecoder({ role, pieces: true });
    const pieces: FramePiece[] = [];
    for (let at = 0; at < data.length; at += 101) {
      decoder.push(data.slice(at, at + 101));
      pieces.push(decoder.next() as FramePiece);
      expect(decoder.next()).toBeUndefined();
      expect(decoder.pendingBytes).toBe(0);
    }
    for (const piece of pieces) {
      expect(piece.payloadLength).toBe(1000);
      expect(piece.payload).toEqual(payload.subarray(piece.offset, piece.offset + piece.payload.length));
    }
    expect(pieces.length).toBe(Math.ceil(data.length / 101));
    decoder.push(ping.slice(0, 50));
    expect(decoder.next()).toBeUndefined();
    decoder.push(ping.slice(50));
    expect(decoder.next()).toEqual({ fin: true, rsv1: false, opcode: Opcode.Ping, payload: payload.subarray(0, 100) });
  });

  test('with `masked` a part of a payload comes as it is on the wire, with the key; what comes whole is unmasked', () => {
    const payload = Uint8Array.from({ length: 1000 }, (_, i) => i * 3);
    const key = Uint8Array.of(1, 2, 3, 4);
    const data = encodeFrame({ fin: true, opcode: Opcode.Binary, payload }, m ? key : undefined);
    const other = encodeFrame({ fin: true, opcode: Opcode.Binary, payload }, keyFor(role));
    const decoder = new FrameDecoder({ role, pieces: true, masked: true });
    const pieces: FramePiece[] = [];
    for (const chunk of [data.slice(0, 300), data.slice(300), other.slice()]) {
      decoder.push(chunk);
      pieces.push(decoder.next() as FramePiece);
    }
    const [first, second, whole] = pieces as [FramePiece, FramePiece, FramePiece];
    for (const { offset, payload: part, maskingKey } of [first, second]) {
      expect(maskingKey).toEqual(m ? key : undefined);
      if (maskingKey) applyMask(part, maskingKey, offset);
      expect(part).toEqual(payload.subarray(offset, offset + part.length));
    }
    expect(whole.maskingKey).toBeUndefined();
    expect(whole.payload).toEqual(payload);
  });

  test('in pieces a header without payload behind it gives an empty first piece, once', () => {
    const data = encodeFrame({ fin: true, opcode: Opcode.Text, payload: Uint8Array.of(65, 66) }, keyFor(role));
    const decoder = new FrameDecoder({ role, pieces: true });
    decoder.push(data.slice(0, -2));
    const piece = { fin: true, rsv1: false, opcode: Opcode.Text, payloadLength: 2 };
    expect(decoder.next()).toEqual({ ...piece, payload: new Uint8Array(0), offset: 0 });
    expect(decoder.next()).toBeUndefined();
    decoder.push(data.slice(-2, -1));
    expect(decoder.next()).toEqual({ ...piece, payload: Uint8Array.of(65), offset: 0 });
    expect(decoder.next()).toBeUndefined();
    decoder.push(data.slice(-1));
    expect(decoder.next()).toEqual({ ...piece, payload: Uint8Array.of(66), offset: 1 });
    expect(decoder.next()).toBeUndefined();
  });

  test('chunks pushed before anything is read are read in order', () => {
    const decoder = new FrameDecoder({ role });
    const frames = Array.from({ length: 500 }, (_, i) => Uint8Array.of(i >> 8, i & 0xff));
    for (const payload of frames) {
      for (const byte of byteByByte(encodeFrame({ fin: true, opcode: Opcode.Binary, payload }, keyFor(role))))
        decoder.push(byte);
    }
    expect(decoder.pendingBytes).toBe(500 * frameByteLength(2, role === 'server'));
    for (const payload of frames) expect(decoder.next()!.payload).toEqual(payload);
    expect(decoder.next()).toBeUndefined();
    expect(decoder.pendingBytes).toBe(0);
  });

  test('half a million frames in one chunk take linear time: a quadratic one would not end', () => {
    const one = encodeFrame({ fin: true, opcode: Opcode.Text, payload: new Uint8Array(1) }, keyFor(role));
    const chunk = new Uint8Array(one.length * 500_000);
    for (let at = 0; at < chunk.length; at += one.length) chunk.set(one, at);
    const decoder = new FrameDecoder({ role });
    decoder.push(chunk);
    let frames = 0;
    while (decoder.next() !== undefined) frames++;
    expect(frames).toBe(500_000);
  });
});
