import { FrameError } from './errors.ts';
import { checkMaskingKey, firstByte, headerByteLength, writeHeader } from './header.ts';
import { MIN_WORDWISE_BYTES, maskRange, wordsOf } from './mask.ts';
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

/**
 * The bytes of one frame: header and payload in one buffer. With `maskingKey` the copy is masked, as a client must
 * (§5.1); the caller's payload is never touched. Throws FrameError CONTROL_TOO_LONG or FRAGMENTED_CONTROL for a control frame
 * that no peer may accept (§5.5), RangeError for a key that has not 4 bytes.
 */
export function encodeFrame(frame: Frame, maskingKey?: Uint8Array): Uint8Array<ArrayBuffer> {
  const { fin, rsv1 = false, opcode, payload } = frame;
  if (isControlOpcode(opcode)) {
    if (!fin) throw new FrameError('FRAGMENTED_CONTROL', 'expected a control frame in one piece, got fin: false');
    if (payload.length > MAX_CONTROL_PAYLOAD_BYTES) {
      throw new FrameError('CONTROL_TOO_LONG', `expected at most 125 bytes in a control frame, got ${payload.length}`);
    }
  }
  checkMaskingKey(maskingKey);
  const payloadAt = headerByteLength(payload.length, maskingKey !== undefined);
  const bytes = new Uint8Array(payloadAt + payload.length);
  writeHeader(bytes, firstByte(fin, rsv1, false, false, opcode), payload.length, maskingKey);
  bytes.set(payload, payloadAt);
  if (maskingKey !== undefined) {
    const words = payload.length < MIN_WORDWISE_BYTES ? undefined : wordsOf(bytes);
    maskRange(bytes, words, payloadAt, bytes.length, maskingKey, 0);
  }
  return bytes;
}
