import { ChunkQueue } from './chunk-queue.ts';
import type { Frame } from './encode.ts';
import { FrameError } from './errors.ts';
import { addLengthByte, extendedLengthBytes, tooBig } from './header.ts';
import { checkedLimit, DEFAULT_MAX_BYTES, grownLength } from './limits.ts';
import { applyMask } from './mask.ts';
import { isControlOpcode, isKnownOpcode, MAX_CONTROL_PAYLOAD_BYTES, Opcode, type Role } from './opcode.ts';

/**
 * A part of a data frame's payload, in order; the last one when `offset + payload.length === payloadLength`. The first is
 * empty when the header arrived without any payload behind it.
 */
export interface FramePiece extends Frame {
  /** Of the whole frame, in bytes, as its header declares. */
  readonly payloadLength: number;
  /** Of this part within the payload, in bytes. */
  readonly offset: number;
  /** With `masked`: what this part is still masked with, its first byte with `maskingKey[offset & 3]`. */
  readonly maskingKey?: Uint8Array | undefined;
}

/** How a {@link FrameDecoder} reads. */
export interface FrameDecoderOptions {
  /** Who decodes: a server demands masked frames, a client unmasked ones (§5.1). */
  readonly role: Role;
  /** The longest payload of a data frame, judged on its declared length. Default 64 MiB; Infinity for no limit. */
  readonly maxPayloadBytes?: number;
  /** Yield data payloads as they arrive, as {@link FramePiece}s, and retain none. Control frames stay whole. Default false. */
  readonly pieces?: boolean;
  /**
   * Leave parts of a payload masked, for whoever copies them together and can unmask on the way, as MessageAssembler does.
   * What comes whole is unmasked. Default false.
   */
  readonly masked?: boolean;
  /**
   * With `pieces`: called with a chunk that was read to its end, unless a whole payload was yielded as a view of it. A part of a
   * payload is good only until the next call of `next()` then, since the chunk's memory may be used for something else.
   */
  readonly spent?: ((chunk: Uint8Array) => void) | undefined;
  /** Let RSV1 through on text and binary frames: permessage-deflate was negotiated (RFC 7692 §6). Default false. */
  readonly allowRsv1?: boolean;
}

/** §5.2: two bytes, eight of length and four of key. */
const MAX_HEADER_BYTES = 14;

const Stage = { First: 0, Second: 1, Length: 2, Key: 3, Payload: 4 } as const;
type Stage = (typeof Stage)[keyof typeof Stage];

/**
 * Bytes in, frames out (§5.2), however the bytes were cut. Push what arrived, then call `next()` until it gives
 * `undefined`. A violation is thrown at the first byte that shows it, after the good frames before it; from then on the
 * decoder stays failed: `next()` throws the same FrameError again and `push` does nothing.
 */
export class FrameDecoder {
  readonly #masked: boolean;
  readonly #maxPayloadBytes: number;
  readonly #pieces: boolean;
  readonly #leaveMasked: boolean;
  readonly #allowRsv1: boolean;
  readonly #input: ChunkQueue;
  /** Made with the first masked frame. */
  #key: Uint8Array | undefined;
  #failure: unknown;
  #stage: Stage = Stage.First;
  #fin = false;
  #rsv1 = false;
  #opcode: Opcode = Opcode.Continuation;
  #lengthBytes = 0;
  /** Bytes of the current length or key that are here. */
  #count = 0;
  #length = 0;
  /** Payload bytes of the current frame that were gathered or yielded. */
  #received = 0;
  #gathered: Uint8Array<ArrayBuffer> | undefined;
  /** The key as pieces carry it: a copy, since the decoder's own becomes that of the next frame. */
  #keyOfPieces: Uint8Array | undefined;
  /** Whether a piece of the current frame was yielded. */
  #announced = false;

