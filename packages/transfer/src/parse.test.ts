import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeFileDataInPlace } from './encode.ts';
import { encodePacket, MAX_CONTROL_LENGTH, MAX_NOTE_LENGTH, type Packet, parsePacket, TransferError } from './index.ts';

function refusal(message: string | Uint8Array): TransferError {
  try {
    parsePacket(message);
  } catch (error) {
    expect(error).toBeInstanceOf(TransferError);
    return error as TransferError;
  }
  throw new Error('expected the packet to be refused');
}

const md5 = '0123456789abcdef0123456789abcdef';
const packets: Packet[] = [
  { type: 'NEW_FILE', id: 1, name: 'a.txt' },
  { type: 'NEW_FILE', id: 0xffff_ffff, name: '', size: 0, modified: -1.5, resumeKey: 'k', onConflict: 'rename' },
  { type: 'NEW_FILE', id: 1, name: 'a', folder: ['b', 'c'], executable: true, resumeKey: '!'.repeat(128), request: 3 },
  { type: 'ACK_NEW_FILE', id: 1, code: 'OK' },
  { type: 'ACK_NEW_FILE', id: 1, code: 'OK', message: 'm', offset: 5, prefixDigest: md5, window: 9, digest: 'md5' },
  { type: 'ACK_FILE_DATA', id: 1, stored: Number.MAX_SAFE_INTEGER, window: 0 },
  { type: 'FILE_END', id: 1, md5 },
  { type: 'FILE_END', id: 1, sha256: md5 + md5 },
  { type: 'ACK_FILE_END', id: 1, code: 'OK', name: 'a', path: '/a', size: 1, existing: true },
  { type: 'CANCEL_FILE', id: 1 },
  { type: 'ACK_NEW_FILE', id: 1, code: 'OK', restarted: 'SOURCE_CHANGED' },
  { type: 'PAUSE_FILE', id: 1 },
  { type: 'RESUME_FILE', id: 1 },
  { type: 'NEW_FOLDER', id: 1, name: 'a', folder: ['b'], modified: 1 },
  { type: 'ACK_NEW_FOLDER', id: 1, code: 'OK', message: 'm', name: 'a' },
  { type: 'GET_FILE', request: 1, name: 'a', folder: ['b'] },
  { type: 'ACK_GET_FILE', request: 1, code: 'NOT_FOUND', message: 'm' },
  { type: 'LIST_FILES', request: 1, folder: ['b'], recursive: true, after: 'x' },
  {
    type: 'FILE_LIST',
    request: 1,
    code: 'OK',
    entries: [
      { name: 'a', folder: ['b'], kind: 'file', size: 1, modified: 1.5, executable: true },
      { name: 'b', kind: 'folder' },
    ],
    next: 'x',
  },
  { type: 'NOTE', text: 'x'.repeat(MAX_NOTE_LENGTH), request: 1 },
  { type: 'ACK_NOTE', request: 1, code: 'OK' },
  { type: 'NOTE_POSTED', text: 'hello', at: 1 },
  { type: 'ERROR', code: 'BAD_PACKET', message: 'no', request: 1 },
  { type: 'ERROR', code: 'BAD_PACKET', message: 'no' },
  { type: 'WATCH', recent: 3 },
  { type: 'FILE_ARRIVED', name: 'a', size: 1, md5, at: 1 },
  { type: 'FILE_ARRIVED', name: 'a', size: 1, sha256: md5 + md5, at: 1, existing: true },
  { type: 'PROBE', probe: 1 },
  { type: 'PROBE', probe: 0xffff_ffff, about: true },
  { type: 'ACK_PROBE', probe: 1 },
  { type: 'ACK_PROBE', probe: 1, about: { software: 'ferry/1.2.3' } },
  { type: 'FILE_DATA', id: 1, offset: 0, bytes: new Uint8Array(0) },
  { type: 'FILE_DATA', id: 0xffff_ffff, offset: 2 ** 53 - 1, bytes: new Uint8Array([1, 2, 3]) },
];

