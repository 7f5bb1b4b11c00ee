import { type CourierClock, systemClock } from './clock.ts';
import { wholeNumberOrInfinity } from './options.ts';

/** A place in the line of a {@link TransferLimit}. */
export interface Place {
  /** Resolves when it is this one's turn, or when it was left. */
  readonly ready: Promise<void>;
  /** Whether it is, or was, its turn. */
  readonly taken: boolean;
  /** Something has happened on it just now. */
  touch(): void;
  /** The transfer is over, or does not want its turn any more. May be called twice. */
  leave(): void;
}

/** A transfer that others may go on with. */
export interface Resumable {
  /** The same for every transfer of the same file of the same sender. */
  readonly key: string;
  /** Where it comes from: two of one key and one origin are two that are meant, and neither is the ghost of the other. */
  readonly origin: object;
  /** Ends it, because a newer one of the same key has come. */
  readonly supersede: () => void;
}

interface Standing {
  taken: boolean;
  touched: number;
  readonly resolve: () => void;
  readonly resumable: Resumable | undefined;
  readonly onIdle: (() => void) | undefined;
}

/** One transfer's seat; while an older one of the same file leaves it, there are two. */
interface Seat {
  taken: boolean;
  /** Oldest first; the newest gets it. */
  readonly standing: Standing[];
}

/** Settings of a {@link TransferLimit}. */
export interface TransferLimitOptions {
  /** After how long without a byte a transfer's seat goes to others that wait, in milliseconds. Default 30,000. */
  readonly idleMs?: number;
  readonly clock?: CourierClock;
}

/**
 * How many files may be taken at once, by all sessions together that are given this limit. Further offers wait for their
 * turn, in the order in which they came: the sender hears nothing until then, and loses nothing. Who resumes a file whose
 * older transfer is still counted, because nobody has noticed yet that its connection is gone, does not wait behind it: it
 * is sent away, and its seat, or its place in the line, is the newer one's. A transfer that is paused takes no seat, nor
 * does one on which nothing comes while others wait: it stands in line again when it goes on.
 */
export class TransferLimit {
  readonly #most: number;
  readonly #idleMs: number;
  readonly #clock: CourierClock;
  #timer: unknown;
  #closed = false;
  readonly #sitting = new Set<Seat>();
  readonly #line = new Set<Seat>();
  /** By key, the seat of the newest transfer. */
  readonly #seats = new Map<string, Seat>();

  /** @throws {RangeError} for anything but a whole number from 1 on, or Infinity */
  constructor(most: number, { idleMs = 30_000, clock = systemClock }: TransferLimitOptions = {}) {
    this.#most = wholeNumberOrInfinity('maxTransfers', most, 1);
    this.#idleMs = wholeNumberOrInfinity('idleMs', idleMs, 1);
    this.#clock = clock;
  }

  /** How many are being taken. */
  get taken(): number {
    return this.#sitting.size;
  }

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#line.size;
  }

  /** Nobody gets a turn any more; those that have one keep it. */
  close(): void {
    this.#closed = true;
    this.#watch();
  }

  /**
   * Stands in line. `resumable`: what is known of a transfer that others may go on with. `onIdle` may give the seat back.
   */
  enter(resumable?: Resumable, onIdle?: () => void): Place {
    let resolve!: () => void;
    const ready = new Promise<void>((done) => {
      resolve = done;
    });
    const one: Standing = { taken: false, touched: this.#clock.now(), resolve, resumable, onIdle };
    const ghosts = this.#ghostsOf(resumable);
    const seat: Seat = ghosts ?? { taken: false, standing: [] };
    const older = [...seat.standing];
    seat.standing.push(one);
    if (resumable) this.#seats.set(resumable.key, seat);
    if (!ghosts) this.#line.add(seat);
    // Only now: whoever leaves finds an heir.
    for (const { resumable: ghost } of older) ghost?.supersede();
    this.#next();
    return {
      ready,
      get taken() {
        return one.taken;
      },
      touch: () => {
        one.touched = this.#clock.now();
      },
      leave: () => this.#leave(seat, one),
    };
  }

  /** The seat that a transfer takes over; with room for all nobody has to be sent away here. */
  #ghostsOf(resumable: Resumable | undefined): Seat | undefined {
    const seat = resumable && this.#seats.get(resumable.key);
    if (!seat || this.#closed || this.#sitting.size < this.#most) return undefined;
    return seat.standing.some(({ resumable: other }) => other?.origin === resumable?.origin) ? undefined : seat;
  }

  #leave(seat: Seat, one: Standing): void {
    const at = seat.standing.indexOf(one);
    if (at < 0) return;
    seat.standing.splice(at, 1);
    one.resolve();
    const { resumable } = one;
    if (seat.standing.length === 0) {
      this.#line.delete(seat);
      this.#sitting.delete(seat);
      if (resumable && this.#seats.get(resumable.key) === seat) this.#seats.delete(resumable.key);
    }
    this.#settle(seat);
    this.#next();
  }

  #next(): void {
    for (const seat of this.#line) {
      if (this.#closed || this.#sitting.size >= this.#most) break;
      this.#line.delete(seat);
      this.#sitting.add(seat);
      seat.taken = true;
      this.#settle(seat);
    }
    this.#watch();
  }

  /** It is the turn of whoever is alone on a seat that counts. */
  #settle({ taken, standing: [first, second] }: Seat): void {
    if (!taken || !first || second || first.taken || this.#closed) return;
    first.taken = true;
    first.touched = this.#clock.now();
    first.resolve();
  }

  /** While somebody waits, looks now and then for seats on which nothing happens. */
  #watch(): void {
    const needed = this.#line.size > 0 && !this.#closed && this.#idleMs !== Number.POSITIVE_INFINITY;
    if (needed === (this.#timer !== undefined)) return;
    if (needed) this.#timer = this.#clock.setTimeout(() => this.#sendIdleAway(), this.#idleMs / 4);
    else {
      this.#clock.clearTimeout(this.#timer);
      this.#timer = undefined;
    }
  }

  #sendIdleAway(): void {
    this.#timer = undefined;
    const before = this.#clock.now() - this.#idleMs;
    for (const { standing } of [...this.#sitting]) {
      for (const one of [...standing]) if (one.taken && one.touched <= before) one.onIdle?.();
    }
    this.#watch();
  }
}
