/** Where frames are written. */
export interface FrameMemory {
  /** Room for so many bytes, with anything in it. It has one holder, who made it. */
  take(byteLength: number): Uint8Array<ArrayBuffer>;
  /** One holder more for what `bytes` are a part of. */
  hold(bytes: Uint8Array): void;
  /** One holder less; without any the memory is used for something else. */
  giveBack(bytes: Uint8Array): void;
  /** Whether what `bytes` are a part of has one holder and no more. */
  heldOnce(bytes: Uint8Array): boolean;
}

/** Memory that is never used twice: for output whose end nobody tells of. */
export const freshMemory: FrameMemory = {
  take: (byteLength) => new Uint8Array(byteLength),
  hold: () => {},
  giveBack: () => {},
  heldOnce: () => false,
};

const SLAB_BYTES = 64 * 1024;

/**
 * Where small frames are written, behind each other, by all connections in turn: so that a message costs no buffer and the
 * answers of one read leave in one write. What was handed out is only written again when all of the slab was given back; a
 * full slab is left to whoever still holds a part of it.
 */
export class Slab {
  readonly memory: FrameMemory;
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  /** Where the next frame goes. */
  at = 0;

  constructor(memory: FrameMemory) {
    this.memory = memory;
  }

  /** Makes `byteLength` bytes free at `at`. */
  makeRoom(byteLength: number): void {
    if (this.at > 0 && this.memory.heldOnce(this.bytes)) this.at = 0;
    if (this.bytes.length - this.at >= byteLength) return;
    this.memory.giveBack(this.bytes);
    this.bytes = this.memory.take(SLAB_BYTES);
    this.at = 0;
  }
}