describe('parsePacket', () => {
  test.each(packets)('what encodePacket makes of $type comes back the same', (packet) => {
    expect(parsePacket(encodePacket(packet))).toEqual(packet);
  });

  test('FILE_DATA made in place has its header in front of its bytes, and nothing else is touched', () => {
    const memory = new Uint8Array(100).fill(7);
    const message = encodeFileDataInPlace({
      type: 'FILE_DATA',
      id: 9,
      offset: 2 ** 40 + 1,
      bytes: memory.subarray(50, 60),
    });
    const bytes = new Uint8Array(10).fill(7);
    expect(message).toEqual(encodePacket({ type: 'FILE_DATA', id: 9, offset: 2 ** 40 + 1, bytes }));
    expect(memory.subarray(34, 60)).toEqual(message);
    expect([...memory.subarray(0, 34), ...memory.subarray(60)].every((byte) => byte === 7)).toBe(true);
  });

  test('unknown fields are ignored', () => {
    expect(parsePacket('{"type":"CANCEL_FILE","id":3,"later":[1]}')).toEqual({ type: 'CANCEL_FILE', id: 3 });
  });

  test.each([
    ['text that is no JSON', 'NEW_FILE a.txt', undefined],
    ['JSON that is no object', '[1]', undefined],
    ['null', 'null', undefined],
    ['an object without a type', '{"id":3}', 3],
    ['a type that is no string', '{"type":7,"id":3}', 3],
    ['a missing name', '{"type":"NEW_FILE","id":3}', 3],
    ['a name that is no string', '{"type":"NEW_FILE","id":3,"name":{}}', 3],
    ['an id of 0', '{"type":"NEW_FILE","id":0,"name":"a"}', undefined],
    ['an id of 2^32', '{"type":"NEW_FILE","id":4294967296,"name":"a"}', undefined],
    ['half an id', '{"type":"NEW_FILE","id":1.5,"name":"a"}', undefined],
    ['a size below 0', '{"type":"NEW_FILE","id":3,"name":"a","size":-1}', 3],
    ['a size above 2^53', '{"type":"NEW_FILE","id":3,"name":"a","size":9007199254740993}', 3],
    ['a folder that is one string', '{"type":"NEW_FILE","id":3,"name":"a","folder":"b/c"}', 3],
    ['a resume key with a space', '{"type":"NEW_FILE","id":3,"name":"a","resumeKey":"a b"}', 3],
    ['a resume key of nothing', '{"type":"NEW_FILE","id":3,"name":"a","resumeKey":""}', 3],
    ['a longer resume key', `{"type":"NEW_FILE","id":3,"name":"a","resumeKey":"${'k'.repeat(129)}"}`, 3],
    ['a longer note', `{"type":"NOTE","text":"${'x'.repeat(MAX_NOTE_LENGTH + 1)}"}`, undefined],
    ['a probe of 0', '{"type":"PROBE","probe":0}', undefined],
    ['about that is no text', '{"type":"ACK_PROBE","probe":1,"about":{"a":1}}', undefined],
    ['FILE_END without a digest', '{"type":"FILE_END","id":3}', 3],
    ['an MD5 of the wrong length', '{"type":"FILE_END","id":3,"md5":"ab"}', 3],
    ['a binary message shorter than its header', new Uint8Array(15), undefined],
    ['more control characters than the limit', ' '.repeat(MAX_CONTROL_LENGTH + 1), undefined],
    ['FILE_DATA with the id 0', Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), undefined],
    ['FILE_DATA whose zero bytes are not', Uint8Array.of(1, 0, 9, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0), 3],
    ['FILE_DATA at 2^53', Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 3, 0, 0x20, 0, 0, 0, 0, 0, 0), 3],
  ])('%s is BAD_PACKET', (_name, message, id) => {
    expect(refusal(message)).toMatchObject({ code: 'BAD_PACKET', id });
  });

  test.each([
    ['FILE_DATA as JSON', '{"type":"FILE_DATA","id":1}'],
    ['a name of Object.prototype', '{"type":"constructor"}'],
    ['binary of another kind', new Uint8Array(16)],
  ])('%s is UNKNOWN_TYPE', (_name, message) => {
    expect(refusal(message).code).toBe('UNKNOWN_TYPE');
  });

  test.each([
    ['LIST_FILES', { request: 7 }],
    ['GET_FILE', { request: 7 }],
    ['GET_LATER', { request: 7 }],
    ['FILE_LIST', { answer: 7 }],
    ['ACK_GET_FILE', { answer: 7 }],
    ['NEW_FILE', { answer: 7 }],
  ])('a malformed %s tells whose request it was', (type, about) => {
    expect(refusal(JSON.stringify({ type, request: 7, folder: 1 }))).toMatchObject(about);
  });

  test('any text, any JSON, anything shaped like a packet and any bytes: a packet or a TransferError', () => {
    const shaped = fc.record(
      {
        type: fc.constantFrom(...packets.map(({ type }) => type)),
        id: fc.oneof(fc.integer(), fc.anything()),
        name: fc.anything(),
        code: fc.anything(),
        size: fc.anything(),
        md5: fc.anything(),
        stored: fc.anything(),
        folder: fc.anything(),
        request: fc.anything(),
        entries: fc.anything(),
        text: fc.anything(),
      },
      { requiredKeys: ['type'] },
    );
    const json = fc.oneof(
      fc.json(),
      shaped.map((value) => stringify(value)),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.oneof(json, fc.uint8Array({ maxLength: 40 })), (message) => {
        try {
          expect(packets.map(({ type }) => type)).toContain(parsePacket(message).type);
        } catch (error) {
          expect(error).toBeInstanceOf(TransferError);
          expect(['BAD_PACKET', 'UNKNOWN_TYPE']).toContain((error as TransferError).code);
        }
      }),
      { numRuns: 500 },
    );
  });
});

function stringify(value: unknown): string {
  try {
    return JSON.stringify(value, (_key, inner) => (typeof inner === 'bigint' ? `${inner}` : inner)) ?? 'null';
  } catch {
    return '{}';
  }
}
