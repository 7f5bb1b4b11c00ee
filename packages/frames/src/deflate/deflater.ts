import { constants, deflateRawSync } from 'node:zlib';
import type { Role } from '../opcode.ts';
import { compact, History } from './history.ts';
import { checkedWindowBits, type DeflateParameters, wholeNumber } from './parameters.ts';

/** What §7.2.1 cuts off the end of a message: the body of the empty stored block that a sync flush ends with. */
const TAIL_BYTES = 4;

/**
 * How much of what went before a part may refer to, however large the agreed window. zlib hashes all of it anew for every
 * part: 32 KiB would take a message of 1 KiB about three times as long as 16 KiB, and make it hardly smaller.
 */
const MAX_HISTORY_BYTES = 16 * 1024;

const LARGEST_CHUNK_BYTES = 64 * 1024;

/** zlib's raw DEFLATE has no window of 2^8. */
const MIN_ZLIB_WINDOW_BITS = 9;

/** How a {@link MessageDeflater} compresses. */
export interface MessageDeflaterOptions {
  /** Who we are. */
  readonly role: Role;
  readonly parameters: DeflateParameters;
  /**
   * zlib's effort, 0 (stored) to 9. Default 4: within a few percent of 6, and never more than about 2 ms for 64 KiB, where
   * data with many near repetitions would hold the event loop five times as long at 6 and for half a second at 9.
   */
  readonly level?: number;
  /** zlib's memory while it works, 1 to 9. Default 8, about 256 KiB; nothing of it is kept between parts. */
  readonly memLevel?: number;
}

/**
 * Compresses our messages (RFC 7692 §7.2.1), at once: each part is one call of zlib with what went before as its dictionary,
 * so that between calls only up to 16 KiB are kept and no zlib stream. A part of 64 KiB takes about a millisecond: give a
 * large message in such parts, and let the event loop turn between them.
 */
export class MessageDeflater {
  readonly #noContextTakeover: boolean;
  readonly #windowBits: number;
  readonly #level: number;
  readonly #memLevel: number;
  readonly #history: History;
  #withinMessage = false;

  /** Throws RangeError for window bits that are not 8–15, a level that is not 0–9 or a memLevel that is not 1–9. */
  constructor({ role, parameters, level = 4, memLevel = 8 }: MessageDeflaterOptions) {
    const server = role === 'server';
    const bits = server
      ? checkedWindowBits('serverMaxWindowBits', parameters.serverMaxWindowBits)
      : checkedWindowBits('clientMaxWindowBits', parameters.clientMaxWindowBits);
    this.#noContextTakeover = server ? parameters.serverNoContextTakeover : parameters.clientNoContextTakeover;
    // zlib never refers further back than its window less 262 bytes: 250 bytes with 9 bits, which keeps to 2^8 as well.
    this.#windowBits = Math.max(bits, MIN_ZLIB_WINDOW_BITS);
    this.#level = wholeNumber('level', level, 0, 9);
    this.#memLevel = wholeNumber('memLevel', memLevel, 1, 9);
    this.#history = new History(Math.min(2 ** bits, MAX_HISTORY_BYTES));
  }

  /**
   * One part of a message, to be sent as one fragment or joined with the others. `last` ends the message: its last four
   * bytes are dropped (§7.2.1), and so is the context where no takeover was agreed. An empty message is the one byte 00
   * (§7.2.3.6).
   */
  deflate(part: Uint8Array, last: boolean): Uint8Array {
    const deflated = this.#deflate(part);
    this.#withinMessage = !last;
    if (last && this.#noContextTakeover) this.#history.clear();
    else this.#history.append(part);
    return compact(last ? deflated.subarray(0, deflated.length - TAIL_BYTES) : deflated);
  }

  /**
   * A whole message in one go, or `undefined` when it would not become smaller: then nothing is remembered, send it
   * uncompressed. Throws RangeError in the middle of a message.
   */
  deflateMessage(message: Uint8Array): Uint8Array | undefined {
    if (this.#withinMessage) throw new RangeError('expected the last part of the message begun, got a whole message');
    const deflated = this.#deflate(message);
    const length = deflated.length - TAIL_BYTES;
    if (length >= message.length) return undefined;
    if (!this.#noContextTakeover) this.#history.append(message);
    return compact(deflated.subarray(0, length));
  }

  #deflate(part: Uint8Array): Uint8Array {
    const dictionary = this.#history.bytes;
    return deflateRawSync(part, {
      finishFlush: constants.Z_SYNC_FLUSH,
      windowBits: this.#windowBits,
      level: this.#level,
      memLevel: this.#memLevel,
      // One buffer for most results, no larger than it may have to be.
      chunkSize: Math.min(LARGEST_CHUNK_BYTES, part.length + 256),
      ...(dictionary.length > 0 ? { dictionary } : {}),
    });
  }
}
