import { FrameError } from './errors.ts';

/** The header of one frame as it stands on the wire (§5.2), not yet judged: any opcode and any reserved bits. */
export interface FrameHeader {
  readonly fin: boolean;
  readonly rsv1: boolean;
  readonly rsv2: boolean;
  readonly rsv3: boolean;
  /** 0 to 15. */
  readonly opcode: number;
  /** Four bytes when the frame is masked. */
  readonly maskingKey: Uint8Array | undefined;
  /** In bytes, up to 2^53 - 1. */
  readonly payloadLength: number;
}

/**
 * Reads one header (§5.2) that begins at `bytes[offset]`; `byteLength` is how long it is. `undefined`, and nothing is
 * consumed, while the header is not all there. Throws FrameError LENGTH_NOT_MINIMAL, LENGTH_TOO_LARGE (64-bit length
 * with the top bit set) or TOO_BIG (a length above 2^53 - 1, legal but beyond us).
 */
export function parseFrameHeader(
  bytes: Uint8Array,
  offset = 0,
): { header: FrameHeader; byteLength: number } | undefined {
  const first = bytes[offset];
  const second = bytes[offset + 1];
  if (first === undefined || second === undefined) return undefined;
  const lengthBytes = extendedLengthBytes(second);
  const masked = (second & 0x80) !== 0;
  const byteLength = 2 + lengthBytes + (masked ? 4 : 0);
  if (offset + byteLength > bytes.length) return undefined;
  let payloadLength = second & 0x7f;
  if (lengthBytes > 0) {
    payloadLength = 0;
    for (let i = 0; i < lengthBytes; i++) {
      payloadLength = addLengthByte(payloadLength, bytes[offset + 2 + i]!, i, lengthBytes, Number.MAX_SAFE_INTEGER);
    }
  }
  const keyAt = offset + 2 + lengthBytes;
  const header = {
    fin: (first & 0x80) !== 0,
    rsv1: (first & 0x40) !== 0,
    rsv2: (first & 0x20) !== 0,
    rsv3: (first & 0x10) !== 0,
    opcode: first & 0x0f,
    maskingKey: masked ? Uint8Array.from(bytes.subarray(keyAt, keyAt + 4)) : undefined,
    payloadLength,
  };
  return { header, byteLength };
}

/** How many bytes of length follow the second byte of a header: 0, 2 or 8. */
export function extendedLengthBytes(second: number): number {
  const short = second & 0x7f;
  return short < 126 ? 0 : short === 126 ? 2 : 8;
}

const POWERS_OF_256 = Array.from({ length: 8 }, (_, exponent) => 256 ** exponent);

/**
 * Takes byte `index` of an extended length of `count` bytes (2 or 8) into the `value` of those before, and judges as
 * early as a byte can be judged. The value stays at or below `most`, hence below 2^53: no step can lose a bit.
 */
export function addLengthByte(value: number, byte: number, index: number, count: number, most: number): number {
  if (index === 0 && count === 8 && byte > 0x7f) {
    throw new FrameError('LENGTH_TOO_LARGE', 'expected a 64-bit payload length with its top bit zero, got it set');
  }
  const sum = value * 256 + byte;
  const stillToCome = count - 1 - index;
  if (stillToCome === 0 && sum < (count === 2 ? 126 : 65536)) {
    throw new FrameError(
      'LENGTH_NOT_MINIMAL',
      `expected the shortest form of the payload length, got ${sum} in ${count * 8} bits`,
    );
  }
  if (sum > Math.floor(most / POWERS_OF_256[stillToCome]!)) throw tooBig(most);
  return sum;
}

/** The verdict on a declared length above our limit. */
export function tooBig(maxPayloadBytes: number): FrameError {
  return new FrameError('TOO_BIG', `expected a payload of at most ${maxPayloadBytes} bytes, got a longer one declared`);
}

/** How long the header for such a payload is: 2 to 14 bytes. */
export function headerByteLength(payloadLength: number, masked: boolean): number {
  return (payloadLength < 126 ? 2 : payloadLength < 65536 ? 4 : 10) + (masked ? 4 : 0);
}

/** Writes the two fixed bytes, the length in its shortest form and the key from `target[start]` on (§5.2). */
export function writeHeader(
  target: Uint8Array,
  start: number,
  first: number,
  payloadLength: number,
  maskingKey: Uint8Array | undefined,
): void {
  const maskBit = maskingKey === undefined ? 0 : 0x80;
  let at = start + 2;
  target[start] = first;
  if (payloadLength < 126) {
    target[start + 1] = maskBit | payloadLength;
  } else if (payloadLength < 65536) {
    target[start + 1] = maskBit | 126;
    target[at++] = payloadLength >>> 8;
    target[at++] = payloadLength & 0xff;
  } else {
    target[start + 1] = maskBit | 127;
    const high = Math.floor(payloadLength / 2 ** 32);
    for (let shift = 24; shift >= 0; shift -= 8) target[at++] = (high >>> shift) & 0xff;
    for (let shift = 24; shift >= 0; shift -= 8) target[at++] = (payloadLength >>> shift) & 0xff;
  }
  if (maskingKey === undefined) return;
  for (let i = 0; i < 4; i++) target[at++] = maskingKey[i]!;
}

/** The first byte of a header (§5.2): FIN, the reserved bits and the opcode. */
export function firstByte(fin: boolean, rsv1: boolean, rsv2: boolean, rsv3: boolean, opcode: number): number {
  return (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | (rsv2 ? 0x20 : 0) | (rsv3 ? 0x10 : 0) | opcode;
}

/**
 * The bytes of a header (§5.2), exactly as told: reserved bits and opcodes too, so that tests and tools can send what
 * a peer must refuse. Throws RangeError for an opcode beyond 4 bits, a length that is no safe integer, a key that has not 4 bytes.
 */
export function encodeFrameHeader(header: FrameHeader): Uint8Array<ArrayBuffer> {
  const { fin, rsv1, rsv2, rsv3, opcode, maskingKey, payloadLength } = header;
  if (!Number.isInteger(opcode) || opcode < 0 || opcode > 15) {
    throw new RangeError(`expected an opcode from 0 to 15, got ${opcode}`);
  }
  if (!Number.isSafeInteger(payloadLength) || payloadLength < 0) {
    throw new RangeError(`expected a payload length from 0 to 2^53 - 1, got ${payloadLength}`);
  }
  checkMaskingKey(maskingKey);
  const bytes = new Uint8Array(headerByteLength(payloadLength, maskingKey !== undefined));
  writeHeader(bytes, 0, firstByte(fin, rsv1, rsv2, rsv3, opcode), payloadLength, maskingKey);
  return bytes;
}

/** A masking key has four bytes (§5.3); anything else is the caller's mistake. */
export function checkMaskingKey(maskingKey: Uint8Array | undefined): void {
  if (maskingKey !== undefined && maskingKey.length !== 4) {
    throw new RangeError(`expected a masking key of 4 bytes, got ${maskingKey.length} (RFC 6455 §5.3)`);
  }
}
