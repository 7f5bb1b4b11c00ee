import type { Place } from './transfer-limit.ts';

/** What a {@link Seat} needs of its transfer. */
export interface SeatPort {
  /**
   * Stands in line; `onIdle` is called when others wait for a seat on which nothing has happened for long. Absent: there is
   * room for all.
   */
  readonly enter: ((onIdle: () => void) => Place) | undefined;
  /** Whether it waits for the sender alone. */
  readonly resting: () => boolean;
  /** Asks the sender to hold its bytes back, or to go on. Saying the same twice does nothing. */
  readonly pause: (paused: boolean) => void;
}

/**
 * The seat of one transfer at a `TransferLimit`. Whoever is paused gives it back, and so does one whose sender sends nothing
 * while others wait; who goes on stands in line like everybody else, and until then nothing of it is written.
 */
export class Seat {
  readonly #port: SeatPort;
  /** Where it sits or waits; absent after it was given back. */
  #place: Place | undefined;
  #open = false;
  #pausedHere = false;
  #pausedByPeer = false;

  /** Stands in line at once. */
  constructor(port: SeatPort) {
    this.#port = port;
    this.#place = this.#enter();
  }

  /** Whether its first turn has not come yet. */
  get waiting(): boolean {
    return !this.#open && this.#place?.taken === false;
  }

  /** Resolves when it is its turn, or when that was given up. */
  async turn(): Promise<void> {
    await this.#place?.ready;
  }

  /** The offer is taken: from now on the seat may be given back. */
  opened(): void {
    this.#open = true;
    this.touch();
    if (this.#pausedHere || this.#pausedByPeer) this.#giveBack();
  }

  /** This side pauses it, or goes on. */
  pause(paused: boolean): void {
    this.#pausedHere = paused;
    this.#turn();
    // Who has to stand in line is not told to go on.
    if (this.#place?.taken !== false || !this.#open) this.#port.pause(paused);
  }

  /** The sender pauses it, or goes on. */
  peerPaused(paused: boolean): void {
    this.#pausedByPeer = paused;
    this.#turn();
  }

  /** Something came: who sends needs a seat, whatever it said before; only what was on the way when we paused it does not. */
  came(): void {
    this.touch();
    if (!this.#pausedHere) this.#lineUp();
  }

  /** Something has happened. */
  touch(): void {
    this.#place?.touch();
  }

  /** It is over, but for what it is doing just now. */
  stop(): void {
    this.#open = false;
    if (this.#place?.taken === false) this.leave();
  }

  /** It is over. */
  leave(): void {
    this.#open = false;
    const place = this.#place;
    this.#place = undefined;
    place?.leave();
  }

  #turn(): void {
    if (!this.#open) return;
    if (this.#pausedHere || this.#pausedByPeer) this.#giveBack();
    else this.#lineUp();
  }

  #enter(): Place | undefined {
    return this.#port.enter?.(() => {
      if (this.#open && this.#port.resting()) this.#giveBack();
    });
  }

  #lineUp(): void {
    if (!this.#open || this.#place !== undefined) return;
    const place = this.#enter();
    this.#place = place;
    if (place === undefined || place.taken) return;
    this.#port.pause(true);
    void place.ready.then(() => {
      if (this.#place === place) this.#port.pause(false);
    });
  }

  #giveBack(): void {
    const place = this.#place;
    this.#place = undefined;
    place?.leave();
    if (place?.taken === false) this.#port.pause(this.#pausedHere);
  }
}
