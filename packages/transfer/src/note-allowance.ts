import { TransferError } from './errors.ts';

/** Notes that one peer may post at once, and a second from then on: more than people write, less than hurts those who hear all. */
export const NOTES_AT_ONCE = 20;
export const NOTES_PER_SECOND = 2;

/** More peers are seldom counted at once; then the one that has been silent for longest is forgotten. */
const MAX_COUNTED = 1_000;

/** How many notes each peer may still post, over all its connections: who connects again has no more than before. */
export class NoteAllowance {
  readonly #now: () => number;
  /** The one that posted last is the last. */
  readonly #counts = new Map<string | object, { left: number; at: number }>();

  /** `now`: in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Counts a note. Throws TransferError TOO_MANY_REQUESTS. */
  take(from: string | object): void {
    const now = this.#now();
    const { left, at } = this.#counts.get(from) ?? { left: NOTES_AT_ONCE, at: now };
    const earned = (Math.max(0, now - at) / 1000) * NOTES_PER_SECOND;
    const count = { left: Math.min(NOTES_AT_ONCE, left + earned), at: now };
    this.#counts.delete(from);
    this.#counts.set(from, count);
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > MAX_COUNTED && oldest !== undefined) this.#counts.delete(oldest);
    if (count.left < 1) {
      throw new TransferError('TOO_MANY_REQUESTS', `at most ${NOTES_PER_SECOND} notes a second are told`);
    }
    count.left -= 1;
  }
}
