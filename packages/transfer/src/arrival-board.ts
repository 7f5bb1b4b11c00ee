import { digestField } from './digest.ts';
import { wholeNumberOrInfinity } from './options.ts';
import type { StoredFile } from './ports.ts';

/** A file that has arrived, as FILE_ARRIVED tells it. */
export interface Arrival {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hex; one of the two. */
  readonly md5?: string | undefined;
  readonly sha256?: string | undefined;
  /** The folders it lies in, outermost first; absent when it lies in none. */
  readonly folder?: readonly string[] | undefined;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** It was sent again while the identical file was there already: nothing new was stored. */
  readonly existing?: boolean | undefined;
}

/**
 * Tells everybody who subscribed that a file has arrived. One board serves all sessions of a receiver; each session
 * announces what it stored and subscribes for its peer when that sends WATCH. A peer that does not read what it asked
 * for misses new arrivals instead of having them pile up here.
 */
export class ArrivalBoard {
  readonly #keep: number;
  readonly #now: () => number;
  #recent: Arrival[] = [];
  readonly #listeners = new Set<(arrival: Arrival) => void>();

  /** `keep`: how many arrivals are remembered for those who come later, 100 by default, 0 for none. */
  constructor({ keep = 100, now = Date.now }: { readonly keep?: number; readonly now?: () => number } = {}) {
    this.#keep = wholeNumberOrInfinity('keep', keep, 0);
    this.#now = now;
  }

  /**
   * A file is there: now, or `at` milliseconds since 1970 for one that a receiver finds when it starts. One that was sent
   * again (`existing`) takes the place of its earlier arrival; one that is found after it was sent again is no news.
   */
  announce(
    file: Pick<StoredFile, 'name' | 'size' | 'digest'> &
      Pick<Arrival, 'existing' | 'folder'> &
      Partial<Pick<StoredFile, 'algorithm'>>,
    at: number = this.#now(),
  ): void {
    const { name, size, digest, algorithm = 'md5', folder, existing = false } = file;
    const where = pathOf({ name, folder });
    const isSame = (other: Arrival) => pathOf(other) === where && other[algorithm] === digest;
    if (this.#recent.some((other) => isSame(other) && other.at > at)) return;
    const arrival: Arrival = {
      name,
      size,
      ...digestField(algorithm, digest),
      ...(folder && { folder }),
      at,
      ...(existing && { existing }),
    };
    if (existing) this.#recent = this.#recent.filter((other) => !isSame(other));
    this.#recent.push(arrival);
    if (this.#recent.length > this.#keep) this.#recent.shift();
    for (const listener of [...this.#listeners]) tell(listener, arrival);
  }

  /** `listener` hears the `recent` last arrivals at once, oldest first, and then every new one. Returns the way out. */
  subscribe(listener: (arrival: Arrival) => void, recent = 0): () => void {
    // A set of wrappers: the same function may subscribe twice, and each way out closes its own subscription.
    const own = (arrival: Arrival) => listener(arrival);
    for (const arrival of recent > 0 ? this.#recent.slice(-recent) : []) tell(own, arrival);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }
}

/** No name has a `/`. */
function pathOf({ name, folder = [] }: Pick<Arrival, 'name' | 'folder'>): string {
  return [...folder, name].join('/');
}

/** One listener's bug must not keep the others from hearing. */
function tell(listener: (arrival: Arrival) => void, arrival: Arrival): void {
  try {
    listener(arrival);
  } catch {
    // Its own affair.
  }
}
