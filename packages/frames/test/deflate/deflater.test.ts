import { describe, expect, test } from 'vitest';
import { MessageDeflater, MessageInflater } from '../../src/deflate/index.ts';
import { bytes, concat, noise, parametersFor, prose, toHex, unlimited } from './helpers.ts';

const deflater = (options = {}) => new MessageDeflater({ role: 'client', parameters: unlimited, ...options });

describe('the examples of §7.2.3', () => {
  test('7.2.3.1 one block, and 7.2.3.2 the window shared by the next message', () => {
    const one = deflater();
    expect(toHex(one.deflate(bytes('Hello'), true))).toBe('f2 48 cd c9 c9 07 00');
    expect(toHex(one.deflate(bytes('Hello'), true))).toBe('f2 00 11 00 00');
  });

  test('7.2.3.2 without context takeover every message is as the first', () => {
    const one = deflater({ parameters: { ...unlimited, clientNoContextTakeover: true } });
    expect(toHex(one.deflate(bytes('Hello'), true))).toBe('f2 48 cd c9 c9 07 00');
    expect(toHex(one.deflate(bytes('Hello'), true))).toBe('f2 48 cd c9 c9 07 00');
  });

  test('7.2.3.3 a block without compression', () => {
    expect(toHex(deflater({ level: 0 }).deflate(bytes('Hello'), true))).toBe('00 05 00 fa ff 48 65 6c 6c 6f 00');
  });

  test('7.2.3.5 two blocks in one message', () => {
    const one = deflater();
    const payload = concat(one.deflate(bytes('He'), false), one.deflate(bytes('llo'), true));
    expect(toHex(payload)).toBe('f2 48 05 00 00 00 ff ff ca c9 c9 07 00');
  });

  test('7.2.3.6 an empty message is one byte, the first and any later one', () => {
    const one = deflater();
    expect(toHex(one.deflate(new Uint8Array(0), true))).toBe('00');
    one.deflate(bytes('Hello'), true);
    expect(toHex(one.deflate(new Uint8Array(0), true))).toBe('00');
    expect(toHex(one.deflate(new Uint8Array(0), true))).toBe('00');
  });
});

test('a message that would not become smaller is left as it is, and not remembered', () => {
  const one = deflater();
  const other = deflater();
  const message = noise(500, 1);
  expect(one.deflateMessage(message)).toBeUndefined();
  expect(one.deflateMessage(new Uint8Array(0))).toBeUndefined();
  expect(one.deflateMessage(bytes('Hello'))).toBeUndefined();
  expect(toHex(one.deflate(message, true))).toBe(toHex(other.deflate(message, true)));
  // It repeats what is remembered now.
  expect(one.deflateMessage(message)?.length).toBeLessThan(20);
});

test('no takeover forgets between messages, not between the parts of one', () => {
  const one = deflater({ parameters: parametersFor('client', true, 15) });
  const part = noise(500, 2);
  expect(one.deflate(part, false).length).toBeGreaterThan(500);
  expect(one.deflate(part, true).length).toBeLessThan(20);
  expect(one.deflateMessage(part)).toBeUndefined();
  expect(one.deflate(part, true).length).toBeGreaterThan(500);
});

test('the caller may reuse the bytes it gave', () => {
  const one = deflater();
  const inflater = new MessageInflater({ role: 'server', parameters: unlimited });
  const message = bytes('a message that is given and then overwritten');
  inflater.inflateSync(one.deflate(message, true), 100);
  message.fill(0);
  const next = bytes('a message that is given and then read');
  expect(inflater.inflateSync(one.deflate(next, true), 100)).toEqual(next);
});

test('what is given out holds no more memory than twice its length', () => {
  const one = deflater();
  for (const length of [10, 1000, 30_000]) {
    const payload = one.deflate(prose(length, 1), true);
    expect(payload.buffer.byteLength).toBeLessThanOrEqual(payload.length * 2);
    expect(payload.constructor).toBe(Uint8Array);
  }
});

test.each([
  { level: -1 },
  { level: 10 },
  { level: 1.5 },
  { memLevel: 0 },
  { memLevel: 10 },
  { memLevel: Number.NaN },
  { parameters: { ...unlimited, clientMaxWindowBits: 7 } },
  { parameters: { ...unlimited, clientMaxWindowBits: 16 } },
])('%j is a RangeError at once', (options) => {
  expect(() => deflater(options)).toThrow(RangeError);
});

test('a whole message within another is a RangeError', () => {
  const one = deflater();
  one.deflate(bytes('He'), false);
  expect(() => one.deflateMessage(bytes('Hello'))).toThrow(RangeError);
});
