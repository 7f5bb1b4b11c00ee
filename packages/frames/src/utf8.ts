import { FrameError } from './errors.ts';

type IsUtf8 = (bytes: Uint8Array) => boolean;

/** Node's own check, a hundred times as fast as ours, where this runs in Node. */
const nativeIsUtf8 = (
  globalThis as { process?: { getBuiltinModule?: (id: string) => { isUtf8?: IsUtf8 } | undefined } }
).process?.getBuiltinModule?.('buffer')?.isUtf8;

/** Below this our own loop has finished before Node's check is called. */
const MIN_NATIVE_BYTES = 64;

/** Whether the bytes are UTF-8 (RFC 3629) from their beginning to their end. */
export function isUtf8(bytes: Uint8Array): boolean {
  if (nativeIsUtf8 !== undefined && bytes.length >= MIN_NATIVE_BYTES) return nativeIsUtf8(bytes);
  const validator = new Utf8Validator();
  return validator.write(bytes) && validator.complete;
}

/**
 * Is this UTF-8 (RFC 3629)? Takes the bytes in any pieces and says no at the first byte that cannot belong: stray
 * continuation bytes, overlong forms, surrogates, anything above U+10FFFF (RFC 6455 §8.1).
 */
export class Utf8Validator {
  /** Continuation bytes still to come for the code point begun. */
  #missing = 0;
  // The next byte must lie in here. Only the byte after the first is ever narrowed (Unicode, table 3-7).
  #lowest = 0x80;
  #highest = 0xbf;

  /** False as soon as a byte is impossible; then the validator is of no further use. */
  write(bytes: Uint8Array): boolean {
    const end = bytes.length;
    let at = this.#missing === 0 ? wholeCodePoints(bytes) : 0;
    while (at < end) {
      if (this.#missing === 0) {
        at = skipAscii(bytes, at);
        if (at === end) return true;
        if (!this.#begin(bytes[at]!)) return false;
      } else {
        const byte = bytes[at]!;
        if (byte < this.#lowest || byte > this.#highest) return false;
        this.#missing--;
        this.#lowest = 0x80;
        this.#highest = 0xbf;
      }
      at++;
    }
    return true;
  }

  /** Whether no code point is left half: the text may end here. */
  get complete(): boolean {
    return this.#missing === 0;
  }

  #begin(byte: number): boolean {
    // C0 and C1 could only start overlong forms, F5 and above only what lies beyond U+10FFFF.
    if (byte < 0xc2 || byte > 0xf4) return false;
    this.#missing = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    if (byte === 0xe0) this.#lowest = 0xa0;
    else if (byte === 0xf0) this.#lowest = 0x90;
    else if (byte === 0xed) this.#highest = 0x9f;
    else if (byte === 0xf4) this.#highest = 0x8f;
    return true;
  }
}

/**
 * Up to where Node's check found whole code points, so that the rest is less than one; 0 when it was not asked or found fault:
 * then it is for the loop to say where.
 */
function wholeCodePoints(bytes: Uint8Array): number {
  if (nativeIsUtf8 === undefined || bytes.length < MIN_NATIVE_BYTES) return 0;
  let end = bytes.length;
  // The last code point may be half: it begins at the last byte that continues none, at most three bytes before the end.
  for (let back = 1; back <= 4; back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) break;
    end = bytes.length - back;
    if (byte >= 0xc0) break;
  }
  return nativeIsUtf8(bytes.subarray(0, end)) ? end : 0;
}

/** Where the first byte above 0x7F stands at or after `at`, or the end: eight bytes a step. */
function skipAscii(bytes: Uint8Array, start: number): number {
  const end = bytes.length;
  let at = start;
  for (const last = end - 7; at < last; at += 8) {
    const any =
      bytes[at]! |
      bytes[at + 1]! |
      bytes[at + 2]! |
      bytes[at + 3]! |
      bytes[at + 4]! |
      bytes[at + 5]! |
      bytes[at + 6]! |
      bytes[at + 7]!;
    if (any > 0x7f) break;
  }
  while (at < end && bytes[at]! <= 0x7f) at++;
  return at;
}

// A BOM in a message belongs to the message: without ignoreBOM the decoder would swallow it.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text, or `undefined` when the bytes are not UTF-8. Throws FrameError TOO_BIG when no string can be so long. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    // By name, since the class may come from another realm. Only wrong bytes are a TypeError (Encoding Standard).
    if (error instanceof Error && error.name === 'TypeError') return undefined;
    throw new FrameError('TOO_BIG', `expected a text that fits into a string, got one of ${bytes.length} bytes`);
  }
}
