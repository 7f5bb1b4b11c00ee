import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export type Direction = 'up' | 'down';

const SLOW_TURN_MS = 20;
const SLOW_BYTES_PER_TURN = 8 * 1024;
/** What passes at a crawl before a slow line is fast again. */
const SLOW_FOR_BYTES = 256 * 1024;

/**
 * Carries TCP between whoever connects and `target`, byte by byte as they come, until it is told to fail: at an exact byte
 * of the stream, so that a seed finds the same place again.
 */
export class CuttingProxy {
  readonly #server: Server;
  readonly #target: number;
  readonly #pairs = new Set<Pair>();
  #trap: { readonly direction: Direction; left: number; readonly spring: () => void } | undefined;
  /** Bytes that were handed on, over all connections. */
  readonly carried: Record<Direction, number> = { up: 0, down: 0 };
  /** Called with every piece that is handed on, and the number of its connection, from 1. */
  onCarried: ((direction: Direction, connection: number, bytes: number) => void) | undefined;
  /** Connections that were taken. */
  connections = 0;

  constructor(target: number) {
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
      const pair = new Pair(near, connect({ host: '127.0.0.1', port: target, allowHalfOpen: true, noDelay: true }));
      this.#pairs.add(pair);
      this.connections += 1;
      const number = this.connections;
      pair.carry({
        most: (direction) => (this.#trap?.direction === direction ? this.#trap.left : Number.POSITIVE_INFINITY),
        carried: (direction, bytes) => this.#count(direction, bytes, number),
        ended: () => this.#pairs.delete(pair),
      });
    });
  }

  get target(): number {
    return this.#target;
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** Calls `spring` at the moment when exactly so many more bytes have gone that way. */
  setTrap(direction: Direction, bytes: number, spring: () => void): void {
    if (bytes === 0) spring();
    else this.#trap = { direction, left: bytes, spring };
  }

  /** Both sides see TCP end. */
  drop(): void {
    for (const { near, far } of this.#take()) {
      near.destroy();
      far.destroy();
    }
  }

  /** Both sides see a reset. */
  reset(): void {
    for (const { near, far } of this.#take()) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  }

  /** Nothing is carried any more, and nobody is told. */
  stall(): void {
    for (const pair of this.#pairs) pair.stall();
  }

  /** The receiver sees the end; the sender is told nothing. */
  halfOpen(): void {
    this.stall();
    for (const { far } of this.#pairs) far.destroy();
  }

  slow(): void {
    for (const pair of this.#pairs) pair.slowBytes = SLOW_FOR_BYTES;
  }

  async close(): Promise<void> {
    this.#trap = undefined;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.drop();
    await closed;
  }

  #take(): Pair[] {
    const pairs = [...this.#pairs];
    this.#pairs.clear();
    for (const pair of pairs) pair.stall();
    return pairs;
  }

  #count(direction: Direction, bytes: number, connection: number): void {
    this.carried[direction] += bytes;
    this.onCarried?.(direction, connection, bytes);
    const trap = this.#trap;
    if (trap?.direction !== direction) return;
    trap.left -= bytes;
    if (trap.left > 0) return;
    this.#trap = undefined;
    trap.spring();
  }
}

interface Tally {
  /** How many bytes may go that way before something happens. */
  most(direction: Direction): number;
  carried(direction: Direction, bytes: number): void;
  ended(): void;
}

/** Two sockets that belong together. */
class Pair {
  readonly near: Socket;
  readonly far: Socket;
  /** Nothing is carried any more, in either direction. */
  stalled = false;
  /** Until this many more bytes have passed, few pass in a turn. */
  slowBytes = 0;

  constructor(near: Socket, far: Socket) {
    this.near = near;
    this.far = far;
  }

  stall(): void {
    this.stalled = true;
    this.near.pause();
    this.far.pause();
  }

  carry(tally: Tally): void {
    this.#lane(this.near, this.far, 'up', tally);
    this.#lane(this.far, this.near, 'down', tally);
  }

  #lane(from: Socket, to: Socket, direction: Direction, tally: Tally): void {
    const queue: Buffer[] = [];
    let ended = false;
    let busy = false;
    const work = async () => {
      if (busy) return;
      busy = true;
      for (let chunk = queue.shift(); chunk && !this.stalled && !to.destroyed; chunk = queue.shift()) {
        const slow = this.slowBytes > 0;
        const part = chunk.subarray(0, Math.min(slow ? SLOW_BYTES_PER_TURN : chunk.length, tally.most(direction)));
        if (part.length < chunk.length) queue.unshift(chunk.subarray(part.length));
        this.slowBytes -= part.length;
        from.pause();
        if (!to.write(part)) await once(to, 'drain').catch(() => {});
        tally.carried(direction, part.length);
        if (slow) await new Promise((resolve) => setTimeout(resolve, SLOW_TURN_MS));
      }
      busy = false;
      if (this.stalled) return;
      if (ended) to.end();
      else from.resume();
    };
    from.on('data', (chunk: Buffer) => {
      queue.push(chunk);
      void work();
    });
    from.on('end', () => {
      ended = true;
      void work();
    });
    from.on('error', () => {
      if (!this.stalled) to.destroy();
    });
    from.on('close', () => {
      if (this.stalled) return;
      tally.ended();
      to.destroySoon();
    });
  }
}
