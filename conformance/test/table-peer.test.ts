import { randomBytes } from 'node:crypto';
import { constants, deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { Deflater, Inflater, parseAgreement } from '../src/table/peer/deflate.ts';
import { acceptOf, sampleKey } from '../src/table/peer/http.ts';
import { inflate } from '../src/table/peer/inflate.ts';
import { type Delivery, pieces } from '../src/table/peer/peer.ts';
import { judgeUtf8 } from '../src/table/peer/utf8.ts';
import { FrameReader, frameBytes } from '../src/table/peer/wire.ts';

// Who guards the guard: the raw peer against the RFCs' own examples, zlib and Node's UTF-8.

describe('the raw peer', () => {
  test('knows the accept key of RFC 6455 §1.3', () => {
    expect(acceptOf(sampleKey)).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  });

  test.each([
    ['8105 48656c6c6f', { opcode: 1, payload: 'Hello' }, false],
    ['8185 37fa213d 7f9f4d5158', { opcode: 1, payload: 'Hello', maskingKey: Buffer.from('37fa213d', 'hex') }, true],
    ['0103 48656c', { opcode: 1, fin: false, payload: 'Hel' }, false],
    ['8002 6c6f', { opcode: 0, payload: 'lo' }, false],
    ['8905 48656c6c6f', { opcode: 9, payload: 'Hello' }, false],
  ])('writes and reads the frame of §5.7: %s', (hex, frame, masked) => {
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    expect(frameBytes(frame, masked)).toEqual(bytes);
    const reader = new FrameReader();
    const heard = [...bytes].flatMap((byte) => reader.push(Buffer.of(byte)));
    expect(heard).toMatchObject([
      { opcode: frame.opcode, payload: Buffer.from(frame.payload), fin: !hex.startsWith('01') },
    ]);
  });

  test('judges UTF-8 as Node does', () => {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const isValid = (bytes: Uint8Array) => {
      try {
        decoder.decode(bytes);
        return true;
      } catch {
        return false;
      }
    };
    const lead = [0x41, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff];
    const next = [0x41, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0];
    for (const a of lead) {
      for (const b of next) {
        for (const c of next) {
          const bytes = Uint8Array.of(a, b, c, 0xbf);
          for (let length = 1; length <= 4; length++) {
            const part = bytes.subarray(0, length);
            expect([part.join(), judgeUtf8(part).complete]).toEqual([part.join(), isValid(part)]);
          }
        }
      }
    }
  });

  test.each([0, 1, 100, 70_000])('inflates what zlib made of %i bytes, block by block', (length) => {
    for (const bytes of [randomBytes(length), Buffer.alloc(length, 'abcabd'), Buffer.from('é'.repeat(length >> 1))]) {
      for (const blocks of ['stored', 'fixed', 'any', 'no copies'] as const) {
        const message = new Deflater({ blocks }).message(bytes);
        expect(new Inflater({ takeover: true, bits: 15 }).message(message).equals(bytes)).toBe(true);
      }
    }
  });

  test('sees a copy that reaches beyond the window, and one that reaches into a context that is gone', () => {
    const block = randomBytes(200);
    const bytes = Buffer.concat([block, randomBytes(800), block]);
    const message = new Deflater().message(bytes);
    expect(inflate(Buffer.concat([message, Buffer.from('0000ffff', 'hex')]), new Uint8Array(0), 1 << 15).farthest).toBe(
      1000,
    );
    expect(new Inflater({ takeover: true, bits: 10 }).message(message).equals(bytes)).toBe(true);
    expect(() => new Inflater({ takeover: true, bits: 9 }).message(message)).toThrow(
      /reaches 1000 bytes back, the window has 512/,
    );

    const deflater = new Deflater();
    const [first, second] = [deflater.message(block), deflater.message(block)];
    const forgetful = new Inflater({ takeover: false, bits: 15 });
    forgetful.message(first);
    expect(() => forgetful.message(second)).toThrow(/where only \d+ are/);
  });

  test('inflates several blocks with BFINAL one behind the other', () => {
    const final = deflateRawSync('one', { finishFlush: constants.Z_FINISH });
    const bytes = Buffer.concat([final, final, Buffer.from('000000ffff', 'hex')]);
    expect(Buffer.from(inflate(bytes, new Uint8Array(0), 1 << 15).bytes).toString()).toBe('oneone');
  });

  test.each([
    'permessage-deflate; server_max_window_bits=7',
    'permessage-deflate; server_max_window_bits',
    'permessage-deflate; client_max_window_bits=010',
    'permessage-deflate; server_no_context_takeover=1',
    'permessage-deflate; server_max_window_bits=9; server_max_window_bits=9',
    'permessage-deflate; unknown',
    'x',
  ])('takes no answer such as %j', (answer) => {
    expect(() => parseAgreement(answer)).toThrow(/expected/);
  });

  test.each<Delivery>(['in one write', 'byte by byte', 'in chops of 7 bytes', 'in random pieces (seed 3)'])(
    'brings every byte once, %s',
    (delivery) => {
      const bytes = randomBytes(1000);
      expect(Buffer.concat([...pieces(bytes, delivery)])).toEqual(bytes);
    },
  );
});
