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

  /** Also of a class that came with another copy of this package. */
  get isText(): true {
    return true;
  }

  /** The text. Throws TypeError when it is none. */
  override toString(): string {
    const text = decodeUtf8(this);
    if (text === undefined) throw new TypeError('expected UTF-8, got other bytes');
    return text;
  }
}

/**
 * Whether these bytes are {@link TextBytes}. It looks for a property: `instanceof` takes a third of what a message of 64 bytes
 * costs.
 */
export function isTextBytes(bytes: Uint8Array): bytes is TextBytes {
  return (bytes as Partial<TextBytes>).isText === true;
}

/** A view of the same bytes, of which it is known that they are text. */
export function asText({ buffer, byteOffset, length }: Uint8Array): TextBytes {
  return new TextBytes(buffer as ArrayBuffer, byteOffset, length);
}
