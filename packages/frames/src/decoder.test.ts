import { byteByByte, everySplit } from '@wsferry/testing';
import { describe, expect, test } from 'vitest';
import { FrameDecoder, type FrameDecoderOptions } from './decoder.ts';
import { encodeFrame, type Frame } from './encode.ts';
import { Opcode } from './opcode.ts';

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const utf8 = (text: string) => new TextEncoder().encode(text);

function decode(options: FrameDecoderOptions, chunks: Iterable<Uint8Array>): Frame[] {
  const decoder = new FrameDecoder(options);
  const frames: Frame[] = [];
  for (const chunk of chunks) {
    decoder.push(Uint8Array.from(chunk));
    for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) frames.push(frame);
  }
  return frames;
}

const frame = (opcode: Opcode, payload: Uint8Array, fin = true): Frame => ({ fin, rsv1: false, opcode, payload });

describe('the examples of RFC 6455 §5.7', () => {
  const kib = Uint8Array.from({ length: 65536 }, (_, i) => i * 7);
  const examples = [
    ['an unmasked text', 'client', hex('81 05 48 65 6c 6c 6f'), [frame(Opcode.Text, utf8('Hello'))]],
    ['a masked text', 'server', hex('81 85 37 fa 21 3d 7f 9f 4d 51 58'), [frame(Opcode.Text, utf8('Hello'))]],
    [
      'a fragmented unmasked text',
      'client',
      hex('01 03 48 65 6c 80 02 6c 6f'),
      [frame(Opcode.Text, utf8('Hel'), false), frame(Opcode.Continuation, utf8('lo'))],
    ],
    ['an unmasked ping', 'client', hex('89 05 48 65 6c 6c 6f'), [frame(Opcode.Ping, utf8('Hello'))]],
    ['a masked pong', 'server', hex('8a 85 37 fa 21 3d 7f 9f 4d 51 58'), [frame(Opcode.Pong, utf8('Hello'))]],
    [
      '256 bytes in one unmasked frame',
      'client',
      Uint8Array.of(...hex('82 7e 01 00'), ...kib.subarray(0, 256)),
      [frame(Opcode.Binary, kib.subarray(0, 256))],
    ],
  ] as const;
  test.each(examples)('%s, whole, byte by byte and at every split', (_name, role, bytes, frames) => {
    expect(decode({ role }, [bytes])).toEqual(frames);
    expect(decode({ role }, byteByByte(bytes))).toEqual(frames);
    for (const parts of everySplit(bytes)) expect(decode({ role }, parts)).toEqual(frames);
  });

  test('64 KiB in one unmasked frame', () => {
    const bytes = encodeFrame({ fin: true, opcode: Opcode.Binary, payload: kib });
    expect(bytes.subarray(0, 10)).toEqual(hex('82 7f 00 00 00 00 00 01 00 00'));
    for (const chunks of [[bytes], byteByByte(bytes)]) {
      const [only, ...more] = decode({ role: 'client' }, chunks);
      expect(more).toEqual([]);
      // Not toEqual: that compares 65,536 elements one by one, and takes a second for it.
      expect(Buffer.compare(only!.payload, kib)).toBe(0);
    }
  });
});
