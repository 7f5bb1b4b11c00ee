import { createMaskingKey, encodeFrameHeader, encodeFrameInto, frameByteLength, Opcode } from '@wsferry/frames';
import { freshMemory, Slab } from './frame-memory.ts';
import { takeAway } from './given-away.ts';

/** Frames up to this length share a slab; a longer one gets room of its own. */
const SHARED_FRAME_BYTES = 16 * 1024;
/** A string of so many UTF-16 units fits into a shared frame, whatever is in it: three bytes each at most. */
const SHARED_TEXT_UNITS = Math.floor((SHARED_FRAME_BYTES - 14) / 3);

const encoder = new TextEncoder();
const freshSlab = new Slab(freshMemory);

const NOTHING = new Uint8Array(0);
/** The frame that is being written. One object for all of them: of millions a second the collector would have to hear. */
const current: { fin: boolean; rsv1: boolean; opcode: Opcode; payload: Uint8Array } = {
  fin: true,
  rsv1: false,
  opcode: Opcode.Binary,
  payload: NOTHING,
};

function encodeInto(
  target: Uint8Array,
  at: number,
  opcode: Opcode,
  payload: Uint8Array,
  fin: boolean,
  rsv1: boolean,
  maskingKey: Uint8Array | undefined,
): number {
  current.fin = fin;
  current.rsv1 = rsv1;
  current.opcode = opcode;
  current.payload = payload;
  const end = encodeFrameInto(target, at, current, maskingKey);
  current.payload = NOTHING;
  return end;
}

/** Frames in, bytes out, in order. */
export class FrameWriter {
  readonly #masked: boolean;
  readonly #slab: Slab;
  #output: Uint8Array[] = [];
  #bytes = 0;
  /** The slab's memory that holds the frames written last, which lie together and are not in `#output` yet. */
  #run: Uint8Array<ArrayBuffer> | undefined;
  #from = 0;
  #to = 0;

  /** §5.1: a client masks, a server does not. What `take` gives has one holder in the slab's memory: whoever took it. */
  constructor(masked: boolean, slab: Slab = freshSlab) {
    this.#masked = masked;
    this.#slab = slab;
  }

  /** Bytes that `take` would give. */
  get bytes(): number {
    return this.#bytes;
  }

  frame(opcode: Opcode, payload: Uint8Array, fin = true, rsv1 = false): void {
    // §5.3: a fresh key for every frame.
    const key = this.#masked ? createMaskingKey() : undefined;
    const length = frameByteLength(payload.length, this.#masked);
    if (length > SHARED_FRAME_BYTES) {
      this.#endRun();
      const bytes = this.#slab.memory.take(length);
      encodeInto(bytes, 0, opcode, payload, fin, rsv1, key);
      this.#output.push(bytes);
      this.#bytes += length;
      return;
    }
    const { bytes, at } = this.#room(length);
    this.#wrote(encodeInto(bytes, at, opcode, payload, fin, rsv1, key));
  }

  /** A message in one frame, whose bytes the program gave away. */
  givenAway(opcode: Opcode, payload: Uint8Array): void {
    const ours = payload.length > SHARED_FRAME_BYTES ? takeAway(payload) : undefined;
    if (ours === undefined) {
      // Copied: somebody else may have, and give away, the memory that it is a part of, while the kernel still reads it.
      this.frame(opcode, payload);
      return;
    }
    if (this.#masked) {
      this.frame(opcode, ours);
      this.#slab.memory.giveBack(ours);
      return;
    }
    this.#endRun();
    const header = encodeFrameHeader({
      fin: true,
      rsv1: false,
      rsv2: false,
      rsv3: false,
      opcode,
      maskingKey: undefined,
      payloadLength: ours.length,
    });
    this.#output.push(header, ours);
    this.#bytes += header.length + ours.length;
  }

  /** A text message in one frame, without a buffer for its bytes in between. */
  text(text: string): void {
    if (text.length > SHARED_TEXT_UNITS) {
      this.frame(Opcode.Text, encoder.encode(text));
      return;
    }
    const { bytes, at: start } = this.#room(frameByteLength(text.length * 3, this.#masked));
    // Where the payload lies if every unit is one byte, which is most often so; else its header may be longer.
    const guess = start + this.#headerBytes(text.length);
    const { written } = encoder.encodeInto(text, bytes.subarray(guess));
    const at = start + this.#headerBytes(written);
    if (at !== guess) bytes.copyWithin(at, guess, guess + written);
    const payload = bytes.subarray(at, at + written);
    const key = this.#masked ? createMaskingKey() : undefined;
    this.#wrote(encodeInto(bytes, start, Opcode.Text, payload, true, false, key));
  }

  /** The bytes to write, in order. They are taken: the next call gives only what came since. */
  take(): Uint8Array[] {
    this.#endRun();
    const output = this.#output;
    this.#output = [];
    this.#bytes = 0;
    return output;
  }

  #headerBytes(payloadLength: number): number {
    return frameByteLength(payloadLength, this.#masked) - payloadLength;
  }

  /** The slab with `length` free bytes at `at`, for the run that goes on or for another one. */
  #room(length: number): Slab {
    const slab = this.#slab;
    if (this.#run === slab.bytes && this.#to === slab.at && slab.bytes.length - slab.at >= length) return slab;
    // The slab is full, or another connection has written since: what comes now lies apart.
    this.#endRun();
    slab.makeRoom(length);
    slab.memory.hold(slab.bytes);
    this.#run = slab.bytes;
    this.#from = this.#to = slab.at;
    return slab;
  }

  #wrote(end: number): void {
    this.#bytes += end - this.#to;
    this.#to = this.#slab.at = end;
  }

  #endRun(): void {
    const run = this.#run;
    if (run === undefined) return;
    this.#run = undefined;
    if (this.#to > this.#from) this.#output.push(run.subarray(this.#from, this.#to));
    else this.#slab.memory.giveBack(run);
  }
}
