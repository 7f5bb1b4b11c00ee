import { type SyncStream, syncStreamsWork } from './sync-stream.ts';

/**
 * Streams that live on between messages, of all connections together: a bounded number. One that has its place keeps it as
 * long as it is used, so that more connections than places do not take them from each other at every message; those
 * without go on from their history.
 */
export class HotStreams {
  #most: number;
  readonly #patience: number;
  /** Each with the count of its last use. */
  readonly #lastUses = new Map<SyncStream, number>();
  #uses = 0;

  /** At most `most` live; one that was not used while others were, `patience` times, gives way. */
  constructor(most: number, patience: number) {
    this.#most = most;
    this.#patience = patience;
  }

  get most(): number {
    return this.#most;
  }

  get size(): number {
    return this.#lastUses.size;
  }

  /** Whether one more may live, which is then to be told by `used`. Closes the one unused for longest, if that is long. */
  makeRoom(): boolean {
    this.#uses++;
    if (this.#most === 0 || !syncStreamsWork()) return false;
    if (this.#lastUses.size < this.#most) return true;
    let oldest: SyncStream | undefined;
    let lastUse = this.#uses - this.#patience;
    for (const [stream, use] of this.#lastUses) {
      if (use >= lastUse) continue;
      oldest = stream;
      lastUse = use;
    }
    if (oldest === undefined) return false;
    this.drop(oldest);
    return true;
  }

  used(stream: SyncStream): void {
    this.#lastUses.set(stream, ++this.#uses);
  }

  /** From now on at most so many live; 0 turns them off. */
  resize(most: number): void {
    this.#most = most;
    for (const stream of this.#lastUses.keys()) if (this.size > most) this.drop(stream);
  }

  /** Closes it; its place is free. */
  drop(stream: SyncStream): void {
    this.#lastUses.delete(stream);
    stream.close();
  }
}
