import { type CourierClock, systemClock } from '../clock.ts';
import { TransferError } from '../errors.ts';
import { onAbort } from '../on-abort.ts';
import type { ListedEntry } from '../packets.ts';
import type { MessagePipe } from '../pipe.ts';
import type { FileSource, StoredFile } from '../ports.ts';
import type { SendProgress } from '../send-driver.ts';
import type {
  FolderSource,
  GetOptions,
  SendOptions,
  Session,
  SessionOptions,
  WatchListeners,
} from '../session-options.ts';
import type { TransferEvent } from '../transfer-event.ts';
import type { RetryOptions } from './backoff.ts';
import { Heard } from './heard.ts';
import { Line, type LineEvent, type ProbeOptions } from './line.ts';

/** What a {@link Courier} needs and how it behaves. */
export interface CourierOptions {
  /** Opens a connection that speaks wsferry.v1, the first time and again after each loss. The signal: nobody needs it any more. */
  readonly connect: (signal: AbortSignal) => Promise<MessagePipe>;
  /** How each session runs; this side is its opener. */
  readonly session?: Omit<SessionOptions, 'role'> | undefined;
  readonly retry?: RetryOptions | undefined;
  /** Whether an error of `connect` does not get better by trying again (refused, a wrong certificate). Default: none is. */
  readonly isFinal?: ((error: unknown) => boolean) | undefined;
  /** Asks whether the peer is still there. Default: not; a `Connection` notices that itself, a browser's WebSocket does not. */
  readonly probe?: ProbeOptions | undefined;
  /** Hears what happens to the line. What it throws is dropped. */
  readonly onEvent?: ((event: LineEvent) => void) | undefined;
  /** Where time comes from. Default: the system's. */
  readonly clock?: CourierClock | undefined;
  /** Chance, from 0 up to 1. Default: Math.random. */
  readonly random?: (() => number) | undefined;
}

/** How much of what arrived last a peer is asked to repeat, so that what a loss kept from us is heard: what it remembers. */
const REPEATED = 100;

/**
 * Files over a line that may break: opens a session, and when it is lost another one, after a while that grows (see
 * {@link RetryOptions}), and goes on with every file where it was. That needs a receiver which keeps what it got and a source
 * with a `resumeKey`; without them a file begins anew on the next connection, and is verified just the same.
 *
 * The first connection is not tried twice unless `retry.first` says so: an address that was never there is told at once.
 */
export class Courier {
  readonly #line: Line;

