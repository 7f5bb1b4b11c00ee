import { digestField } from './digest.ts';
import { NoteAllowance } from './note-allowance.ts';
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

/** A note that was posted, as NOTE_POSTED tells it. */
export interface PostedNote {
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Who hears the news of a board. What they throw is dropped. */
export interface BoardListeners {
  readonly onArrived?: ((arrival: Arrival) => void) | undefined;
  readonly onNote?: ((note: PostedNote) => void) | undefined;
}

/** One of the two. */
interface News {
  /** In which order it came. */
  readonly order: number;
  readonly arrival?: Arrival;
  readonly note?: PostedNote;
}

/**
 * Tells everybody who subscribed that a file has arrived or a note was posted. One board serves all sessions of a receiver;
 * each session announces what it stored and subscribes for its peer when that sends WATCH. A peer that does not read what
 * it asked for misses news instead of having it pile up here.
 */
export class ArrivalBoard {
  readonly #keep: number;
  readonly #now: () => number;
  readonly #allowance: NoteAllowance;
  #order = 0;
  #arrivals: News[] = [];
  /** Apart: whoever posts many must not make forgotten which files have come. */
  readonly #notes: News[] = [];
  readonly #listeners = new Set<BoardListeners>();

  /** `keep`: how many arrivals, and how many notes, are remembered for those who come later, 100 by default, 0 for none. */
  constructor({ keep = 100, now = Date.now }: { readonly keep?: number; readonly now?: () => number } = {}) {
    this.#keep = wholeNumberOrInfinity('keep', keep, 0);
    this.#now = now;
    this.#allowance = new NoteAllowance(now);
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
    const isSame = ({ arrival: other }: News) =>
      other !== undefined && pathOf(other) === where && other[algorithm] === digest;
    if (this.#arrivals.some((other) => isSame(other) && other.arrival!.at > at)) return;
    const arrival: Arrival = {
      name,
      size,
      ...digestField(algorithm, digest),
      ...(folder && { folder }),
      at,
      ...(existing && { existing }),
    };
    if (existing) this.#arrivals = this.#arrivals.filter((other) => !isSame(other));
    this.#tellAll(this.#arrivals, { arrival });
  }

  /**
   * Somebody has something to say to everybody: `peer` says who, for one that may not post as much as it likes.
   *
   * @throws TransferError TOO_MANY_REQUESTS
   */
  post(text: string, peer?: string | object): void {
    if (peer !== undefined) this.#allowance.take(peer);
    this.#tellAll(this.#notes, { note: { text, at: this.#now() } });
  }

  /** The listeners hear the `recent` last news of each of their kinds at once, oldest first, and then all to come. Returns the way out. */
  subscribe(listeners: BoardListeners, recent = 0): () => void {
    // A copy: the same listeners may subscribe twice, and each way out closes its own subscription.
    const own = { ...listeners };
    const last = (kind: readonly News[], wanted: unknown) => (wanted && recent > 0 ? kind.slice(-recent) : []);
    const repeated = [...last(this.#arrivals, own.onArrived), ...last(this.#notes, own.onNote)];
    repeated.sort((one, other) => one.order - other.order);
    for (const news of repeated) tell(own, news);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  #tellAll(recent: News[], what: Omit<News, 'order'>): void {
    this.#order += 1;
    const news = { ...what, order: this.#order };
    recent.push(news);
    if (recent.length > this.#keep) recent.shift();
    for (const listener of [...this.#listeners]) tell(listener, news);
  }
}

/** No name has a `/`. */
function pathOf({ name, folder = [] }: Pick<Arrival, 'name' | 'folder'>): string {
  return [...folder, name].join('/');
}

/** One listener's bug must not keep the others from hearing. */
function tell({ onArrived, onNote }: BoardListeners, { arrival, note }: News): void {
  try {
    if (arrival) onArrived?.(arrival);
    if (note) onNote?.(note);
  } catch {
    // Its own affair.
  }
}
