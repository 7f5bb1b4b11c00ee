import { addressBytes } from './addresses.ts';

/** How often one address may fail. */
export interface FailedAttemptsOptions {
  /** Failures in a row before it has to wait. Default 10. */
  readonly maxFailures?: number | undefined;
  /** In so many ms they are all forgotten, evenly: with the defaults one every 6 s. Default 60 000. */
  readonly forgetMs?: number | undefined;
  /** Addresses that are remembered; above it the one whose last failure is longest ago is forgotten. Default 10 000. */
  readonly maxAddresses?: number | undefined;
  /** Milliseconds from any fixed moment. Default: the system's clock. */
  readonly now?: (() => number) | undefined;
}

/**
 * Counts the failures of each address in a bucket that leaks: whoever guesses is soon held to the pace of the leak, and
 * whoever mistyped is not. IPv6 is counted by /64, of which one customer has 2^64 addresses; those without an address
 * (a Unix socket) share a bucket.
 */
export class FailedAttempts {
  /** The time of one failure. */
  readonly #leakMs: number;
  /** How full a bucket may be, in time, so that one more failure fits. */
  readonly #roomMs: number;
  readonly #maxAddresses: number;
  readonly #now: () => number;
  /** When the bucket of an address will be empty. The address whose last failure is longest ago comes first. */
  readonly #emptyAt = new Map<string, number>();

  /** @throws RangeError for a number that is none, or below 1 */
  constructor({ maxFailures = 10, forgetMs = 60_000, maxAddresses = 10_000, now }: FailedAttemptsOptions = {}) {
    this.#leakMs = positive('forgetMs', forgetMs) / positive('maxFailures', maxFailures);
    this.#roomMs = forgetMs - this.#leakMs;
    this.#maxAddresses = positive('maxAddresses', maxAddresses);
    this.#now = now ?? (() => performance.now());
  }

  /** How many addresses are remembered. */
  get size(): number {
    return this.#emptyAt.size;
  }

  /** How long `address` has to wait until it may try again, in ms; 0 when it may. */
  waitMs(address: string | undefined): number {
    const now = this.#now();
    return Math.max(0, (this.#emptyAt.get(keyOf(address)) ?? now) - now - this.#roomMs);
  }

  /** It failed. */
  add(address: string | undefined): void {
    const key = keyOf(address);
    const now = this.#now();
    const emptyAt = Math.max(now, this.#emptyAt.get(key) ?? now) + this.#leakMs;
    this.#emptyAt.delete(key);
    this.#emptyAt.set(key, emptyAt);
    if (this.#emptyAt.size <= this.#maxAddresses) return;
    const [oldest] = this.#emptyAt.keys();
    this.#emptyAt.delete(oldest!);
  }
}

function keyOf(address: string | undefined): string {
  const bytes = address === undefined ? undefined : addressBytes(address);
  return bytes === undefined ? (address ?? '') : bytes.subarray(0, 8).join(' ');
}

function positive(name: string, value: number): number {
  if (Number.isFinite(value) && value >= 1) return value;
  throw new RangeError(`expected ${name} to be a number from 1 on, got ${value}`);
}
