import { decodeUtf8 } from './utf8.ts';

/**
 * A text message as the bytes it travels in, UTF-8: for programs that pass text on, or parse bytes, and need no string. Making
 * one out of bytes that are no text is nobody's error until it is sent. Its `slice()` and `subarray()` are plain bytes, since
 * a part of a text need not be one.
 */
export class TextBytes extends Uint8Array {
  static get [Symbol.species](): Uint8ArrayConstructor {
    return Uint8Array;
  }

  /** The text. Throws TypeError when it is none. */
  override toString(): string {
    const text = decodeUtf8(this);
    if (text === undefined) throw new TypeError('expected UTF-8, got other bytes');
    return text;
  }
}

/** A view of the same bytes, of which it is known that they are text. */
export function asText({ buffer, byteOffset, length }: Uint8Array): TextBytes {
  return new TextBytes(buffer as ArrayBuffer, byteOffset, length);
}
