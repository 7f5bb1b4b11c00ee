import { constants, createInflateRaw } from 'node:zlib';
import { FLUSH_TAIL } from './inflate-steps.ts';
import { SyncStream } from './sync-stream.ts';

/** For larger payloads no stream is kept. */
export const HOT_PAYLOAD_BYTES = 16 * 1024;
/** Up to so much comes of them. */
const MOST_OUTPUT_BYTES = 128 * 1024;
/** A message is two blocks at the least, most often. Each is a call. */
const MOST_BLOCKS = 8;

let input = new Uint8Array(0);
let output = new Uint8Array(0);

/** A stream that goes on behind `dictionary`. */
export function createHotInflater(windowBits: number, dictionary: Uint8Array): SyncStream {
  return new SyncStream(
    createInflateRaw({
      windowBits,
      chunkSize: constants.Z_MIN_CHUNK,
      ...(dictionary.length > 0 ? { dictionary } : {}),
    }),
  );
}

/**
 * Inflates a payload of at most `HOT_PAYLOAD_BYTES` with a stream that has inflated those before it. Gives a view that is
 * good until the next call, or `undefined` when it is not certain to be right: too large, malformed, or merely unusual. The
 * stream is spoilt then, and the message is to be judged by other means.
 *
 * zlib says of a stream that goes on only what it read and wrote, not whether it stands between two blocks, where a
 * message has to end (RFC 7692 §7.2.2). So it is made to stop at the end of each (Z_BLOCK), with one byte more to read than
 * there is. The last block must end with the tail that we append, before that byte, and begin in the payload's last byte
 * or behind it: then it is the empty stored block whose header ends the payload, for nothing else fits in so few bits.
 */
export function inflateHot(stream: SyncStream, payload: Uint8Array, maxBytes: number): Uint8Array | undefined {
  if (payload.length === 0) return undefined;
  if (input.length === 0) {
    input = new Uint8Array(HOT_PAYLOAD_BYTES + FLUSH_TAIL.length + 1);
    output = new Uint8Array(MOST_OUTPUT_BYTES);
  }
  input.set(payload);
  input.set(FLUSH_TAIL, payload.length);
  const end = payload.length + FLUSH_TAIL.length;
  // zlib stops where the output is full, too: one byte is always to be left.
  const room = Math.min(output.length, maxBytes + 1);
  let length = 0;
  let at = 0;
  for (let blocks = 0; blocks < MOST_BLOCKS; blocks++) {
    if (!stream.write(constants.Z_BLOCK, input, at, end + 1, output, length, room)) return undefined;
    const blockAt = at;
    at = end + 1 - stream.inputLeft;
    length = room - stream.outputLeft;
    if (stream.outputLeft === 0) return undefined;
    if (at === end) return blockAt >= payload.length - 1 ? output.subarray(0, length) : undefined;
  }
  return undefined;
}
