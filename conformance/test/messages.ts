/** `length` bytes in which no neighbours repeat soon, so that a lost or doubled piece shows. */
export function bytes(length: number): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(length);
  for (let i = 0; i < length; i++) result[i] = (i * 31 + (i >> 8)) & 0xff;
  return result;
}

/** What every pair of peers must bring across unchanged: both kinds, around each length form of §5.2. */
export const messages: readonly (readonly [title: string, data: string | Uint8Array<ArrayBuffer>])[] = [
  ['empty text', ''],
  ['empty binary', bytes(0)],
  ['text with characters of one to four bytes', 'aé€😀\u0000'],
  ['125 bytes, the longest short form', bytes(125)],
  ['126 bytes, the shortest 16-bit form', bytes(126)],
  ['64 KiB - 1, the longest 16-bit form', bytes(65_535)],
  ['64 KiB, the shortest 64-bit form', bytes(65_536)],
  ['64 KiB of text', 'ü'.repeat(32_768)],
  ['1 MiB', bytes(1_048_576)],
];

/** The first message of `source`, or an error when it ends before. */
export async function first(source: AsyncIterable<string | Uint8Array>): Promise<string | Uint8Array> {
  for await (const message of source) return message;
  throw new Error('expected a message, but the connection closed');
}

/** Whether two messages are of one kind and equal. The runner's own comparison takes seconds for a mebibyte. */
export function same(a: unknown, b: string | Uint8Array): boolean {
  return a instanceof Uint8Array && b instanceof Uint8Array ? Buffer.compare(a, b) === 0 : a === b;
}
