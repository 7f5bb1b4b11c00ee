import { type Connection, connect, type ListenOptions } from '@wsferry/connection';
import { expect } from 'vitest';
import type { AttackFunctions } from './attacker-process.ts';
import { Child } from './child.ts';
import type { ServerFunctions, ServerState } from './server-process.ts';

export const MEBIBYTE = 1024 * 1024;

/** The issue's own number: how long a good client may wait, and a server's event loop may be held. */
const MAX_ROUND_TRIP_MS = 1000;

/** What a siege found. Sizes in bytes, beyond what the server had before. */
export interface Outcome<Result> {
  readonly result: Result;
  /** At the worst moment, of the process. */
  readonly peakRss: number;
  /** Afterwards, of JavaScript's heap and buffers. */
  readonly kept: number;
  readonly server: ServerState;
}

/** A server in a process, an attacker in another, and a good client here that measures all the time. */
export class Siege {
  readonly server = new Child<ServerFunctions>('./server-process.ts');
  readonly attacker = new Child<AttackFunctions>('./attacker-process.ts');
  url = '';
  #tls: { ca: string } | undefined;

  async start(options: ListenOptions = {}, tls?: { cert: string; key: string }): Promise<void> {
    this.#tls = tls && { ca: tls.cert };
    this.url = await this.server.call('listen', { ...options, ...(tls && { tls }) });
    // Whatever is loaded and compiled on first use is not the attack's doing.
    for (let i = 0; i < 20; i++) await this.serveOne();
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  async stop(): Promise<void> {
    await Promise.all([this.server.stop(), this.attacker.stop()]);
  }

  connect(): Promise<Connection> {
    const tls = this.#tls && { tls: { ...this.#tls, servername: 'localhost' } };
    return connect(`${this.url}/echo`, { keepalive: false, ...tls });
  }

  /** A good client comes, is served, and goes. */
  async serveOne(): Promise<void> {
    const connection = await this.connect();
    const messages = connection[Symbol.asyncIterator]();
    connection.send('hello');
    expect((await messages.next()).value).toBe('hello');
    await connection.close();
  }

  /** What one more of something costs: `kept` while `attack` holds it, by `count`. */
  async costOfEach(count: number, attack: () => Promise<unknown>): Promise<number> {
    const before = (await this.server.call('state', { collect: true })).kept;
    await attack();
    // Until it stands still: bytes may be on their way yet, and what was written may not be collected yet.
    for (let last = Number.NaN; ; ) {
      const { kept } = await this.server.call('state', { collect: true });
      if (Math.abs(kept - last) < 0.01 * Math.max(kept - before, MEBIBYTE)) return (kept - before) / count;
      last = kept;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /**
   * Attacks while a good client's messages go round. Whatever the attack is: none of them takes a second, the event loop
   * is never held for one, the server goes on, and the next good client is served.
   */
  async under<Result>(attack: () => Promise<Result>): Promise<Outcome<Result>> {
    const before = await this.server.call('reset');
    const good = new GoodClient(await this.connect());
    let result: Result;
    try {
      result = await attack();
    } finally {
      await good.stop();
    }
    const during = await this.server.call('state', { collect: false });
    await this.attacker.call('release');
    await this.serveOne();
    await expect
      .poll(async () => (await this.server.call('state', { collect: false })).connections, { timeout: 20_000 })
      .toBe(0);
    let after = await this.server.call('state', { collect: true });
    // What a closed socket held is let go some turns and collections later.
    for (let i = 0; i < 10 && after.kept - before.kept > MEBIBYTE; i++) {
      after = await this.server.call('state', { collect: true });
    }
    const peakRss = Math.max(during.peakRss, after.peakRss) - before.rss;
    const kept = after.kept - before.kept;
    if (process.env['WSFERRY_SHOW'] === '1') {
      const round = (bytes: number) => `${(bytes / MEBIBYTE).toFixed(1)} MiB`;
      console.log(
        `${expect.getState().currentTestName}: peak +${round(peakRss)}, kept +${round(kept)}, ` +
          `${good.rounds} round trips of at most ${good.longestMs.toFixed(0)} ms, loop held ${during.loopDelayMs.toFixed(0)} ms`,
      );
    }
    expect(good.rounds).toBeGreaterThan(0);
    expect(good.longestMs).toBeLessThan(MAX_ROUND_TRIP_MS);
    expect(during.loopDelayMs).toBeLessThan(MAX_ROUND_TRIP_MS);
    return { result, peakRss, kept, server: { ...after, loopDelayMs: during.loopDelayMs } };
  }
}

/** Sends a message, waits for its echo, and again, until it is stopped. */
class GoodClient {
  rounds = 0;
  longestMs = 0;
  readonly #connection: Connection;
  readonly #running: Promise<void>;
  #stopped = false;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#running = this.#run();
    this.#running.catch(() => {}); // seen by `stop`
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    await this.#connection.close();
  }

  async #run(): Promise<void> {
    const messages = this.#connection[Symbol.asyncIterator]();
    do {
      const began = performance.now();
      this.#connection.send('still there?');
      const { done } = await messages.next();
      if (done) throw new Error(`expected an echo, got a close with ${(await this.#connection.closed).code}`);
      this.longestMs = Math.max(this.longestMs, performance.now() - began);
      this.rounds++;
      // A hundred times a second shows every pause that matters and leaves the processors to the others.
      await new Promise((resolve) => setTimeout(resolve, 10));
    } while (!this.#stopped);
  }
}
