import { byteByByte, everySplit, randomSplits } from '@wsferry/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameDecoder, type FrameDecoderOptions } from './decoder.ts';
import { encodeFrame, encodeFrameInto, type Frame, frameByteLength } from './encode.ts';
import { FrameError } from './errors.ts';
import { createMaskingKey } from './masking-key.ts';
import { isControlOpcode, Opcode, type Role } from './opcode.ts';

const keyFor = (decoding: Role) => (decoding === 'server' ? createMaskingKey() : undefined);

/** Everything a decoder says about these chunks: the frames (pieces joined) and the error that ended it. */
function decode(options: FrameDecoderOptions, chunks: Iterable<Uint8Array>) {
  const decoder = new FrameDecoder(options);
  const frames: Frame[] = [];
  const parts: Uint8Array[] = [];
  try {
    for (const chunk of chunks) {
      decoder.push(Uint8Array.from(chunk));
      for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) {
        if (!('offset' in frame)) {
          frames.push(frame);
          continue;
        }
        const { payloadLength, offset, ...rest } = frame;
        expect(offset).toBe(parts.reduce((sum, part) => sum + part.length, 0));
        parts.push(frame.payload);
        if (offset + frame.payload.length < payloadLength) continue;
        frames.push({ ...rest, payload: Uint8Array.from(Buffer.concat(parts)) });
        parts.length = 0;
      }
    }
  } catch (error) {
    expect(error).toBeInstanceOf(FrameError);
    const { code, closeCode, message } = error as FrameError;
    return { frames, error: { code, closeCode, message } };
  }
  return { frames, error: undefined };
}

const anyFrame: fc.Arbitrary<Frame> = fc
  .record({
    fin: fc.boolean(),
    opcode: fc.constantFrom(...Object.values(Opcode)),
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc.uint8Array({ minLength: 120, maxLength: 130 }),
      fc.integer({ min: 65530, max: 65540 }).map((length) => new Uint8Array(length).fill(length)),
    ),
  })
  .map(({ fin, opcode, payload }) =>
    isControlOpcode(opcode)
      ? { fin: true, rsv1: false, opcode, payload: payload.slice(0, 125) }
      : { fin, rsv1: false, opcode, payload },
  );

const seeded = (seed: number) => {
  let state = seed | 1;
  return () => {
    state = Math.imul(state, 48271) & 0x7fffffff;
    return state / 0x80000000;
  };
};

