import type { CourierClock } from '../clock.ts';
import { TransferError } from '../errors.ts';
import { onAbort } from '../on-abort.ts';
import { openSession } from '../open-session.ts';
import type { MessagePipe } from '../pipe.ts';
import { connectionLost } from '../pipe-end.ts';
import type { Session, SessionOptions } from '../session-options.ts';
import { Backoff, type RetryOptions } from './backoff.ts';

/** What happens to the line between the two sides. */
export type LineEvent =
  /** There is a connection; `again` when there was one before. */
  | { readonly type: 'connected'; readonly again: boolean }
  /**
   * The connection was lost (`while: 'open'`), or a try to open another one failed (`'connecting'`). The next try comes
   * in `retryInMs`; it will be number `attempt` since anything got through.
   */
  | {
      readonly type: 'lost';
      readonly while: 'open' | 'connecting';
      readonly error: unknown;
      readonly retryInMs: number;
      readonly attempt: number;
    }
  /** No more tries: time is up, or `error` is one that does not get better. */
  | { readonly type: 'gave-up'; readonly error: unknown };

/** When a peer is asked whether it is still there, for connections that cannot notice it themselves (a browser's). */
export interface ProbeOptions {
  /** How long after the last answer, in ms. Default 5 s. */
  readonly intervalMs?: number | undefined;
  /** How long to wait for an answer before the connection is given up, in ms. Default 10 s. */
  readonly timeoutMs?: number | undefined;
}

export interface LineOptions {
  readonly connect: (signal: AbortSignal) => Promise<MessagePipe>;
  readonly session?: Omit<SessionOptions, 'role'> | undefined;
  readonly retry?: RetryOptions | undefined;
  readonly isFinal?: ((error: unknown) => boolean) | undefined;
  readonly probe?: ProbeOptions | undefined;
  readonly clock: CourierClock;
  readonly random: () => number;
  readonly onEvent: (event: LineEvent) => void;
}

/** Why there is no session, and since which moment: there was one, or it could not be opened. */
interface Loss {
  readonly while: 'open' | 'connecting';
  readonly error: unknown;
}

interface Waiter {
  readonly resolve: (session: Session) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One session at a time, and another one when it was lost and somebody still needs one. Nobody who needs none is made to
 * wait for it, and no connection is opened for nobody.
 */
export class Line {
  readonly #options: LineOptions;
  readonly #backoff: Backoff;
  readonly #ended = new AbortController();
  readonly #waiters = new Set<Waiter>();
  readonly #dropped = new WeakSet<Session>();
  /** How many work over a session. */
  readonly #held = new Map<Session, number>();
  /** Their peer begins nothing new, and they are closed when nobody works over them any more. */
  readonly #retired = new Set<Session>();
  #hurry: (() => void) | undefined;
  #session: Session | undefined;
  #opening: Promise<void> | undefined;
  #connectedBefore = false;
  /** Why there is no session any more, or not yet; while it is there, the next try comes after a delay. */
  #loss: Loss | undefined;
  /** Why nobody gets a session any more. */
  #failure: unknown;

  constructor(options: LineOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.retry ?? {}, options.random);
  }

  /** The session that is open, or the next one. Rejects when none is to be had any more, or with the signal's reason. */
  session(signal?: AbortSignal): Promise<Session> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#session) return Promise.resolve(this.#session);
    return new Promise((resolve, reject) => {
      const done = () => {
        this.#waiters.delete(waiter);
        unlisten();
      };
      const waiter: Waiter = {
        resolve: (session) => {
          done();
          resolve(session);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      };
      const unlisten = onAbort(signal, () => waiter.reject(signal?.reason));
      this.#waiters.add(waiter);
      this.#begin();
    });
  }

