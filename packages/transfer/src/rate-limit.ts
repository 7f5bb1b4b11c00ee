import { type CourierClock, systemClock } from './clock.ts';
import { wholeNumber } from './options.ts';
import type { Accept, FileShelf, FileSink, FileSource, OpenSource } from './ports.ts';

/** What was not used of so many milliseconds may be made up for: timers are late, and the rate is to come out all the same. */
const BURST_MS = 100;

/** So often a transfer that is alone has a turn. */
const TURNS_PER_SECOND = 8;

const MAX_PIECE_BYTES = 256 * 1024;
const MAX_WINDOW_BYTES = 4 * 1024 * 1024;

interface Turn {
  readonly bytes: number;
  readonly resolve: () => void;
}

/**
 * How many bytes a second may go, over all transfers that share it. Each asks for one piece after the other, and gets them in
 * the order of asking: so none of them is left behind, and one that is alone has it all.
 */
export class RateLimit {
  readonly bytesPerSecond: number;
  /** The most bytes to ask for at once. */
  readonly pieceBytes: number;
  /**
   * `windowBytes` for a session that receives under this limit: half a second's worth at most, because a whole window comes at
   * full speed before the first byte is stored.
   */
  readonly windowBytes: number;
  readonly #clock: CourierClock;
  readonly #line: Turn[] = [];
  /** When the next piece may go. */
  #freeAt: number;
  #timer: unknown;
  #lifted = false;

  /** @throws {RangeError} for anything but a whole number from 1 on */
  constructor(bytesPerSecond: number, { clock = systemClock }: { readonly clock?: CourierClock } = {}) {
    this.bytesPerSecond = wholeNumber('bytesPerSecond', bytesPerSecond, 1);
    this.pieceBytes = Math.min(MAX_PIECE_BYTES, Math.ceil(bytesPerSecond / TURNS_PER_SECOND));
    this.windowBytes = Math.min(MAX_WINDOW_BYTES, Math.ceil(bytesPerSecond / 2));
    this.#clock = clock;
    this.#freeAt = clock.now();
  }

  /** Resolves when so many bytes may go, or, with nothing taken, when the signal comes. */
  take(bytes: number, signal?: AbortSignal): Promise<void> {
    if (this.#lifted || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const turn: Turn = {
        bytes,
        resolve: () => {
          signal?.removeEventListener('abort', leave);
          resolve();
        },
      };
      const leave = () => {
        const at = this.#line.indexOf(turn);
        if (at >= 0) this.#line.splice(at, 1);
        turn.resolve();
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.#line.push(turn);
      this.#serve();
    });
  }

  /** From now on there is no limit: what is under way is to end. */
  lift(): void {
    this.#lifted = true;
    this.#clock.clearTimeout(this.#timer);
    for (const turn of this.#line.splice(0)) turn.resolve();
  }

  #serve(): void {
    if (this.#timer !== undefined) return;
    const now = this.#clock.now();
    while (this.#line.length > 0) {
      const waitMs = this.#freeAt - now;
      if (waitMs > 0) {
        this.#timer = this.#clock.setTimeout(() => {
          this.#timer = undefined;
          this.#serve();
        }, waitMs);
        return;
      }
      const turn = this.#line.shift()!;
      this.#freeAt = Math.max(this.#freeAt, now - BURST_MS) + (turn.bytes * 1000) / this.bytesPerSecond;
      turn.resolve();
    }
  }
}

/** The source, read no faster than `limit` allows. */
export function limitRate(source: FileSource, limit: RateLimit): FileSource {
  return {
    ...source,
    open: async (options) => limitedSource(await source.open(options), limit),
    ...(source.again && { again: async () => limitRate(await source.again!(), limit) }),
  };
}

function limitedSource(open: OpenSource, limit: RateLimit): OpenSource {
  const closed = new AbortController();
  let rest: Uint8Array = new Uint8Array();
  return {
    ...(open.prefixDigest !== undefined && { prefixDigest: open.prefixDigest }),
    ...(open.headroomBytes !== undefined && { headroomBytes: open.headroomBytes }),
    read: async () => {
      if (rest.byteLength === 0) {
        const chunk = await open.read();
        if (chunk === undefined) return undefined;
        rest = chunk;
      }
      const piece = rest.subarray(0, limit.pieceBytes);
      rest = rest.subarray(piece.byteLength);
      await limit.take(piece.byteLength, closed.signal);
      return piece;
    },
    digest: () => open.digest(),
    stored: (bytes) => open.stored?.(bytes),
    close: (options) => {
      closed.abort();
      return open.close(options);
    },
  };
}

/**
 * Takes files no faster than `limit` allows: what is not stored gets no credit, so the sender waits. Give the session
 * `limit.windowBytes`, or it is a whole window late to notice.
 */
export function limitAccept(accept: Accept, limit: RateLimit): Accept {
  return async (offer, control) => {
    const accepted = await accept(offer, control);
    return { ...accepted, sink: limitedSink(accepted.sink, limit) };
  };
}

/** Not `writeAll`: each message is paid for, and acknowledged, by itself. */
function limitedSink(sink: FileSink, limit: RateLimit): FileSink {
  return {
    write: async (bytes) => {
      await limit.take(bytes.byteLength);
      await sink.write(bytes);
    },
    restart: () => sink.restart(),
    digest: () => sink.digest(),
    ...(sink.flush && { flush: () => sink.flush!() }),
    commit: () => sink.commit(),
    discard: (options) => sink.discard(options),
  };
}

/** The shelf, whose files are read no faster than `limit` allows. */
export function limitShelf(shelf: FileShelf, limit: RateLimit): FileShelf {
  return {
    file: async (name, folder) => limitRate(await shelf.file(name, folder), limit),
    list: (folder, options) => shelf.list(folder, options),
  };
}
