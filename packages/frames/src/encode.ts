import { FrameError } from './errors.ts';
import { checkMaskingKey, firstByte, headerByteLength, writeHeader } from './header.ts';
import { MIN_WORDWISE_BYTES, maskRange, wordsOf } from './mask.ts';
import { kernelThatHolds } from './mask-kernel.ts';
import { isControlOpcode, MAX_CONTROL_PAYLOAD_BYTES, type Opcode } from './opcode.ts';

/** One frame (§5.2), its payload unmasked. */
export interface Frame {
  /** The last (or only) frame of its message. */
  readonly fin: boolean;
  /** Set on the first frame of a compressed message, once permessage-deflate is negotiated (RFC 7692 §6). */
  readonly rsv1?: boolean;
  readonly opcode: Opcode;
  readonly payload: Uint8Array;
}

/** How long the whole frame for a payload of so many bytes is: header, key and payload (§5.2). */
export function frameByteLength(payloadLength: number, masked: boolean): number {
  return headerByteLength(payloadLength, masked) + payloadLength;
}

/**
 * The bytes of one frame: header and payload in one buffer. With `maskingKey` the copy is masked, as a client must
 * (§5.1); the caller's payload is never touched. Throws FrameError CONTROL_TOO_LONG or FRAGMENTED_CONTROL for a control frame
 * that no peer may accept (§5.5), RangeError for a key that has not 4 bytes.
 */
export function encodeFrame(frame: Frame, maskingKey?: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(frameByteLength(frame.payload.length, maskingKey !== undefined));
  encodeFrameInto(bytes, 0, frame, maskingKey);
  return bytes;
}

/**
 * {@link encodeFrame} into a buffer that is there already, from `target[at]` on, and gives the place after the frame: for
 * many small frames in one write, where one allocation each would cost more than the encoding. Throws as encodeFrame does,
 * and RangeError when the frame (see {@link frameByteLength}) does not fit; then nothing is written.
 */
export function encodeFrameInto(target: Uint8Array, at: number, frame: Frame, maskingKey?: Uint8Array): number {
  const { fin, rsv1 = false, opcode, payload } = frame;
  if (isControlOpcode(opcode)) {
    if (!fin) throw new FrameError('FRAGMENTED_CONTROL', 'expected a control frame in one piece, got fin: false');
    if (payload.length > MAX_CONTROL_PAYLOAD_BYTES) {
      throw new FrameError('CONTROL_TOO_LONG', `expected at most 125 bytes in a control frame, got ${payload.length}`);
    }
  }
  checkMaskingKey(maskingKey);
  const payloadAt = at + headerByteLength(payload.length, maskingKey !== undefined);
  const end = payloadAt + payload.length;
  if (end > target.length) throw new RangeError(`expected room for ${end - at} bytes, got ${target.length - at}`);
  writeHeader(target, at, firstByte(fin, rsv1, false, false, opcode), payload.length, maskingKey);
  target.set(payload, payloadAt);
  if (maskingKey !== undefined) {
    const short = payload.length < MIN_WORDWISE_BYTES;
    const words = short || kernelThatHolds(target) ? undefined : wordsOf(target);
    maskRange(target, words, payloadAt, end, maskingKey, 0);
  }
  return end;
}