  /** Opens, unless that is under way. Who came when it had just ended for want of waiters must not wait for nothing. */
  #begin(): void {
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
      if (this.#waiters.size > 0 && this.#failure === undefined) this.#begin();
    });
  }

  /** Something got through: patience begins anew. */
  progressed(): void {
    this.#backoff.progressed();
  }

  /**
   * Nothing more is to be had of this session, although its connection may still be there: it is closed, and nobody waits
   * for that, because a connection that is half open may take its time.
   */
  drop(session: Session, why: unknown): void {
    this.#dropped.add(session);
    this.#retired.delete(session);
    if (this.#session === session) this.#lost(why);
    void session.close(1001);
  }

  /** Whether it was this side that gave the session up: what its transfers ended with is not their fault then. */
  wasDropped(session: Session): boolean {
    return this.#dropped.has(session);
  }

  /** Somebody works over this session. Returns how to say that this is over. */
  hold(session: Session): () => void {
    this.#held.set(session, (this.#held.get(session) ?? 0) + 1);
    return () => {
      const left = this.#held.get(session)! - 1;
      if (left > 0) {
        this.#held.set(session, left);
        return;
      }
      this.#held.delete(session);
      if (this.#retired.delete(session)) void session.close(1001);
    };
  }

  /** The peer is about to stop: what is under way over this session may end, and the next thing goes over another one. */
  retire(session: Session, why: unknown): void {
    if (this.#session === session) this.#lost(why);
    this.#retired.add(session);
  }

  /** Ends the wait before the next try, if there is one. */
  retryNow(): void {
    this.#hurry?.();
  }

  /** Ends the session, cuts short every wait, and gives nobody a new one. */
  async close(code?: number, reason?: string): Promise<void> {
    this.#fail(new TransferError('SHUTTING_DOWN', 'this courier was closed'));
    this.#ended.abort();
    await this.#opening;
    const open = [...this.#retired, ...(this.#session ? [this.#session] : [])];
    await Promise.all(open.map((session) => session.close(code, reason)));
  }

  /** Tries until there is a session, nobody waits for one any more, or none is to be had. */
  async #open(): Promise<void> {
    while (this.#waiters.size > 0 && this.#failure === undefined) {
      if (this.#loss !== undefined && !(await this.#patience(this.#loss))) return;
      if (this.#waiters.size === 0 || this.#failure !== undefined) return;
      try {
        const pipe = await this.#options.connect(this.#ended.signal);
        this.#opened(pipe);
        return;
      } catch (error) {
        if (this.#failure !== undefined) return;
        // What was never there is not lost: whoever asked is told at once.
        if ((!this.#connectedBefore && !this.#options.retry?.first) || this.#options.isFinal?.(error)) {
          this.#giveUp(error);
          return;
        }
        this.#loss = { while: 'connecting', error };
      }
    }
  }

  #opened(pipe: MessagePipe): void {
    if (this.#failure !== undefined) {
      void Promise.resolve(pipe.close(1001)).catch(() => {});
      return;
    }
    const session = openSession(pipe, { ...this.#options.session, role: 'opener' });
    this.#session = session;
    this.#loss = undefined;
    this.#options.onEvent({ type: 'connected', again: this.#connectedBefore });
    this.#connectedBefore = true;
    void session.closed.then(async () => {
      if (this.#session === session) this.#lost(await connectionLost(pipe, undefined));
    });
    for (const waiter of [...this.#waiters]) waiter.resolve(session);
    if (this.#options.probe) void this.#watchOver(session, this.#options.probe);
  }

  /** Asks again and again whether the peer is there, until the session has ended, or is given up for want of an answer. */
  async #watchOver(session: Session, { intervalMs = 5000, timeoutMs = 10_000 }: ProbeOptions): Promise<void> {
    const { clock } = this.#options;
    const over = new AbortController();
    void session.closed.then(() => over.abort());
    const inUse = () => this.#session === session || this.#retired.has(session);
    while (inUse()) {
      await sleep(clock, intervalMs, over.signal);
      if (!inUse() || over.signal.aborted) return;
      const late = new AbortController();
      const timer = clock.setTimeout(() => late.abort(), timeoutMs);
      await session.probe({ signal: late.signal }).catch(() => {});
      clock.clearTimeout(timer);
      if (!late.signal.aborted) continue;
      const message = `the connection is dead: no answer for ${Math.round(timeoutMs / 1000)} s`;
      this.drop(session, new TransferError('CONNECTION_LOST', message));
    }
  }

  #lost(error: unknown): void {
    this.#session = undefined;
    this.#loss = { while: 'open', error };
  }

  /** Waits before the next try; false when there is none. */
  async #patience(loss: Loss): Promise<boolean> {
    const { clock, onEvent } = this.#options;
    const retryInMs = this.#backoff.next(clock.now());
    if (retryInMs === undefined) {
      this.#giveUp(loss.error);
      return false;
    }
    onEvent({ type: 'lost', ...loss, retryInMs, attempt: this.#backoff.tries });
    const hurry = new AbortController();
    this.#hurry = () => hurry.abort();
    await sleep(clock, retryInMs, AbortSignal.any([this.#ended.signal, hurry.signal]));
    this.#hurry = undefined;
    return true;
  }

  #giveUp(error: unknown): void {
    if (this.#connectedBefore) this.#options.onEvent({ type: 'gave-up', error });
    this.#fail(error);
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    for (const waiter of [...this.#waiters]) waiter.reject(this.#failure);
  }
}

/** Resolves when the time has passed, or at once when the signal comes. */
function sleep(clock: CourierClock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clock.clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.setTimeout(done, delayMs);
    signal.addEventListener('abort', done, { once: true });
  });
}
