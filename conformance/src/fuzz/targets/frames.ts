import {
  applyMask,
  createMaskingKey,
  encodeClosePayload,
  encodeFrame,
  encodeFrameHeader,
  type Frame,
  FrameDecoder,
  type FramePiece,
  isControlOpcode,
  MessageAssembler,
  Opcode,
  parseFrameHeader,
  type Role,
} from '@wsferry/frames';
import { fingerprint, join, utf8 } from '../bytes.ts';
import { frameCode } from '../documented.ts';
import type { Random } from '../random.ts';
import { invariant, type Target } from '../target.ts';

/** The bits of a frames input's option byte. */
export const roleOf = (option: number): Role => ((option & 1) === 0 ? 'server' : 'client');
const limitOf = (option: number) => ((option & 2) === 0 ? 100_000 : 300);

function key(masked: boolean, random: Random): Uint8Array | undefined {
  return masked ? random.bytes(4) : undefined;
}

function payloadOf(text: boolean, random: Random): Uint8Array<ArrayBuffer> {
  const length = random.once(400)
    ? random.pick([65_535, 65_536])
    : random.once(20)
      ? random.pick([125, 126, 127])
      : random.length(200);
  return text ? utf8('aé€😀 wsferry '.repeat(1 + length / 16).slice(0, length)) : random.bytes(length);
}

/** One message in fragments, with pings in between. */
function message(masked: boolean, random: Random, rsv1: boolean): Uint8Array[] {
  const text = random.once(2);
  let rest = payloadOf(text, random);
  const frames: Uint8Array[] = [];
  for (let first = true, fin = false; !fin; first = false) {
    fin = random.below(3) > 0 || frames.length > 8;
    const payload = fin ? rest : rest.subarray(0, random.below(rest.length + 1));
    rest = rest.subarray(payload.length);
    const opcode = !first ? Opcode.Continuation : text ? Opcode.Text : Opcode.Binary;
    frames.push(encodeFrame({ fin, rsv1: rsv1 && first, opcode, payload }, key(masked, random)));
    if (random.once(6)) {
      const control = random.pick([Opcode.Ping, Opcode.Pong]);
      frames.push(
        encodeFrame({ fin: true, opcode: control, payload: random.bytes(random.length(125)) }, key(masked, random)),
      );
    }
  }
  return frames;
}

/** A frame that a peer must refuse, or one whose payload never comes. */
function bad(masked: boolean, random: Random): Uint8Array {
  const payloadLength = random.pick([0, 1, 125, 126, 127, 65_535, 65_536, 2 ** 31, 2 ** 32, 2 ** 53 - 1]);
  const header = encodeFrameHeader({
    fin: random.once(2),
    rsv1: random.once(4),
    rsv2: random.once(8),
    rsv3: random.once(8),
    opcode: random.below(16),
    maskingKey: key(random.once(8) ? !masked : masked, random),
    payloadLength,
  });
  return join(header, random.bytes(Math.min(payloadLength, random.length(200))));
}

/** A conversation's bytes: messages, control frames, often a Close; now and then something that must not be. */
export function validFrames(masked: boolean, random: Random, rsv1 = false): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  for (let left = 1 + random.length(5); left > 0; left--) {
    parts.push(...(random.once(12) ? [bad(masked, random)] : message(masked, random, rsv1 && random.once(2))));
  }
  if (random.once(2)) {
    const payload = random.once(4) ? new Uint8Array(0) : encodeClosePayload({ code: 1000, reason: 'done' });
    parts.push(encodeFrame({ fin: true, opcode: Opcode.Close, payload }, key(masked, random)));
  }
  return join(...parts);
}

/** Writes a decoder's frames down; pieces of one frame become one line, however many they were. */
class Transcript {
  readonly #lines: string[] = [];
  /** Of the frame that is not all there. */
  #pieces: FramePiece[] = [];
  #heldBytes = 0;

