/** All files together may have so many windows on the way, while each has enough with its share. */
const BUDGET_WINDOWS = 4;

/** No file gets less than this part of a window, or it would hardly move. */
const LEAST_PART = 32;

/**
 * The credit that a session gives to the senders of its files: how many bytes may be on the way and not yet stored, and so
 * how much memory they can cost. A few files get a whole window each; the more there are, the smaller is the share of each,
 * and a file whose disk is stuck keeps what it was given and gets no more. So nobody who keeps to his credit ever has to be
 * held by not reading the connection, which would hold everybody.
 *
 * All of it together: 4 windows, and a 32nd of a window for each file above.
 */
export class Credit {
  readonly windowBytes: number;
  readonly #shares = new Set<Share>();

  constructor(windowBytes: number) {
    this.windowBytes = windowBytes;
  }

  /** Bytes that senders were told they may have on the way. */
  get givenBytes(): number {
    let sum = 0;
    for (const share of this.#shares) sum += share.givenBytes;
    return sum;
  }

  open(): Share {
    const share = new Share(this, () => this.#shares.delete(share));
    this.#shares.add(share);
    return share;
  }

  /** The window that a share may have now. */
  fit(share: Share): number {
    const budget = BUDGET_WINDOWS * this.windowBytes;
    const left = budget - (this.givenBytes - share.givenBytes);
    const least = Math.max(1, Math.floor(this.windowBytes / LEAST_PART));
    return Math.min(this.windowBytes, Math.max(least, Math.floor(Math.min(budget / this.#shares.size, left))));
  }
}

/** One file's part of a {@link Credit}. */
export class Share {
  readonly #credit: Credit;
  readonly #leave: () => void;
  #stored = 0;
  /** The offset up to which the sender may send by all it was ever told: a smaller window does not call bytes back. */
  #limit = 0;

  constructor(credit: Credit, leave: () => void) {
    this.#credit = credit;
    this.#leave = leave;
  }

  /** Bytes that may still come before the sender must hear of it. */
  get givenBytes(): number {
    return this.#limit - this.#stored;
  }

  /** So much of the file is stored. */
  stored(bytes: number): void {
    this.#stored = bytes;
  }

  /** The window to tell the sender together with what is stored. */
  grant(): number {
    const window = this.#credit.fit(this);
    this.#limit = Math.max(this.#limit, this.#stored + window);
    return window;
  }

  /** The sender begins anew at 0, with the window it was told. */
  restart(): void {
    this.#limit -= this.#stored;
    this.#stored = 0;
  }

  /** The transfer is over. */
  close(): void {
    this.#leave();
  }
}
