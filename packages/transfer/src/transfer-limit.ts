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
  readonly resolve: () => void;
  readonly resumable: Resumable | undefined;
}

/** One transfer's seat; while an older one of the same file leaves it, there are two. */
interface Seat {
  taken: boolean;
  /** Oldest first; the newest gets it. */
  readonly standing: Standing[];
}

/**
 * How many files may be taken at once, by all sessions together that are given this limit. Further offers wait for their
 * turn, in the order in which they came: the sender hears nothing until then, and loses nothing. Who resumes a file whose
 * older transfer is still counted, because nobody has noticed yet that its connection is gone, does not wait behind it: it
 * is sent away, and its seat, or its place in the line, is the newer one's.
 */
export class TransferLimit {
  readonly #most: number;
  #taken = 0;
  #closed = false;
  readonly #line = new Set<Seat>();
  /** By key, the seat of the newest transfer. */
  readonly #seats = new Map<string, Seat>();

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
    return this.#line.size;
  }

  /** Nobody gets a turn any more; those that have one keep it. */
  close(): void {
    this.#closed = true;
  }

  /** Stands in line. `resumable`: what is known of a transfer that others may go on with. */
  enter(resumable?: Resumable): Place {
    let resolve!: () => void;
    const ready = new Promise<void>((done) => {
      resolve = done;
    });
    const one: Standing = { taken: false, resolve, resumable };
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
      leave: () => this.#leave(seat, one),
    };
  }

  /** The seat that a transfer takes over; with room for all nobody has to be sent away here. */
  #ghostsOf(resumable: Resumable | undefined): Seat | undefined {
    const seat = resumable && this.#seats.get(resumable.key);
    if (!seat || this.#closed || this.#taken < this.#most) return undefined;
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
      if (seat.taken) this.#taken -= 1;
      if (resumable && this.#seats.get(resumable.key) === seat) this.#seats.delete(resumable.key);
    }
    this.#settle(seat);
    this.#next();
  }

  #next(): void {
    for (const seat of this.#line) {
      if (this.#closed || this.#taken >= this.#most) return;
      this.#line.delete(seat);
      this.#taken += 1;
      seat.taken = true;
      this.#settle(seat);
    }
  }

  /** It is the turn of whoever is alone on a seat that counts. */
  #settle({ taken, standing: [first, second] }: Seat): void {
    if (!taken || !first || second || first.taken || this.#closed) return;
    first.taken = true;
    first.resolve();
  }
}