  frame(frame: Frame | FramePiece): void {
    if (!('offset' in frame)) {
      this.#lines.push(`${headOf(frame)} ${fingerprint(frame.payload)}`);
      return;
    }
    invariant(frame.offset === this.#heldBytes, 'expected pieces in order');
    this.#pieces.push(frame);
    this.#heldBytes += frame.payload.length;
    if (this.#heldBytes === frame.payloadLength) this.#endFrame(frame);
  }

  line(text: string): void {
    this.#lines.push(text);
  }

  /** The frame that failed is not written down: how much of it was there in one piece is a matter of the cuts. */
  fail(code: string): void {
    this.#pieces = [];
    this.#lines.push(code);
  }

  toString(): string {
    const last = this.#pieces.at(-1);
    if (last !== undefined) this.#endFrame(last);
    return this.#lines.join('\n');
  }

  #endFrame(last: FramePiece): void {
    const payload = join(...this.#pieces.map((piece) => piece.payload));
    this.#lines.push(`${headOf(last)} ${fingerprint(payload)} of ${last.payloadLength}`);
    this.#pieces = [];
    this.#heldBytes = 0;
  }
}

const headOf = ({ fin, opcode, rsv1 }: Frame) => `${fin ? '' : '-'}${opcode}${rsv1 ? '*' : ''}`;

/**
 * Options: bit 0 role, 1 small limit, 2 pieces, 3 RSV1 let through. A peer may make us keep what it sent, and a buffer
 * that is at most eight times that: what it merely declares costs nothing.
 */
export const frameDecoder: Target = {
  name: 'frames',
  title: 'FrameDecoder and MessageAssembler: both roles, whole and in pieces, with RSV1 and without',
  share: 25,
  valid: (random, option) => validFrames(roleOf(option) === 'server', random, (option & 8) !== 0),
  play(pieces, option) {
    const limit = limitOf(option);
    const allowRsv1 = (option & 8) !== 0;
    const decoder = new FrameDecoder({
      role: roleOf(option),
      maxPayloadBytes: limit,
      pieces: (option & 4) !== 0,
      allowRsv1,
    });
    const assembler = new MessageAssembler({
      maxMessageBytes: limit,
      // Stands for an extension: the bytes as they are, but bounded.
      ...(allowRsv1 ? { inflate: (bytes: Uint8Array) => bytes } : {}),
    });
    const transcript = new Transcript();
    let received = 0;
    try {
      for (const piece of pieces) {
        received += piece.length;
        decoder.push(piece);
        for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) {
          const done = isControlOpcode(frame.opcode) ? undefined : assembler.add(frame);
          transcript.frame(frame);
          if (done !== undefined)
            transcript.line(`message ${fingerprint(typeof done === 'string' ? utf8(done) : done)}`);
        }
        const held = decoder.pendingBytes + assembler.pendingBytes;
        invariant(held <= 8 * received + 512, `expected memory in proportion to ${received} bytes, got ${held} held`);
      }
    } catch (error) {
      transcript.fail(frameCode(error));
      if (decoder.pendingBytes > 0) {
        // The assembler refused; the decoder did not fail and keeps what was pushed, no more.
        invariant(decoder.pendingBytes <= 2 * received + 512, 'expected little to be kept after a failure');
      }
      invariant(assembler.pendingBytes <= 8 * received + 512, 'expected little to be kept after a failure');
    }
    return transcript.toString();
  },
};

/** Any bytes as a header: what was read writes the same bytes again. */
export const frameHeader: Target = {
  name: 'frame-header',
  title: 'parseFrameHeader, encodeFrameHeader and applyMask',
  share: 8,
  valid: (random) => bad(random.once(2), random).slice(0, 14),
  play(pieces) {
    let bytes = new Uint8Array(0);
    try {
      for (const piece of pieces) {
        bytes = join(bytes, piece);
        const parsed = parseFrameHeader(bytes);
        if (parsed === undefined) continue;
        const { header, byteLength } = parsed;
        const again = encodeFrameHeader(header);
        invariant(Buffer.compare(again, bytes.subarray(0, byteLength)) === 0, 'expected the header to survive writing');
        const twice = bytes.slice();
        const mask = createMaskingKey();
        applyMask(twice, mask);
        applyMask(twice, mask);
        invariant(Buffer.compare(twice, bytes) === 0, 'expected masking twice to change nothing');
        return `${byteLength} ${header.opcode} ${header.payloadLength}`;
      }
      return 'incomplete';
    } catch (error) {
      return frameCode(error);
    }
  },
};
