import { wholeNumberOrInfinity } from './options.ts';

/** A place in the line of a {@link TransferLimit}. */
export interface Place {
  /** Resolves when it is this one's turn, or when it was left. */
  readonly ready: Promise<void>;
  /** Whether it is, or was, its turn. */
  readonly taken: boolean;
  /** The transfer is over, or does not want its turn any more. May be called twice. */
  leave(): void;
}

interface Waiting {
  taken: boolean;
  readonly resolve: () => void;
}

/**
 * How many files may be taken at once, by all sessions together that are given this limit. Further offers wait for their
 * turn, in the order in which they came: the sender hears nothing until then, and loses nothing.
 */
export class TransferLimit {
  readonly #most: number;
  #taken = 0;
  #closed = false;
  readonly #waiting = new Set<Waiting>();

  /** @throws {RangeError} for anything but a whole number from 1 on, or Infinity */
  constructor(most: number) {
    this.#most = wholeNumberOrInfinity('maxTransfers', most, 1);
  }

  /** How many are being taken. */
  get taken(): number {
    return this.#taken;
  }

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Nobody gets a turn any more; those that have one keep it. */
  close(): void {
    this.#closed = true;
  }

  /** Stands in line. */
  enter(): Place {
    let resolve!: () => void;
    const ready = new Promise<void>((done) => {
      resolve = done;
    });
    const one: Waiting = { taken: false, resolve };
    this.#waiting.add(one);
    this.#next();
    let left = false;
    return {
      ready,
      get taken() {
        return one.taken;
      },
      leave: () => {
        if (left) return;
        left = true;
        this.#waiting.delete(one);
        one.resolve();
        if (one.taken) this.#taken -= 1;
        this.#next();
      },
    };
  }

  #next(): void {
    for (const one of this.#waiting) {
      if (this.#closed || this.#taken >= this.#most) return;
      this.#waiting.delete(one);
      this.#taken += 1;
      one.taken = true;
      one.resolve();
    }
  }
}
