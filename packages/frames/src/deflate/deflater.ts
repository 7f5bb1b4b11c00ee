import { constants, deflateRawSync } from 'node:zlib';
import type { Role } from '../opcode.ts';
import { createHotDeflater, deflateHot, HOT_PART_BYTES } from './deflate-hot.ts';
import { compact, History } from './history.ts';
import { HotStreams } from './hot-streams.ts';
import { checkedWindowBits, type DeflateParameters, wholeNumber } from './parameters.ts';
import type { SyncStream } from './sync-stream.ts';

/** What §7.2.1 cuts off the end of a message: the body of the empty stored block that a sync flush ends with. */
const TAIL_BYTES = 4;

/**
 * How long a dictionary may be, however large the agreed window. zlib hashes all of it anew for every part: 32 KiB would
 * take a message of 1 KiB about three times as long as 16 KiB, and make it hardly smaller.
 */
const MAX_HISTORY_BYTES = 16 * 1024;

const LARGEST_CHUNK_BYTES = 64 * 1024;

/** zlib's raw DEFLATE has no window of 2^8. */
const MIN_ZLIB_WINDOW_BITS = 9;

/** docs/decisions/0019-hot-streams.md. Each has 192 KiB at the default memLevel: 6 MiB in all. */
export const hotDeflaters = new HotStreams(32, 1024);

/** An empty part with its sync flush: an empty stored block. */
const EMPTY = Uint8Array.of(0x00, 0x00, 0x00, 0xff, 0xff);

/** How a {@link MessageDeflater} compresses. */
export interface MessageDeflaterOptions {
  /** Who we are. */
  readonly role: Role;
  readonly parameters: DeflateParameters;
  /**
   * zlib's effort, 0 (stored) to 9. Default 5: within one percent of 6, and never more than about 5 ms for 64 KiB, where
   * data with many near repetitions would hold the event loop twice as long at 6 and for half a second at 9.
   */
  readonly level?: number;
  /** zlib's memory while it works, 1 to 9. Default 8, about 256 KiB; between parts a few in a process keep it. */
  readonly memLevel?: number;
}

/**
 * Compresses our messages (RFC 7692 §7.2.1), at once. Each part is one call of zlib with what went before as its dictionary:
 * between calls up to 16 KiB are kept. Only those used most, 32 in a process, keep a zlib stream, and are about twice as
 * fast. A part of 64 KiB takes about a millisecond: give a large message in such parts, and let the event loop turn between
 * them.
 */
export class MessageDeflater {
  readonly #noContextTakeover: boolean;
  readonly #windowBits: number;
  readonly #level: number;
  readonly #memLevel: number;
  readonly #history: History;
  #hot: SyncStream | undefined;
  #withinMessage = false;

  /** Throws RangeError for window bits that are not 8–15, a level that is not 0–9 or a memLevel that is not 1–9. */
  constructor({ role, parameters, level = 5, memLevel = 8 }: MessageDeflaterOptions) {
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
    const deflated = this.#deflate(part, false);
    this.#withinMessage = !last;
    this.#remember(part, last);
    return compact(last ? deflated.subarray(0, deflated.length - TAIL_BYTES) : deflated);
  }

  /**
   * A whole message in one go, or `undefined` when it would not become smaller: then nothing is remembered, send it
   * uncompressed. With `lend` the bytes may be good only until the next call of any deflater, for who copies them at once.
   * Throws RangeError in the middle of a message.
   */
  deflateMessage(message: Uint8Array, { lend = false }: { readonly lend?: boolean } = {}): Uint8Array | undefined {
    if (this.#withinMessage) throw new RangeError('expected the last part of the message begun, got a whole message');
    const deflated = this.#deflate(message, lend);
    const length = deflated.length - TAIL_BYTES;
    if (length >= message.length) {
      this.release(); // the stream knows the message already
      return undefined;
    }
    this.#remember(message, true);
    const bytes = deflated.subarray(0, length);
    return lend ? bytes : compact(bytes);
  }

  /** Gives back the zlib stream, if there is one. To be called at a connection's end; what still comes is compressed. */
  release(): void {
    if (this.#hot !== undefined) hotDeflaters.drop(this.#hot);
    this.#hot = undefined;
  }

  #remember(part: Uint8Array, last: boolean): void {
    if (!last || !this.#noContextTakeover) {
      this.#history.append(part);
      return;
    }
    this.#history.clear();
    if (this.#hot !== undefined && !this.#hot.closed) this.#hot.reset();
  }

  #deflate(part: Uint8Array, lend: boolean): Uint8Array {
    if (part.length === 0) return EMPTY.slice();
    const stream = part.length > HOT_PART_BYTES ? undefined : this.#hotStream();
    const view = stream && deflateHot(stream, part);
    if (view !== undefined) return lend ? view : view.slice();
    this.release();
    return deflateRawSync(part, {
      ...this.#zlibOptions(),
      finishFlush: constants.Z_SYNC_FLUSH,
      // One buffer for most results, no larger than it may have to be.
      chunkSize: Math.min(LARGEST_CHUNK_BYTES, part.length + 256),
    });
  }

  /** Ours, or a new one if there is a place for it. */
  #hotStream(): SyncStream | undefined {
    if (this.#hot === undefined || this.#hot.closed) {
      this.#hot = undefined;
      // A stream keeps its dictionary through a reset, and would refer to it where no takeover was agreed.
      if (this.#noContextTakeover && this.#history.bytes.length > 0) return undefined;
      if (!hotDeflaters.makeRoom()) return undefined;
      this.#hot = createHotDeflater(this.#zlibOptions());
    }
    hotDeflaters.used(this.#hot);
    return this.#hot;
  }

  #zlibOptions() {
    const dictionary = this.#history.bytes;
    return {
      windowBits: this.#windowBits,
      level: this.#level,
      memLevel: this.#memLevel,
      ...(dictionary.length > 0 ? { dictionary } : {}),
    };
  }
}
