import type { Connection } from '@wsferry/connection';
import { Courier, type LineEvent } from '@wsferry/transfer';
import type { Route } from './connect.ts';
import { explain, isFinal } from './errors.ts';
import { leave } from './leaving.ts';
import type { Reporter } from './reporters/reporter.ts';

/** What is stored of all files of a command. */
export class Tally {
  readonly #stored = new Map<number, number>();

  set(id: number, stored: number): void {
    this.#stored.set(id, stored);
  }

  get total(): number {
    let sum = 0;
    for (const stored of this.#stored.values()) sum += stored;
    return sum;
  }
}

export interface ShellLineOptions {
  /** How long to go on trying after a loss, in ms. Default: the courier's. */
  readonly retryForMs?: number | undefined;
  /** Bytes of all files, for the place at which the line was lost; 0 when nobody knows. */
  readonly bytes?: number;
  /** What a sender may have on the way of a file that we get. Default: the session's. */
  readonly windowBytes?: number | undefined;
}

/** A courier on a route whose first connection is there already; what happens to the line is reported. */
export class ShellLine {
  readonly courier: Courier;
  readonly safe = new Tally();
  /** Where the receiver stores, when it is ours. */
  readonly dir: string | undefined;
  #current: Connection;

  constructor(route: Route, reporter: Reporter, options: ShellLineOptions = {}) {
    this.dir = route.receiver?.dir;
    const { retryForMs, bytes = 0, windowBytes } = options;
    let first: Connection | undefined = route.connection;
    this.#current = route.connection;
    this.courier = new Courier({
      connect: async (signal) => {
        this.#current = first ?? (await route.reconnect(signal));
        first = undefined;
        return this.#current;
      },
      session: { windowBytes },
      retry: { forMs: retryForMs },
      isFinal,
      onEvent: (event) => this.#tell(event, route.url, bytes, reporter),
    });
  }

  /** Ends the courier and the connection that is there: with 1000, or 1001 when `signal` says that the user ends it. */
  async leave(signal: AbortSignal): Promise<void> {
    const close = async (code?: number, reason?: string) => {
      await this.courier.close(code, reason);
      return this.#current.close(code, reason);
    };
    await leave({ close, abort: () => this.#current.abort() }, signal);
  }

  #tell(event: LineEvent, url: string, bytes: number, reporter: Reporter): void {
    if (event.type === 'connected' && event.again) reporter.report({ event: 'reconnected', url });
    if (event.type !== 'lost') return;
    const { attempt } = event;
    const { message } = explain(event.error);
    const retryInMs = Math.round(event.retryInMs);
    reporter.report({ event: 'lost', message, stored: this.safe.total, bytes, retryInMs, attempt });
  }
}
