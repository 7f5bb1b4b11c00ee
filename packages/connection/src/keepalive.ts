import type { Clock } from './clock.ts';
import { DelayQueue } from './delay-queue.ts';

export interface KeepaliveOptions {
  /** How long the line may be silent before a Ping goes out. Default 20 s. */
  intervalMs: number;
  /** How long after that Ping anything at all must have come. Default 20 s. */
  timeoutMs: number;
}

/** 20 s: below the 60 s after which most proxies cut an idle connection, and rare enough to cost nothing. */
export const DEFAULT_KEEPALIVE: KeepaliveOptions = { intervalMs: 20_000, timeoutMs: 20_000 };

/** What a keepalive does to its connection. */
export interface KeepaliveActions {
  sendPing(): void;
  sendPong(): void;
  /** The peer is gone. */
  dead(): void;
}

/** When keepalives act, for all the connections of a server: the two times that they wait. */
export class KeepaliveSchedule {
  readonly interval: DelayQueue;
  readonly timeout: DelayQueue;

  constructor({ intervalMs, timeoutMs }: KeepaliveOptions, clock: Clock) {
    this.interval = new DelayQueue(clock, intervalMs);
    this.timeout = new DelayQueue(clock, timeoutMs);
  }
}

/**
 * Notices a peer that is gone without a word (§5.5.2: a Ping "may serve either as a keepalive or as a means to verify
 * that the remote endpoint is still responsive"). Any byte from the peer proves it alive; only silence is asked about.
 * While we ourselves do not read, silence proves nothing, so the clock waits; and since we cannot answer the peer's Pings then,
 * we send Pongs unasked.
 */
export class Keepalive {
  readonly #schedule: KeepaliveSchedule;
  readonly #actions: KeepaliveActions;
  #heard = false;
  #asked = false;
  #suspended = false;

  constructor(schedule: KeepaliveSchedule, actions: KeepaliveActions) {
    this.#schedule = schedule;
    this.#actions = actions;
    schedule.interval.enter(this);
  }

  /** Bytes came from the peer. */
  heard(): void {
    this.#heard = true;
  }

  /** We stopped reading (`true`) or read again (`false`). */
  suspend(suspended: boolean): void {
    if (this.#suspended && !suspended) this.#heard = true; // what the peer sent meanwhile is only now coming in
    this.#suspended = suspended;
  }

  stop(): void {
    this.#schedule.interval.leave(this);
    this.#schedule.timeout.leave(this);
  }

  /** The time is up that it waited for, see {@link DelayQueue}. */
  due(): void {
    if (this.#heard || this.#suspended) {
      this.#asked = false;
      if (this.#suspended) this.#actions.sendPong(); // §5.5.3: "serves as a unidirectional heartbeat"
    } else if (this.#asked) {
      this.#actions.dead();
      return;
    } else {
      this.#asked = true;
      this.#actions.sendPing();
    }
    this.#heard = false;
    (this.#asked ? this.#schedule.timeout : this.#schedule.interval).enter(this);
  }
}