  constructor(options: CourierOptions) {
    const { onEvent } = options;
    this.#line = new Line({
      ...options,
      clock: options.clock ?? systemClock,
      random: options.random ?? Math.random,
      onEvent: (event) => {
        try {
          onEvent?.(event);
        } catch {
          // A listener's bug must not cost the line.
        }
      },
    });
  }

  /** Does not wait any longer before the next try: the network is back, or somebody has no patience. */
  retryNow(): void {
    this.#line.retryNow();
  }

  /** The session that is open now, or the next one: for what is not worth repeating. */
  session(signal?: AbortSignal): Promise<Session> {
    return this.#line.session(signal);
  }

  /**
   * Sends a file, over as many connections as it takes. Rejects as `Session.sendFile` does; with what the last loss was when
   * the retries are used up, and with what `connect` rejected with when that is final or the first one.
   */
  sendFile(source: FileSource, options: SendOptions = {}): Promise<StoredFile> {
    const { onProgress, signal } = options;
    const progress = new Watermark(() => this.#line.progressed());
    const watched = (report: SendProgress) => {
      progress.reach(report.stored);
      onProgress?.(report);
    };
    let now: FileSource | undefined;
    return this.#overSessions(async (session) => {
      // After a loss as it is by then: to offer what it was before would throw away what is stored of what it is.
      now = now === undefined ? source : ((await now.again?.().catch(() => undefined)) ?? now);
      return session.sendFile(now, { ...options, onProgress: watched });
    }, signal);
  }

  /** Makes a folder at the peer, as `Session.sendFolder` does. */
  sendFolder(
    folder: FolderSource,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<{ readonly name: string }> {
    return this.#overSessions((session) => session.sendFolder(folder, options), options.signal);
  }

  /** Gets a file, over as many connections as it takes: `accept` is asked again each time, and says what it holds by then. */
  getFile(name: string, options: GetOptions): Promise<StoredFile> {
    const progress = new Watermark(() => this.#line.progressed());
    const onEvent = (event: TransferEvent) => {
      if (event.type === 'progress') progress.reach(event.stored);
      options.onEvent?.(event);
    };
    return this.#overSessions((session) => session.getFile(name, { ...options, onEvent }), options.signal);
  }

  /** What lies in a folder of the peer. After a loss it is read anew; what was given already is not given again. */
  async *list(
    folder: readonly string[] = [],
    options: { readonly recursive?: boolean; readonly signal?: AbortSignal } = {},
  ): AsyncIterable<ListedEntry> {
    const given = new Set<string>();
    for (;;) {
      const session = await this.#session(options.signal);
      const leave = this.#line.hold(session);
      try {
        for await (const entry of session.list(folder, options)) {
          const place = JSON.stringify([entry.folder ?? [], entry.name]);
          if (given.has(place)) continue;
          given.add(place);
          yield entry;
        }
        return;
      } catch (error) {
        this.#lose(session, error, options.signal);
      } finally {
        leave();
      }
    }
  }

  /** Tells a text to everybody who watches there; told again when the connection was lost before it was known to be told. */
  postNote(text: string): Promise<void> {
    return this.#overSessions((session) => session.postNote(text), undefined);
  }

  /**
   * Hears of files and notes that arrive at the peer until the signal comes, over as many connections as it takes. Rejects
   * when no connection is to be had any more, and with FORBIDDEN when the peer has nothing to watch. What arrived between two connections is told from the peer's memory, when it
   * is among the last 100, and nothing is told twice. `onWatching`: from here on nothing is missed.
   */
  async watch(
    listeners: WatchListeners,
    options: { readonly recent?: number; readonly signal?: AbortSignal; readonly onWatching?: () => void } = {},
  ): Promise<void> {
    const { recent = 0, signal, onWatching } = options;
    const heard = new Heard(listeners);
    for (let began = false; !signal?.aborted; ) {
      const session = await this.#line.session(signal).catch((error) => {
        if (!signal?.aborted) throw error;
      });
      if (!session) return;
      let refusal: TransferError | undefined;
      const onRefused = (error: TransferError) => {
        refusal = error;
        listeners.onRefused?.(error);
      };
      session.watch({ ...heard.listeners, onRefused }, { recent: Math.max(recent, REPEATED) });
      // Its answer stands behind all that is repeated, and behind a refusal.
      const answered = await session.probe(signal ? { signal } : {}).then(
        () => true,
        () => false,
      );
      if (refusal) throw refusal;
      if (answered) this.#line.progressed();
      if (answered && !began) {
        began = true;
        heard.begin(recent);
        onWatching?.();
      }
      await untilAborted(session.closed, signal);
    }
  }

  /** Ends every transfer with SHUTTING_DOWN and the session with `code` (1000); no other one is opened. */
  close(code?: number, reason?: string): Promise<void> {
    return this.#line.close(code, reason);
  }

  async #session(signal: AbortSignal | undefined): Promise<Session> {
    return await this.#line.session(signal).catch((error) => {
      throw signal?.aborted ? new TransferError('CANCELLED', undefined, { cause: signal.reason }) : error;
    });
  }

  async #overSessions<T>(work: (session: Session) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    for (;;) {
      const session = await this.#session(signal);
      const leave = this.#line.hold(session);
      try {
        const done = await work(session);
        this.#line.progressed();
        return done;
      } catch (error) {
        this.#lose(session, error, signal);
      } finally {
        leave();
      }
    }
  }

  /** The next try goes over another session. Throws what another one would not mend. */
  #lose(session: Session, error: unknown, signal: AbortSignal | undefined): void {
    const isOver = isLoss(error) || this.#line.wasDropped(session);
    if (signal?.aborted || !(isOver || isStopping(error))) throw error;
    // Who is about to stop lets the others end.
    if (isOver) this.#line.drop(session, error);
    else this.#line.retire(session, error);
  }
}

/** The transfer is not at fault: the same one may do well over another connection. */
function isLoss(error: unknown): boolean {
  return error instanceof TransferError && error.code === 'CONNECTION_LOST';
}

function isStopping(error: unknown): boolean {
  return error instanceof TransferError && error.code === 'SHUTTING_DOWN' && error.side === 'peer';
}

/** So often what is stored a second time is progress, too, until more is stored than ever before. */
const FRESH_STARTS = 3;

/**
 * Only a byte that was never stored before is progress: a line which always breaks at the same place makes none. A file that
 * begins anew, because nothing of it was kept, has all its bytes before it again, but not for ever.
 */
class Watermark {
  readonly #risen: () => void;
  #highest = 0;
  #mark = 0;
  #last = 0;
  #freshStarts = 0;

  constructor(risen: () => void) {
    this.#risen = risen;
  }

  reach(bytes: number): void {
    if (bytes < this.#last && this.#freshStarts < FRESH_STARTS) {
      this.#freshStarts += 1;
      this.#mark = bytes;
    }
    this.#last = bytes;
    if (bytes > this.#mark) {
      this.#mark = bytes;
      this.#risen();
    }
    if (bytes > this.#highest) {
      this.#highest = bytes;
      this.#freshStarts = 0;
    }
  }
}

/** Resolves with `promise`, or when the signal comes. */
async function untilAborted(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  let unlisten = () => {};
  const ended = new Promise<void>((resolve) => {
    unlisten = onAbort(signal, resolve);
  });
  await Promise.race([promise, ended]);
  unlisten();
}
