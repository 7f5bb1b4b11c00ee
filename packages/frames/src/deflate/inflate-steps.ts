import { FrameError } from '../errors.ts';
import type { Output } from './output.ts';
import { readSmallStream } from './small-stream.ts';

/** What §7.2.2 appends to a message: the body of the empty stored block that its last byte begins. */
export const FLUSH_TAIL = Uint8Array.of(0x00, 0x00, 0xff, 0xff);

/**
 * And a final empty block behind it: zlib then comes to the end of a stream exactly when the message ended between two
 * blocks, and says "unexpected end" when it stopped in the middle of one.
 */
export const TAIL = Uint8Array.of(...FLUSH_TAIL, 0x01, 0x00, 0x00, 0xff, 0xff);

/** Most messages are one stream, and some peers end it with BFINAL. More than this many in one message is odd. */
const USUAL_STREAMS = 4;
/** Up to how much input and output a stream counts as small. */
const SMALL_BYTES = 1024;
/** How many bytes in and out are read between two pauses, where every stream counts for some more: a millisecond or two. */
const BYTES_A_TURN = 32 * 1024;
const BYTES_A_STREAM = 128;

/** For zlib to inflate, with TAIL appended unless `bare`. */
export interface InflateStep {
  readonly input: Uint8Array;
  readonly dictionary: Uint8Array;
  /** FrameError TOO_BIG beyond it. */
  readonly maxBytes: number;
  /** Without TAIL and whatever its end, for what comes of it alone. */
  readonly bare: boolean;
}

/** What zlib made of it, and how much of input and tail its stream took. */
export interface InflateResult {
  readonly bytes: Uint8Array;
  readonly consumed: number;
}

/**
 * Inflates the payload of one message into `output`, without saying how zlib is called: yields what zlib has to do and
 * is given what it made of it; yields `undefined` where a pause may be made. A block with BFINAL ends zlib's stream but
 * not the message (RFC 7692 §7.2.3.4): the next begins at the next byte. A message that ends exactly with such a block is
 * taken as complete without its closing byte 00. Throws FrameError.
 */
export function* inflateSteps(
  payload: Uint8Array,
  output: Output,
  maxBytes: number,
): Generator<InflateStep | undefined, void, InflateResult | undefined> {
  let at = 0;
  for (let streams = 0; ; streams++) {
    if (streams >= USUAL_STREAMS) {
      at = yield* readSmallStreams(payload, at, output, maxBytes);
      if (at === payload.length) return;
    }
    const input = payload.subarray(at);
    const step = { input, dictionary: output.dictionary(), maxBytes: maxBytes - output.length, bare: false };
    const { bytes, consumed } = (yield step)!;
    if (consumed > input.length) {
      const whole = consumed === input.length + TAIL.length || consumed === input.length + FLUSH_TAIL.length;
      if (!whole || (endsAsTail(bytes) && (yield { ...step, bare: true })!.bytes.length < bytes.length)) {
        throw new FrameError('INVALID_DEFLATE', 'expected whole DEFLATE blocks, got a message that ends within one');
      }
    }
    output.append(bytes);
    at += consumed;
    if (at >= payload.length) return;
  }
}

/** A stored block that lacks its last bytes takes the tail for its own. */
function endsAsTail(bytes: Uint8Array): boolean {
  const from = bytes.length - FLUSH_TAIL.length;
  return from >= 0 && FLUSH_TAIL.every((byte, i) => bytes[from + i] === byte);
}

/**
 * A call of zlib costs some ten microseconds, however short the stream. A hostile message of nothing but empty final
 * blocks would make millions of them; so where there are many, the small ones are read here, and zlib is only called for
 * what is worth it. Gives the position of the first stream that is not small, or the end.
 */
function* readSmallStreams(
  payload: Uint8Array,
  from: number,
  output: Output,
  maxBytes: number,
): Generator<undefined, number, unknown> {
  let at = from;
  let work = 0;
  while (at < payload.length) {
    const before = output.length;
    const end = Math.min(payload.length, at + SMALL_BYTES);
    const next = readSmallStream(payload, at, end, output, Math.min(SMALL_BYTES, maxBytes - before));
    if (next === undefined) {
      output.truncate(before);
      break;
    }
    work += BYTES_A_STREAM + next - at + output.length - before;
    at = next;
    if (work >= BYTES_A_TURN) {
      work = 0;
      yield undefined;
    }
  }
  return at;
}
