import type { FramePiece } from './decoder.ts';
import type { Frame } from './encode.ts';
import { FrameError } from './errors.ts';
import { checkedLimit, DEFAULT_MAX_BYTES, grownLength } from './limits.ts';
import { copyMasked } from './mask.ts';
import { isControlOpcode, Opcode } from './opcode.ts';
import { asText } from './text-bytes.ts';
import { decodeUtf8, isUtf8, Utf8Validator } from './utf8.ts';

/** A text message is a string, or {@link TextBytes} where that was asked for; a binary one bytes (§5.6). */
export type Message = string | Uint8Array;

/** What text messages are given as. */
export type TextAs = 'string' | 'bytes';

/** Decompresses one whole message; must stop with FrameError TOO_BIG once the output would exceed `maxBytes`. */
export type Inflate = (bytes: Uint8Array, maxBytes: number) => Uint8Array;

/**
 * How far a declared length is believed before its bytes are here. A peer that declares much and sends little can hold
 * at most this many times what it sent; 8 lets a message of 512 KiB do with one buffer when it comes in 64 KiB reads.
 */
const AHEAD = 8;

/** Where a {@link MessageAssembler} gathers messages. What it is given is overwritten from end to end. */
export interface MessageMemory {
  /** Room for so many bytes, with anything in it. */
  allocate(byteLength: number): Uint8Array<ArrayBuffer>;
  /** Room that is there already, of exactly this length: taken as soon as new room of that length would be. */
  reuse(byteLength: number): Uint8Array<ArrayBuffer> | undefined;
}

const newMemory: MessageMemory = {
  allocate: (byteLength) => new Uint8Array(byteLength),
  reuse: () => undefined,
};

/** What a {@link MessageAssembler} accepts. */
export interface MessageAssemblerOptions {
  /** The longest message, judged on declared lengths before anything is kept. Default 64 MiB; Infinity for no limit but a string's own. */
  readonly maxMessageBytes?: number;
  /**
   * For messages whose first frame has RSV1. The place for permessage-deflate (RFC 7692), which comes with
   * `@wsferry/frames/deflate`; without it RSV1 is a violation.
   */
  readonly inflate?: Inflate;
  /** For messages that come in parts. Default: new memory for each. */
  readonly memory?: MessageMemory;
  /** `bytes` gives text messages, validated all the same, as {@link TextBytes}, which no string is made of. Default `string`. */
  readonly text?: TextAs;
}

/**
 * Data frames (or pieces of them) in, messages out (§5.4). Control frames may stand between fragments on the wire, but
 * they are not for the assembler: handle them first. After a violation it stays failed and throws the same FrameError again.
 */
export class MessageAssembler {
  readonly #maxMessageBytes: number;
  readonly #inflate: Inflate | undefined;
  readonly #memory: MessageMemory;
  readonly #textAs: TextAs;
  #failure: unknown;
  /** Of the first frame of the message begun; undefined between messages. */
  #opcode: Opcode | undefined;
  #compressed = false;
  /** Between the pieces of one frame. */
  #withinFrame = false;
  #buffer: Uint8Array<ArrayBuffer> | undefined;
  #length = 0;
  #utf8: Utf8Validator | undefined;

  /** Throws RangeError when `maxMessageBytes` is no number of bytes. */
  constructor({
    maxMessageBytes = DEFAULT_MAX_BYTES,
    inflate,
    memory = newMemory,
    text = 'string',
  }: MessageAssemblerOptions = {}) {
    this.#maxMessageBytes = checkedLimit('maxMessageBytes', maxMessageBytes);
    this.#inflate = inflate;
    this.#memory = memory;
    this.#textAs = text;
  }

  /** Memory retained for the message begun, in bytes. */
  get pendingBytes(): number {
    return this.#buffer?.length ?? 0;
  }

