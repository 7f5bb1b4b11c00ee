import { computed, type Signal, signal } from '@preact/signals';
import type { DigestAlgorithm } from '@wsferry/transfer';

/** The page's one WebSocket. `retryAt` is milliseconds since the epoch. */
export type Link =
  | { readonly state: 'connecting' }
  | { readonly state: 'open' }
  /** The server wants a token, or another one. `asking`: it is being asked about one. */
  | {
      readonly state: 'locked';
      readonly why: 'wanted' | 'wrong' | 'wait';
      readonly waitSeconds?: number;
      readonly asking?: boolean;
    }
  | { readonly state: 'lost'; readonly retryAt: number };

/** Where one file stands. `stored` counts bytes the receiver has stored, never bytes queued here. */
export type Progress =
  | { readonly state: 'waiting' }
  | {
      readonly state: 'sending';
      readonly stored: number;
      /** So much is read to see whether what the receiver holds already is the same; nothing travels meanwhile. */
      readonly compared?: number | undefined;
      readonly bytesPerSecond?: number | undefined;
    }
  | { readonly state: 'verified'; readonly storedAs: string; readonly digest: string; readonly existing: boolean }
  | { readonly state: 'cancelled' }
  | { readonly state: 'failed'; readonly reason: string };

export interface Upload {
  readonly key: number;
  /** As the file is called here; show it through `printable` only. */
  readonly name: string;
  readonly size: number;
  readonly progress: Signal<Progress>;
  /** Who holds it back: this page, or the receiver. */
  readonly paused: Signal<'local' | 'peer' | undefined>;
  /** Bytes the receiver had of it when it went on, over another connection or after a reload. */
  readonly resumedAt: Signal<number | undefined>;
  cancel(): void;
  togglePause(): void;
}

export interface Arrival {
  readonly name: string;
  /** The folders it lies in, outermost first. */
  readonly folder: readonly string[];
  readonly size: number;
  readonly algorithm: DigestAlgorithm;
  /** Lower-case hex. */
  readonly digest: string;
  /** Milliseconds since the epoch, by the server's clock. */
  readonly at: number;
  /** It came while this page was looking, not before. */
  readonly fresh: boolean;
  /** It was sent again, and the identical file was there already. */
  readonly existing: boolean;
}

export const link = signal<Link>({ state: 'connecting' });
/** Newest first. */
export const uploads = signal<readonly Upload[]>([]);
/** Newest first. */
export const arrivals = signal<readonly Arrival[]>([]);
/** One sentence for screen readers; the latest replaces the one before. */
export const announcement = signal('');
/** Something the page has to say about the last drop, such as folders it had to leave out. */
export const notice = signal('');

export const isUnfinished = (progress: Progress): boolean =>
  progress.state === 'waiting' || progress.state === 'sending';

/** How many uploads still wait or travel. */
export const unfinished = computed(() => uploads.value.filter((upload) => isUnfinished(upload.progress.value)).length);

/** So many arrivals are shown; older ones are still in the folder. */
export const keptArrivals = 100;

/**
 * Adds what the server pushed. After a reconnect it tells the recent ones again: those are known by name and time. A file
 * that was sent again moves to the top, instead of standing there twice.
 */
export function addArrival(arrival: Arrival): void {
  const where = whereOf(arrival);
  const known = arrivals.value.some((other) => whereOf(other) === where && arrival.at === other.at);
  if (known) return;
  const others = arrivals.value.filter(
    (other) => !arrival.existing || whereOf(other) !== where || other.digest !== arrival.digest,
  );
  arrivals.value = [arrival, ...others].sort((a, b) => b.at - a.at).slice(0, keptArrivals);
}

/** The path of what has arrived. */
export const whereOf = ({ folder, name }: Arrival): string => [...folder, name].join('/');

/** Takes everything that has ended off the list. */
export function clearFinished(): void {
  uploads.value = uploads.value.filter((upload) => isUnfinished(upload.progress.value));
}
