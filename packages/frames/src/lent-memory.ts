import { type MaskKernel, maskKernel, SCRATCH_BYTES } from './mask-kernel.ts';

/** One piece that is lent, from `start` to `end` in the kernel's memory. */
interface Loan {
  readonly start: number;
  readonly end: number;
  holders: number;
}

/** Pieces begin at multiples of this: a processor's cache line. */
const ALIGNMENT_BYTES = 64;

/**
 * Lends pieces of the masking kernel's memory. A frame that is put together there is masked where it lies, and memory that is
 * used again and again is in the processor's caches and need not be cleared: for whoever knows when a frame has left.
 *
 * A piece has one holder when it is lent; `hold` adds one, `giveBack` takes one away, and with the last it is free. The
 * lowest place that is large enough is lent first.
 */
export class LentMemory {
  readonly #memory: Uint8Array<ArrayBuffer>;
  /** By address. */
  readonly #loans: Loan[] = [];

  constructor(kernel: MaskKernel) {
    this.#memory = kernel.bytes;
  }

  /** A piece of `byteLength` bytes with anything in it, or `undefined` while there is no room for it. */
  lend(byteLength: number): Uint8Array<ArrayBuffer> | undefined {
    const length = Math.ceil(byteLength / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
    let start = SCRATCH_BYTES;
    let index = 0;
    for (const loan of this.#loans) {
      if (loan.start - start >= length) break;
      start = loan.end;
      index++;
    }
    if (this.#memory.length - start < length) return undefined;
    this.#loans.splice(index, 0, { start, end: start + length, holders: 1 });
    return new Uint8Array(this.#memory.buffer, start, byteLength);
  }

  /** How much is lent, in bytes. */
  get lentBytes(): number {
    return this.#loans.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  /** How many hold the piece that `bytes` are a part of; 0 when they are none of ours, or no longer. */
  holdersOf(bytes: Uint8Array): number {
    return this.#find(bytes)?.holders ?? 0;
  }

  /** One holder more for the piece that `bytes` are a part of. Of other memory nobody keeps count. */
  hold(bytes: Uint8Array): void {
    const loan = this.#find(bytes);
    if (loan !== undefined) loan.holders++;
  }

  /** One holder less. */
  giveBack(bytes: Uint8Array): void {
    const loan = this.#find(bytes);
    if (loan !== undefined && --loan.holders === 0) this.#loans.splice(this.#loans.indexOf(loan), 1);
  }

  #find({ buffer, byteOffset }: Uint8Array): Loan | undefined {
    if (buffer !== this.#memory.buffer) return undefined;
    return this.#loans.find(({ start, end }) => start <= byteOffset && byteOffset < end);
  }
}

let lent: LentMemory | undefined;

/** The memory that the masking of this process lends, or `undefined` where there is no kernel. */
export function lentMemory(): LentMemory | undefined {
  if (lent !== undefined) return lent;
  const kernel = maskKernel();
  if (kernel !== undefined) lent = new LentMemory(kernel);
  return lent;
}