  /** Throws RangeError when `maxPayloadBytes` is no number of bytes. */
  constructor({
    role,
    maxPayloadBytes = DEFAULT_MAX_BYTES,
    pieces = false,
    masked = false,
    spent,
    allowRsv1 = false,
  }: FrameDecoderOptions) {
    this.#masked = role === 'server';
    this.#leaveMasked = masked && this.#masked;
    this.#maxPayloadBytes = checkedLimit('maxPayloadBytes', maxPayloadBytes);
    this.#pieces = pieces;
    this.#input = new ChunkQueue(pieces ? spent : undefined);
    this.#allowRsv1 = allowRsv1;
  }

  /** Memory retained for what is not yet yielded, in bytes: unread input and the buffer of an unfinished payload. */
  get pendingBytes(): number {
    return this.#input.unreadBytes + (this.#gathered?.length ?? 0);
  }

  /** Takes what arrived. The chunk is ours from now on: payloads are unmasked in it, in place, and yielded as views of it. */
  push(chunk: Uint8Array): void {
    if (this.#failure === undefined) this.#input.push(chunk);
  }

  /** The next frame (with `pieces`, for data frames the next part of one), or `undefined` until more bytes are pushed. */
  next(): Frame | FramePiece | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      if (this.#stage !== Stage.Payload && !this.#readHeader()) return undefined;
      if (this.#pieces && !isControlOpcode(this.#opcode)) return this.#readPiece();
      return this.#readWhole();
    } catch (error) {
      // §7.1.7: after a failure further input is ignored, and nothing of it is kept.
      this.#failure = error;
      this.#input.clear();
      this.#gathered = undefined;
      throw error;
    }
  }

  /** Byte by byte, so that the verdict never depends on how the bytes were cut. False when they ran out. */
  #readHeader(): boolean {
    const input = this.#input;
    if (this.#stage === Stage.First && input.available >= MAX_HEADER_BYTES) {
      this.#readWholeHeader();
      return true;
    }
    while (input.ready()) {
      const byte = input.chunk[input.position++]!;
      switch (this.#stage) {
        case Stage.First:
          this.#takeFirst(byte);
          break;
        case Stage.Second:
          this.#takeSecond(byte);
          break;
        case Stage.Length:
          this.#takeLengthByte(byte);
          break;
        default:
          this.#key ??= new Uint8Array(4);
          this.#key[this.#count] = byte;
          if (++this.#count === 4) this.#stage = Stage.Payload;
      }
      if (this.#stage === Stage.Payload) return true;
    }
    return false;
  }

  /** The same when all of it is in the chunk, as nearly always: no need to look for each byte whether it is there. */
  #readWholeHeader(): void {
    const input = this.#input;
    const { chunk } = input;
    let at = input.position;
    this.#takeFirst(chunk[at++]!);
    this.#takeSecond(chunk[at++]!);
    while (this.#stage === Stage.Length) this.#takeLengthByte(chunk[at++]!);
    if (this.#masked) {
      this.#key ??= new Uint8Array(4);
      const key = this.#key;
      key[0] = chunk[at++]!;
      key[1] = chunk[at++]!;
      key[2] = chunk[at++]!;
      key[3] = chunk[at++]!;
      this.#stage = Stage.Payload;
    }
    input.position = at;
  }

  #takeFirst(byte: number): void {
    const opcode = byte & 0x0f;
    this.#fin = (byte & 0x80) !== 0;
    this.#rsv1 = (byte & 0x40) !== 0;
    // RFC 7692 §6: RSV1 only on the first frame of a message, so neither on a continuation nor on a control frame.
    const rsv1Fits = this.#allowRsv1 && (opcode === Opcode.Text || opcode === Opcode.Binary);
    if ((byte & 0x30) !== 0 || (this.#rsv1 && !rsv1Fits)) {
      throw new FrameError('RESERVED_BITS', `expected the reserved bits to be 0, got 0x${byte.toString(16)}`);
    }
    if (!isKnownOpcode(opcode)) {
      throw new FrameError('RESERVED_OPCODE', `expected opcode 0, 1, 2, 8, 9 or 10, got ${opcode}`);
    }
    if (!this.#fin && isControlOpcode(opcode)) {
      throw new FrameError(
        'FRAGMENTED_CONTROL',
        `expected a control frame in one piece, got opcode ${opcode} without FIN`,
      );
    }
    this.#opcode = opcode;
    this.#stage = Stage.Second;
  }

  #takeSecond(byte: number): void {
    if (byte >= 0x80 !== this.#masked) {
      // §5.1: a client masks every frame, a server none.
      throw this.#masked
        ? new FrameError('UNMASKED', 'expected a masked frame from a client, got an unmasked one')
        : new FrameError('MASKED', 'expected an unmasked frame from a server, got a masked one');
    }
    const short = byte & 0x7f;
    const control = isControlOpcode(this.#opcode);
    if (control && short > MAX_CONTROL_PAYLOAD_BYTES) {
      throw new FrameError('CONTROL_TOO_LONG', 'expected at most 125 bytes in a control frame, got more declared');
    }
    this.#lengthBytes = extendedLengthBytes(byte);
    this.#count = 0;
    if (this.#lengthBytes > 0) {
      this.#length = 0;
      this.#stage = Stage.Length;
      return;
    }
    if (!control && short > this.#maxPayloadBytes) throw tooBig(this.#maxPayloadBytes);
    this.#length = short;
    this.#afterLength();
  }

  #takeLengthByte(byte: number): void {
    this.#length = addLengthByte(this.#length, byte, this.#count, this.#lengthBytes, this.#maxPayloadBytes);
    if (++this.#count === this.#lengthBytes) this.#afterLength();
  }

  #afterLength(): void {
    this.#count = 0;
    this.#received = 0;
    this.#announced = false;
    this.#keyOfPieces = undefined;
    this.#stage = this.#masked ? Stage.Key : Stage.Payload;
  }

  #readWhole(): Frame | undefined {
    const input = this.#input;
    const length = this.#length;
    if (this.#received === 0 && (length === 0 || (input.ready() && input.available >= length))) {
      if (length > 0) input.shared = true;
      return this.#finish(this.#take(length));
    }
    while (input.ready()) {
      const part = input.take(Math.min(input.available, length - this.#received));
      const end = this.#received + part.length;
      let buffer = this.#gathered;
      if (buffer === undefined || buffer.length < end) {
        const grown = new Uint8Array(grownLength(buffer?.length ?? 0, end, length));
        if (buffer !== undefined) grown.set(buffer.subarray(0, this.#received));
        this.#gathered = buffer = grown;
      }
      buffer.set(part, this.#received);
      this.#received = end;
      if (end < length) continue;
      // Growth stops at the declared length, so that the buffer is now exactly the payload.
      if (this.#masked) applyMask(buffer, this.#key!);
      this.#gathered = undefined;
      return this.#finish(buffer);
    }
    return undefined;
  }

  #readPiece(): FramePiece | undefined {
    const input = this.#input;
    const payloadLength = this.#length;
    if (payloadLength > 0 && !input.ready()) {
      if (this.#announced) return undefined;
      // An empty first piece: what the header alone shows (order of frames, message size) can be judged now.
    }
    this.#announced = true;
    const offset = this.#received;
    const length = Math.min(input.available, payloadLength - offset);
    const whole = length === payloadLength;
    if (whole && length > 0) input.shared = true;
    const leaveMasked = this.#leaveMasked && !whole;
    const payload = leaveMasked ? input.take(length) : this.#take(length);
    this.#received = offset + length;
    if (this.#received === payloadLength) this.#stage = Stage.First;
    // One shape for all of them: a spread here would cost more than the rest of the method.
    if (leaveMasked) this.#keyOfPieces ??= Uint8Array.from(this.#key!);
    const maskingKey = leaveMasked ? this.#keyOfPieces : undefined;
    return { fin: this.#fin, rsv1: this.#rsv1, opcode: this.#opcode, payload, payloadLength, offset, maskingKey };
  }

  #finish(payload: Uint8Array): Frame {
    this.#stage = Stage.First;
    return { fin: this.#fin, rsv1: this.#rsv1, opcode: this.#opcode, payload };
  }

  /** The next `length` bytes of the current chunk as a view, unmasked in place. */
  #take(length: number): Uint8Array {
    const input = this.#input;
    if (this.#masked) input.mask(length, this.#key!, this.#received);
    return input.take(length);
  }
}
