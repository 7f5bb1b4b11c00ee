import { createMaskingKey, encodeFrame, encodeFrameInto, type Frame, frameByteLength, Opcode } from '@wsferry/frames';

/** Frames up to this length share a slab; a longer one costs more to copy than a buffer of its own. */
const SHARED_FRAME_BYTES = 16 * 1024;
const SLAB_BYTES = 64 * 1024;
/** A string of so many UTF-16 units fits into a shared frame, whatever is in it: three bytes each at most. */
const SHARED_TEXT_UNITS = Math.floor((SHARED_FRAME_BYTES - 14) / 3);

/**
 * Where small frames are written, behind each other, by all connections in turn: so that a message costs no buffer and the
 * answers of one read leave in one write. Bytes that were handed out are never written again; a full slab is left to whoever
 * still holds a part of it.
 */
let slab = new Uint8Array(0);
let slabAt = 0;

const encoder = new TextEncoder();

/** Frames in, bytes out, in order. */
export class FrameWriter {
  readonly #masked: boolean;
  #output: Uint8Array[] = [];
  #bytes = 0;
  /** The frames written last, which lie together in a slab and are not in `#output` yet. */
  #run: { slab: Uint8Array<ArrayBuffer>; from: number; to: number } = { slab, from: 0, to: 0 };

  /** §5.1: a client masks, a server does not. */
  constructor(masked: boolean) {
    this.#masked = masked;
  }

  /** Bytes that `take` would give. */
  get bytes(): number {
    return this.#bytes;
  }

  frame(frame: Frame): void {
    // §5.3: a fresh key for every frame.
    const key = this.#masked ? createMaskingKey() : undefined;
    const length = frameByteLength(frame.payload.length, this.#masked);
    if (length > SHARED_FRAME_BYTES) {
      this.#endRun();
      this.#output.push(encodeFrame(frame, key));
      this.#bytes += length;
      return;
    }
    this.#room(length);
    this.#wrote(encodeFrameInto(slab, slabAt, frame, key));
  }

  /** A text message in one frame, without a buffer for its bytes in between. */
  text(text: string): void {
    if (text.length > SHARED_TEXT_UNITS) {
      this.frame({ fin: true, opcode: Opcode.Text, payload: encoder.encode(text) });
      return;
    }
    this.#room(frameByteLength(text.length * 3, this.#masked));
    // Where the payload lies if every unit is one byte, which is most often so; else its header may be longer.
    const guess = slabAt + this.#headerBytes(text.length);
    const { written } = encoder.encodeInto(text, slab.subarray(guess));
    const at = slabAt + this.#headerBytes(written);
    if (at !== guess) slab.copyWithin(at, guess, guess + written);
    const payload = slab.subarray(at, at + written);
    const key = this.#masked ? createMaskingKey() : undefined;
    this.#wrote(encodeFrameInto(slab, slabAt, { fin: true, opcode: Opcode.Text, payload }, key));
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

  /** Makes `length` bytes of the slab free at `slabAt`. */
  #room(length: number): void {
    if (slab.length - slabAt < length) {
      slab = new Uint8Array(SLAB_BYTES);
      slabAt = 0;
    }
    const run = this.#run;
    if (run.slab === slab && run.to === slabAt) return;
    // Another connection has written since: what comes now lies apart.
    this.#endRun();
    this.#run = { slab, from: slabAt, to: slabAt };
  }

  #wrote(end: number): void {
    this.#bytes += end - slabAt;
    this.#run.to = slabAt = end;
  }

  #endRun(): void {
    const run = this.#run;
    if (run.to === run.from) return;
    this.#output.push(run.slab.subarray(run.from, run.to));
    run.from = run.to;
  }
}
