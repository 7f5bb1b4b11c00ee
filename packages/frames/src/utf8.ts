import { FrameError } from './errors.ts';

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
    let at = 0;
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
