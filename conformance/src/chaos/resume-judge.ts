import type { Scenario } from './scenario.ts';

/** A file of so many bytes is sent again as a whole: to look for a beginning and to prove it costs more. */
const WHOLE_AGAIN_BYTES = 64 * 1024;
/** Beside bytes of files a connection carries handshake, packets and frame headers: a hundredth, and a little. */
const OVERHEAD_BYTES = 64 * 1024;

interface Opened {
  /** What was missing at the receiver, as its peer had been told when the first byte of the connection was carried. */
  readonly missing: number;
  carried: number;
}

/**
 * Whether what was acknowledged is ever carried again. It believes two witnesses: the line, on which no connection may carry
 * more than was missing when it was opened, whoever was killed before; and the program, which has to say that it goes on,
 * where it was or later.
 */
export class ResumeJudge {
  readonly #sizes: ReadonlyMap<string, number>;
  /** What was told to be stored. */
  readonly #stored = new Map<string, number>();
  /** Files that have to be gone on with. */
  readonly #due = new Set<string>();
  readonly #opened = new Map<number, Opened>();
  readonly #problems: string[] = [];

  constructor(files: Scenario['files']) {
    this.#sizes = new Map(files.map(({ name, bytes }) => [name.normalize('NFC'), bytes]));
  }

  /** The program has another connection, or was started again. */
  again(): void {
    for (const [name, stored] of this.#stored) if (stored > 0 && stored < this.#sizes.get(name)!) this.#due.add(name);
  }

  /** An event of the program that sends or gets. */
  heard({ event, name, stored, offset }: { readonly [field: string]: unknown }): void {
    if (event === 'reconnected') this.again();
    if (typeof name !== 'string') return;
    const key = name.normalize('NFC');
    const size = this.#sizes.get(key);
    if (size === undefined) return;
    const there = event === 'stored' ? size : event === 'progress' ? stored : event === 'resumed' ? offset : undefined;
    // 0 is said first, while what the receiver holds is still to be proven. All of it is no going on.
    if (typeof there !== 'number' || there === 0 || (size <= WHOLE_AGAIN_BYTES && there < size)) return;
    const before = this.#stored.get(key) ?? 0;
    if (this.#due.delete(key) && (there < before || (event === 'progress' && there < size))) {
      this.#problems.push(`${key} did not go on: ${before} bytes were stored, and then ${there}`);
    }
    this.#stored.set(key, Math.max(before, there));
  }

  /** So many bytes were carried in the direction of the files. */
  carried(connection: number, bytes: number): void {
    const opened = this.#opened.get(connection) ?? { missing: this.#missing(), carried: 0 };
    opened.carried += bytes;
    this.#opened.set(connection, opened);
  }

  /** What is wrong, in words. */
  get problems(): readonly string[] {
    const lavish = [...this.#opened].filter(([, { missing, carried }]) => carried > missing * 1.01 + OVERHEAD_BYTES);
    const onTheLine = lavish.map(
      ([connection, { missing, carried }]) =>
        `connection ${connection} carried ${carried} bytes when ${missing} were missing`,
    );
    return [...onTheLine, ...this.#problems];
  }

  #missing(): number {
    let missing = 0;
    for (const [name, size] of this.#sizes) missing += size - (this.#stored.get(name) ?? 0);
    return missing;
  }
}
