import type { FileArrived, NotePosted } from '../packets.ts';
import type { WatchListeners } from '../session-options.ts';

/** More than a peer repeats: of what is older than all of that nothing has to be known. */
const REMEMBERED = 1000;

type News = FileArrived | NotePosted;

/**
 * Passes on what a peer pushes, and nothing twice: after a loss it is asked to repeat the last of it. What it repeats the
 * first time is held until `begin`, since only the peer's clock could tell it from news, and nobody knows that.
 */
export class Heard {
  readonly listeners: WatchListeners;
  readonly #tell: (news: News) => void;
  readonly #seen = new Set<string>();
  #held: News[] | undefined = [];

  constructor({ onArrived, onNote }: WatchListeners) {
    this.#tell = (news) => (news.type === 'FILE_ARRIVED' ? onArrived?.(news) : onNote?.(news));
    this.listeners = { onArrived: (arrival) => this.#hear(arrival), onNote: (note) => this.#hear(note) };
  }

  /** The peer has repeated what it remembers: the last `recent` are told, and everything from now on. */
  begin(recent: number): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const news of held.slice(Math.max(0, held.length - recent))) this.#tell(news);
  }

  #hear(news: News): void {
    const key = JSON.stringify(news);
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    const [oldest] = this.#seen;
    if (this.#seen.size > REMEMBERED && oldest !== undefined) this.#seen.delete(oldest);
    if (this.#held) this.#held.push(news);
    else this.#tell(news);
  }
}