describe.each<Role>(['server', 'client'])('the decoder of a %s', (role) => {
  test('gives any frames back as they were encoded, whole or in pieces, however they are cut', () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 6 }), fc.integer(), (frames, seed) => {
        const bytes = Buffer.concat(frames.map((frame) => encodeFrame(frame, keyFor(role))));
        for (const pieces of [false, true]) {
          for (const chunks of [[bytes], randomSplits(bytes, seeded(seed))]) {
            const got = decode({ role, pieces }, chunks);
            expect(got.error).toBeUndefined();
            expect(got.frames.map((frame) => ({ ...frame, payload: 0 }))).toEqual(
              frames.map((frame) => ({ ...frame, payload: 0 })),
            );
            got.frames.forEach((frame, i) => {
              expect(Buffer.compare(frame.payload, frames[i]!.payload)).toBe(0);
            });
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test('turns any bytes into frames or one FrameError, the same whole, byte by byte and in pieces', () => {
    // Mostly plausible first bytes: random ones seldom get past the first check.
    const plausible = fc
      .tuple(
        fc.constantFrom(0x01, 0x02, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8a, 0xc1, 0x09, 0x83),
        fc.oneof(fc.nat(8), fc.constantFrom(125, 126, 127)),
        fc.boolean(),
        fc.uint8Array({ maxLength: 24 }),
      )
      .map(([first, length, flip, rest]) => [first, length | ((role === 'server') !== flip ? 0x80 : 0), ...rest]);
    const anyBytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.array(plausible, { maxLength: 4 }).map((parts) => Uint8Array.from(parts.flat())),
    );
    fc.assert(
      fc.property(anyBytes, fc.boolean(), fc.nat(300), (bytes, allowRsv1, maxPayloadBytes) => {
        const options = { role, allowRsv1, maxPayloadBytes };
        const whole = decode(options, [bytes]);
        expect(decode(options, byteByByte(bytes))).toEqual(whole);
        expect(decode({ ...options, pieces: true }, [bytes])).toEqual(whole);
        expect(decode({ ...options, pieces: true }, byteByByte(bytes))).toEqual(whole);
      }),
      { numRuns: 1500 },
    );
  });

  test.each([0, 1, 125, 126, 127, 65535, 65536, 65537])('a payload of %d bytes', (length) => {
    const payload = Uint8Array.from({ length }, (_, i) => i * 13);
    const bytes = encodeFrame({ fin: true, opcode: Opcode.Binary, payload }, keyFor(role));
    expect(bytes).toHaveLength(frameByteLength(length, role === 'server'));
    const splits =
      length < 200
        ? [...everySplit(bytes)]
        : [1, 2, 3, 4, 9, 10, 13, 14, 15, 1000].map((at) => [bytes.slice(0, at), bytes.slice(at)]);
    for (const chunks of [[bytes], byteByByte(bytes), ...splits]) {
      const { frames } = decode({ role }, chunks);
      expect(frames).toHaveLength(1);
      expect(Buffer.compare(frames[0]!.payload, payload)).toBe(0);
    }
  });

  const m = role === 'server' ? 0x80 : 0;
  describe('refuses, at the very byte that shows it', () => {
    test.each<[string, number[], string, number]>([
      ['RSV1 without an extension', [0xc1], 'RESERVED_BITS', 1002],
      ['RSV2', [0xa1], 'RESERVED_BITS', 1002],
      ['RSV3', [0x91], 'RESERVED_BITS', 1002],
      ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map(
        (opcode) =>
          [`opcode ${opcode}`, [0x80 | opcode], 'RESERVED_OPCODE', 1002] as [string, number[], string, number],
      ),
      ['a fragmented close', [0x08], 'FRAGMENTED_CONTROL', 1002],
      ['a fragmented ping', [0x09], 'FRAGMENTED_CONTROL', 1002],
      ['a fragmented pong', [0x0a], 'FRAGMENTED_CONTROL', 1002],
      ['a ping of 126 bytes', [0x89, m | 126], 'CONTROL_TOO_LONG', 1002],
      ['a close with a 64-bit length', [0x88, m | 127], 'CONTROL_TOO_LONG', 1002],
      ['the wrong masking', [0x81, 0x80 - m], role === 'server' ? 'UNMASKED' : 'MASKED', 1002],
      ['the wrong masking of a control frame', [0x8a, 0x80 - m], role === 'server' ? 'UNMASKED' : 'MASKED', 1002],
      ['125 bytes in the 16-bit form', [0x82, m | 126, 0, 125], 'LENGTH_NOT_MINIMAL', 1002],
      ['900 bytes in the 64-bit form', [0x82, m | 127, 0, 0, 0, 0, 0, 0, 3, 132], 'LENGTH_NOT_MINIMAL', 1002],
      ['a 64-bit length with the top bit', [0x82, m | 127, 0x80], 'LENGTH_TOO_LARGE', 1002],
      ['a 64-bit length of all ones', [0x82, m | 127, 0xff], 'LENGTH_TOO_LARGE', 1002],
      ['a 63-bit length', [0x82, m | 127, 0x7f], 'TOO_BIG', 1009],
      ['a length above 2^32', [0x82, m | 127, 0, 0, 0, 1], 'TOO_BIG', 1009],
      ['1,001 bytes when 1,000 are the limit', [0x82, m | 126, 3, 0xe9], 'TOO_BIG', 1009],
    ])('%s', (_name, bytes, code, closeCode) => {
      const good = encodeFrame({ fin: true, opcode: Opcode.Ping, payload: Uint8Array.of(1) }, keyFor(role));
      const options = { role, maxPayloadBytes: 1000 };
      const before = decode(options, [Buffer.concat([good, Uint8Array.from(bytes.slice(0, -1))])]);
      expect(before).toMatchObject({ error: undefined, frames: [{ opcode: Opcode.Ping }] });
      // The good frame before the bad one is still yielded, in one chunk and byte by byte.
      const all = Buffer.concat([good, Uint8Array.from(bytes)]);
      for (const chunks of [[all], byteByByte(all)]) {
        expect(decode(options, chunks)).toMatchObject({
          error: { code, closeCode },
          frames: [{ opcode: Opcode.Ping }],
        });
      }
    });
  });

  test('with an extension RSV1 passes on text and binary, and nowhere else', () => {
    for (const first of [0xc1, 0xc2, 0x41, 0x42]) {
      const { frames, error } = decode({ role, allowRsv1: true }, [
        Uint8Array.of(first, m, ...(m ? [0, 0, 0, 0] : [])),
      ]);
      expect(error).toBeUndefined();
      expect(frames).toMatchObject([{ rsv1: true, fin: first > 0x80 }]);
    }
    for (const first of [0xc0, 0x40, 0xc8, 0xc9, 0xca, 0xe1, 0xd1]) {
      expect(decode({ role, allowRsv1: true }, [Uint8Array.of(first)]).error).toMatchObject({
        code: 'RESERVED_BITS',
        closeCode: 1002,
      });
    }
  });

  test('after a violation it stays failed, takes nothing more and retains nothing', () => {
    const decoder = new FrameDecoder({ role });
    decoder.push(Uint8Array.of(0x83, 1, 2, 3));
    const caught = [0, 1].map(() => {
      try {
        return decoder.next();
      } catch (error) {
        decoder.push(encodeFrame({ fin: true, opcode: Opcode.Text, payload: new Uint8Array(9) }, keyFor(role)));
        return error;
      }
    });
    expect(caught[0]).toMatchObject({ code: 'RESERVED_OPCODE', closeCode: 1002, section: 'RFC 6455 §5.2' });
    expect(caught[1]).toBe(caught[0]);
    expect(decoder.pendingBytes).toBe(0);
  });

  test('the limit is let through exactly, and does not bind control frames', () => {
    const at = (length: number) =>
      encodeFrame({ fin: true, opcode: Opcode.Binary, payload: new Uint8Array(length) }, keyFor(role));
    for (const limit of [0, 1, 125, 126, 65535, 65536, 70000]) {
      expect(decode({ role, maxPayloadBytes: limit }, [at(limit)]).frames).toHaveLength(1);
      expect(decode({ role, maxPayloadBytes: limit }, [at(limit + 1)]).error).toMatchObject({
        code: 'TOO_BIG',
        closeCode: 1009,
      });
    }
    const ping = encodeFrame({ fin: true, opcode: Opcode.Ping, payload: new Uint8Array(125) }, keyFor(role));
    expect(decode({ role, maxPayloadBytes: 0 }, [ping]).frames).toHaveLength(1);
  });

  test('frames encoded one after another into one buffer are the frames', () => {
    const frames = [0, 5, 126, 300, 70000].map((length) => ({
      fin: true,
      rsv1: false,
      opcode: Opcode.Binary,
      payload: new Uint8Array(length).fill(length),
    }));
    const key = keyFor(role);
    const target = new Uint8Array(
      frames.reduce((sum, { payload }) => sum + frameByteLength(payload.length, m !== 0), 0),
    );
    let at = 0;
    for (const frame of frames) at = encodeFrameInto(target, at, frame, key);
    expect(at).toBe(target.length);
    expect(Buffer.compare(target, Buffer.concat(frames.map((frame) => encodeFrame(frame, key))))).toBe(0);
    expect(() => encodeFrameInto(target, target.length - 1, frames[0]!, key)).toThrow(RangeError);
  });
});

test.each([-1, 0.5, Number.NaN])('a limit of %d bytes is the caller’s mistake', (maxPayloadBytes) => {
  expect(() => new FrameDecoder({ role: 'server', maxPayloadBytes })).toThrow(RangeError);
});

test('without a limit a frame of 2^53 - 1 bytes is begun in pieces, and one of 2^53 refused', () => {
  const options = { role: 'client', pieces: true, maxPayloadBytes: Number.POSITIVE_INFINITY } as const;
  const decoder = new FrameDecoder(options);
  decoder.push(Uint8Array.of(0x82, 127, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 7));
  expect(decoder.next()).toMatchObject({ payloadLength: Number.MAX_SAFE_INTEGER, offset: 0 });
  expect(decode(options, [Uint8Array.of(0x82, 127, 0, 0x20)]).error).toMatchObject({
    code: 'TOO_BIG',
    closeCode: 1009,
  });
});