  /**
   * The message that this frame or piece completes, else `undefined`. An unfragmented binary message is the frame's own
   * payload, not a copy. Throws FrameError UNEXPECTED_CONTINUATION, EXPECTED_CONTINUATION, TOO_BIG, INVALID_UTF8 (at the
   * first wrong byte, also in the middle of a frame that comes in pieces) or RESERVED_BITS (RSV1 without `inflate`);
   * RangeError for a control frame, which is the caller's mistake.
   */
  add(frame: Frame | FramePiece): Message | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    if (isControlOpcode(frame.opcode)) {
      throw new RangeError(`expected a data frame, got control opcode ${frame.opcode}: handle control frames first`);
    }
    try {
      return this.#add(frame);
    } catch (error) {
      this.#failure = error;
      this.#reset();
      throw error;
    }
  }

  #add(frame: Frame | FramePiece): Message | undefined {
    const { payload } = frame;
    const payloadLength = 'payloadLength' in frame ? frame.payloadLength : payload.length;
    const offset = 'offset' in frame ? frame.offset : 0;
    const maskingKey = 'maskingKey' in frame ? frame.maskingKey : undefined;
    const frameEnds = offset + payload.length === payloadLength;
    if (!this.#withinFrame) this.#beginFrame(frame, payloadLength);
    this.#withinFrame = !frameEnds;
    // Nothing gathered, and this is all: no need to copy.
    if (this.#length === 0 && payload.length === payloadLength && frame.fin && maskingKey === undefined) {
      return this.#finish(payload);
    }
    if (payload.length > 0) {
      const end = this.#length + payload.length;
      const target = this.#roomFor(end, this.#length + payloadLength - offset, frame.fin);
      if (maskingKey === undefined) target.set(payload, this.#length);
      else copyMasked(target, this.#length, payload, maskingKey, offset);
      if (this.#opcode === Opcode.Text && !this.#compressed) this.#judgeText(target.subarray(this.#length, end));
      this.#length = end;
    }
    if (!frameEnds || !frame.fin) return undefined;
    return this.#finish(this.#gathered());
  }

  /** §5.4: a message is one frame with text or binary, then continuations until FIN. */
  #beginFrame(frame: Frame, payloadLength: number): void {
    const first = frame.opcode !== Opcode.Continuation;
    if (first && this.#opcode !== undefined) {
      throw new FrameError(
        'EXPECTED_CONTINUATION',
        `expected a continuation of the message begun, got opcode ${frame.opcode}`,
      );
    }
    if (!first && this.#opcode === undefined) {
      throw new FrameError('UNEXPECTED_CONTINUATION', 'expected a text or binary frame, got a continuation of nothing');
    }
    if (payloadLength > this.#maxMessageBytes - this.#length) {
      throw new FrameError(
        'TOO_BIG',
        `expected a message of at most ${this.#maxMessageBytes} bytes, got ${this.#length + payloadLength} or more`,
      );
    }
    if (!first) return;
    this.#opcode = frame.opcode;
    this.#compressed = frame.rsv1 === true;
    if (this.#compressed && this.#inflate === undefined) {
      throw new FrameError('RESERVED_BITS', 'expected RSV1 to be 0 without an extension, got it set');
    }
  }

  /** The message's buffer, with room up to `end`. So far `declared` bytes are declared, which with `fin` is all. */
  #roomFor(end: number, declared: number, fin: boolean): Uint8Array {
    const buffer = this.#buffer;
    if (buffer !== undefined && buffer.length >= end) return buffer;
    const grown = this.#grown(buffer?.length ?? 0, end, declared, fin);
    if (buffer !== undefined) grown.set(buffer.subarray(0, this.#length));
    this.#buffer = grown;
    return grown;
  }

  #grown(held: number, end: number, declared: number, fin: boolean): Uint8Array<ArrayBuffer> {
    // No sooner than memory of that length would be taken anew: a peer that declares much and sends little is lent none.
    const reused = fin && declared <= end * AHEAD ? this.#memory.reuse(declared) : undefined;
    if (reused !== undefined) return reused;
    // Copied, so that a view of one byte does not keep a chunk of 64 KiB: fragments cost their bytes, however many.
    // A frame's declared rest is believed up to AHEAD times what has come: most messages then need one buffer.
    const ahead = Math.min(declared, end * AHEAD);
    const length = held === 0 ? ahead : Math.max(ahead, grownLength(held, end, this.#maxMessageBytes));
    // Of a message's last frame the buffer ends where the message does, or has to make room for a longer one. In that of
    // others something may be left over, which must not be what was in memory before.
    return fin ? this.#memory.allocate(Math.min(declared, length)) : new Uint8Array(length);
  }

  #judgeText(bytes: Uint8Array): void {
    this.#utf8 ??= new Utf8Validator();
    if (!this.#utf8.write(bytes)) throw invalidUtf8();
  }

  #gathered(): Uint8Array {
    const buffer = this.#buffer ?? new Uint8Array(0);
    // Doubling wastes less than half; only the smallest buffer can be emptier, and is copied out.
    return buffer.length > this.#length * 2 ? buffer.slice(0, this.#length) : buffer.subarray(0, this.#length);
  }

  #finish(collected: Uint8Array): Message {
    const text = this.#opcode === Opcode.Text;
    const compressed = this.#compressed;
    const judged = this.#utf8;
    this.#reset();
    const inflate = compressed ? this.#inflate : undefined;
    const bytes = inflate === undefined ? collected : inflate(collected, this.#maxMessageBytes);
    if (!text) return bytes;
    if (this.#textAs === 'bytes') {
      if (!(judged?.complete ?? isUtf8(bytes))) throw invalidUtf8();
      return asText(bytes);
    }
    const decoded = decodeUtf8(bytes);
    if (decoded === undefined) throw invalidUtf8();
    return decoded;
  }

  #reset(): void {
    this.#opcode = undefined;
    this.#compressed = false;
    this.#withinFrame = false;
    this.#buffer = undefined;
    this.#length = 0;
    this.#utf8 = undefined;
  }
}

function invalidUtf8(): FrameError {
  return new FrameError('INVALID_UTF8', 'expected UTF-8 in a text message, got a byte that cannot be part of it');
}
