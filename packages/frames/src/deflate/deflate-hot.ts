import { constants, createDeflateRaw, type ZlibOptions } from 'node:zlib';
import { SyncStream } from './sync-stream.ts';

/** For longer parts no stream is kept: beside their own work a dictionary costs little, and they use a whole window. */
export const HOT_PART_BYTES = 32 * 1024;
/** By how much a part may become longer: five bytes for each stored block, of which there are few. */
const SLACK_BYTES = 1024;
/** What a dictionary reaches, too. Half of 2^15 takes a quarter of the time and 64 KiB off each stream. */
const MOST_WINDOW_BITS = 14;

let output = new Uint8Array(0);

/** A stream that goes on behind `options.dictionary`. */
export function createHotDeflater(options: ZlibOptions & { readonly windowBits: number }): SyncStream {
  return new SyncStream(
    createDeflateRaw({
      ...options,
      windowBits: Math.min(options.windowBits, MOST_WINDOW_BITS),
      chunkSize: constants.Z_MIN_CHUNK,
    }),
  );
}

/**
 * Compresses a part of at most `HOT_PART_BYTES`, with the sync flush at its end, by a stream that has compressed what went
 * before. Gives a view that is good until the next call, or `undefined` when that becomes too long: the stream is spoilt then.
 */
export function deflateHot(stream: SyncStream, part: Uint8Array): Uint8Array | undefined {
  if (output.length === 0) output = new Uint8Array(HOT_PART_BYTES + SLACK_BYTES);
  if (!stream.write(constants.Z_SYNC_FLUSH, part, 0, part.length, output, 0, output.length)) return undefined;
  // zlib stops where the output is full, too: there may be more then.
  return stream.outputLeft === 0 ? undefined : output.subarray(0, output.length - stream.outputLeft);
}
