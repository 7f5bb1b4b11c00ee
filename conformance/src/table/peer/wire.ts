import { randomBytes } from 'node:crypto';

// The raw peer is written a second time, from the RFCs and without our packages: what it and they agree on is no
// common mistake. This file: frames, by the letter of RFC 6455 §5.2.

export const Opcode = { Continuation: 0, Text: 1, Binary: 2, Close: 8, Ping: 9, Pong: 10 } as const;

/** One frame as a row wants it; what is left out is as it should be. */
export interface WireFrame {
  readonly opcode: number;
  readonly payload?: Uint8Array | string;
  readonly fin?: boolean;
  /** The three reserved bits as a number, 4 for RSV1. */
  readonly reserved?: number;
  /** Bytes of extended length, where it should not be the shortest form. */
  readonly lengthBytes?: 0 | 2 | 8;
  /** Declares this length, whatever the payload is. */
  readonly declaredLength?: bigint;
  /** Masks although it must not, or the other way round. */
  readonly wronglyMasked?: boolean;
  /** Four bytes; a random key when left out. */
  readonly maskingKey?: Uint8Array;
}

export interface HeardFrame {
  readonly fin: boolean;
  readonly reserved: number;
  readonly opcode: number;
  /** The masking key, when the frame was masked. */
  readonly key: Buffer | undefined;
  readonly lengthBytes: 0 | 2 | 8;
  /** Unmasked. */
  readonly payload: Buffer;
}

export function frameBytes(frame: WireFrame, masked: boolean): Buffer {
  const payload = Buffer.from(frame.payload ?? '');
  const length = frame.declaredLength ?? BigInt(payload.length);
  const lengthBytes = frame.lengthBytes ?? shortestForm(length);
  const isMasked = frame.wronglyMasked ? !masked : masked;
  const head = Buffer.alloc(2 + lengthBytes);
  head[0] = (frame.fin === false ? 0 : 0x80) | ((frame.reserved ?? 0) << 4) | frame.opcode;
  head[1] = (isMasked ? 0x80 : 0) | (lengthBytes === 0 ? Number(length) : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) head.writeUInt16BE(Number(length), 2);
  if (lengthBytes === 8) head.writeBigUInt64BE(length, 2);
  if (!isMasked) return Buffer.concat([head, payload]);
  const key = frame.maskingKey ?? randomBytes(4);
  return Buffer.concat([head, key, xor(payload, key)]);
}

export function shortestForm(length: number | bigint): 0 | 2 | 8 {
  return length < 126 ? 0 : length < 65_536 ? 2 : 8;
}

/** §5.3: every byte with the key's byte of its place modulo four. */
function xor(bytes: Uint8Array, key: Uint8Array): Buffer {
  const result = Buffer.allocUnsafe(bytes.length);
  for (let i = 0; i < bytes.length; i++) result[i] = bytes[i]! ^ key[i & 3]!;
  return result;
}

/** Takes whole frames from bytes as they come. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #length = 0;
  #needed = 2;

  /** Bytes of a frame that is not whole yet. */
  get rest(): number {
    return this.#length;
  }

  push(chunk: Buffer): HeardFrame[] {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    const frames: HeardFrame[] = [];
    while (this.#length >= this.#needed) {
      const bytes = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
      this.#chunks = [bytes];
      const found = this.#read(bytes);
      if (!found) continue; // #needed has grown
      frames.push(found.frame);
      this.#chunks = [bytes.subarray(found.end)];
      this.#length = bytes.length - found.end;
      this.#needed = 2;
    }
    return frames;
  }

  #read(bytes: Buffer): { frame: HeardFrame; end: number } | undefined {
    const short = bytes[1]! & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const masked = (bytes[1]! & 0x80) !== 0;
    const keyAt = 2 + lengthBytes;
    const from = keyAt + (masked ? 4 : 0);
    this.#needed = from;
    if (bytes.length < from) return undefined;
    const length =
      lengthBytes === 0 ? short : lengthBytes === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    this.#needed = from + length;
    if (bytes.length < from + length) return undefined;
    const key = masked ? Buffer.from(bytes.subarray(keyAt, from)) : undefined;
    const raw = bytes.subarray(from, from + length);
    return {
      end: from + length,
      frame: {
        fin: (bytes[0]! & 0x80) !== 0,
        reserved: (bytes[0]! >> 4) & 7,
        opcode: bytes[0]! & 0x0f,
        key,
        lengthBytes,
        payload: key ? xor(raw, key) : Buffer.from(raw),
      },
    };
  }
}
