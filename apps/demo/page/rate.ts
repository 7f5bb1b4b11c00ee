/** Bytes a second over the last few seconds, so that the number neither jumps nor lags. Times come from the caller. */
export class Rate {
  readonly #spanMs: number;
  readonly #samples: Array<readonly [atMs: number, bytes: number]> = [];

  constructor(spanMs = 4000) {
    this.#spanMs = spanMs;
  }

  /** `bytes` in total had been stored at `atMs`. */
  add(atMs: number, bytes: number): void {
    this.#samples.push([atMs, bytes]);
    while (this.#samples.length > 2 && atMs - this.#samples[0]![0] > this.#spanMs) this.#samples.shift();
  }

  /** `undefined` while it is too early to say. */
  get bytesPerSecond(): number | undefined {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last || last[0] - first[0] < 250) return undefined;
    return ((last[1] - first[1]) * 1000) / (last[0] - first[0]);
  }
}
