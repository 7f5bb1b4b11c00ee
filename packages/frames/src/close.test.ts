import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CloseCode,
  encodeClosePayload,
  isReceivableCloseCode,
  isSendableCloseCode,
  parseClosePayload,
} from './close.ts';

const sendable = (code: number) =>
  (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);

const utf8 = (text: string) => new TextEncoder().encode(text);

test('an empty close payload means 1005, and is what 1005 encodes to', () => {
  expect(parseClosePayload(new Uint8Array(0))).toEqual({ code: CloseCode.NoStatusReceived, reason: '' });
  expect(encodeClosePayload({ code: 1005, reason: '' })).toEqual(new Uint8Array(0));
});

test('a code with a reason goes there and back', () => {
  expect(encodeClosePayload({ code: 1000, reason: 'bye' })).toEqual(Uint8Array.of(0x03, 0xe8, 0x62, 0x79, 0x65));
  expect(parseClosePayload(Uint8Array.of(0x03, 0xe8, 0x62, 0x79, 0x65))).toEqual({ code: 1000, reason: 'bye' });
  expect(parseClosePayload(Uint8Array.of(0x03, 0xe8))).toEqual({ code: 1000, reason: '' });
});

test('of all 65,536 codes exactly those of §7.4 are sent and received', () => {
  const accepted: number[] = [];
  for (let code = 0; code < 65536; code++) {
    const payload = Uint8Array.of(code >> 8, code & 0xff);
    if (isSendableCloseCode(code) !== isReceivableCloseCode(code)) expect(code).toBe('the same both ways');
    if (isSendableCloseCode(code) !== sendable(code)) expect(code).toBe('judged by §7.4');
    if (!sendable(code)) continue;
    accepted.push(code);
    if (parseClosePayload(payload).code !== code) expect(code).toBe('parsed');
    if (encodeClosePayload({ code, reason: '' }).join() !== payload.join()) expect(code).toBe('encoded');
  }
  expect(accepted).toHaveLength(4 + 8 + 2000);
});

describe('refused close payloads', () => {
  test.each([
    ['a single byte', [0x03], 'INVALID_CLOSE', 1002],
    ...[0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2999, 5000, 65535].map(
      (code) => [`code ${code}`, [code >> 8, code & 0xff], 'INVALID_CLOSE', 1002] as const,
    ),
    ['a reason cut within a code point', [0x03, 0xe8, 0xe2, 0x82], 'INVALID_UTF8', 1007],
    ['a reason with a surrogate', [0x03, 0xe8, 0xed, 0xa0, 0x80], 'INVALID_UTF8', 1007],
  ] as const)('%s', (_name, bytes, code, closeCode) => {
    expect(() => parseClosePayload(Uint8Array.from(bytes))).toThrow(expect.objectContaining({ code, closeCode }));
  });
});

test.each([0, 1004, 1005, 1006, 1015, 2999, 5000, 1000.5, Number.NaN])(
  'code %d cannot be sent with a reason',
  (code) => {
    expect(() => encodeClosePayload({ code, reason: 'x' })).toThrow(RangeError);
  },
);

test('a long reason is cut at 123 bytes, between two code points', () => {
  expect(encodeClosePayload({ code: 1000, reason: 'x'.repeat(200) })).toHaveLength(125);
  // 61 × 2 bytes are 122, and half an é would be the 123rd.
  expect(parseClosePayload(encodeClosePayload({ code: 1000, reason: 'é'.repeat(100) })).reason).toBe('é'.repeat(61));
  expect(parseClosePayload(encodeClosePayload({ code: 1000, reason: '🚢'.repeat(100) })).reason).toBe('🚢'.repeat(30));
});

test('any reason arrives as its longest beginning that fits', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 150 }), (reason) => {
      const payload = encodeClosePayload({ code: 4000, reason });
      const { reason: arrived } = parseClosePayload(payload);
      expect(reason.startsWith(arrived)).toBe(true);
      expect(payload.length).toBeLessThanOrEqual(125);
      const next = String.fromCodePoint(reason.codePointAt(arrived.length) ?? 0);
      if (arrived !== reason) expect(payload.length + utf8(next).length).toBeGreaterThan(125);
    }),
  );
});
