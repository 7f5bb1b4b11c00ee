import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type Connection, type Listener, type ListenOptions, listen } from '@wsferry/connection';
import { echo } from '../../src/echo-server.ts';
import { serveCalls } from './child.ts';

/** What the server sees of itself. Sizes in bytes. */
export interface ServerState {
  readonly rss: number;
  /** JavaScript's heap and buffers after a collection: what is really kept. */
  readonly kept: number;
  /** The highest `rss` since the last `reset`. */
  readonly peakRss: number;
  /** The longest the event loop was held since then. */
  readonly loopDelayMs: number;
  readonly connections: number;
  /** How many handshakes were refused, by code. */
  readonly refused: Record<string, number>;
  /** How many connections closed, by close code. */
  readonly closed: Record<string, number>;
}

let listener: Listener | undefined;
let refused: Record<string, number> = {};
let closed: Record<string, number> = {};
let peakRss = 0;
/** In nanoseconds, before the last collection. */
let delayBefore = 0;
const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();
const kept = () => {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

const deaf: Connection[] = [];

/** By path: what this server does with a connection. */
const behaviours: Record<string, (connection: Connection) => void> = {
  '/echo': echo,
  /** Takes messages and drops them. */
  '/sink': (connection) => {
    connection.onMessage = () => {};
  },
  /** Never takes a message, until `wake`. */
  '/deaf': (connection) => void deaf.push(connection),
  /** Sends for ever, as fast as the peer takes it. */
  '/send': (connection) => {
    void (async () => {
      const chunk = new Uint8Array(64 * 1024);
      while (connection.readyState === 1) if (!connection.send(chunk)) await connection.drained();
    })().catch(() => {});
  },
  /** Closes at once. */
  '/close': (connection) => void connection.close(1001, 'enough'),
};

serveCalls({
  async listen(options: ListenOptions): Promise<string> {
    const add = (to: Record<string, number>, key: string | number) => {
      to[key] = (to[key] ?? 0) + 1;
    };
    listener = await listen({ ...options, onRefused: ({ code }) => add(refused, code) }, (connection) => {
      void connection.closed.then(({ code }) => add(closed, code));
      behaviours[new URL(connection.url).pathname]!(connection);
    });
    setInterval(() => {
      peakRss = Math.max(peakRss, process.memoryUsage.rss());
    }, 20).unref();
    return listener.url;
  },

  reset(): ServerState {
    refused = {};
    closed = {};
    collectGarbage();
    delayBefore = 0;
    peakRss = process.memoryUsage.rss();
    return state(false);
  },

  /** The program gives up on those that it does not read; it alone can, since TCP's end is behind what is unread. */
  wake(): void {
    for (const connection of deaf.splice(0)) connection.abort();
  },

  state: ({ collect }: { collect: boolean }) => state(collect),
});

function state(collect: boolean): ServerState {
  if (collect) collectGarbage();
  const rss = process.memoryUsage.rss();
  peakRss = Math.max(peakRss, rss);
  const connections = listener?.connections.size ?? 0;
  const loopDelayMs = Math.max(delay.max, delayBefore) / 1e6;
  return { rss, peakRss, kept: kept(), loopDelayMs, connections, refused, closed };
}

/** It holds the event loop, but the measurement is to blame for that, not the attack. */
function collectGarbage(): void {
  delayBefore = Math.max(delay.max, delayBefore);
  delay.disable();
  globalThis.gc!();
  delay.reset();
  delay.enable();
}

export type ServerFunctions = {
  listen: (options: ListenOptions) => Promise<string>;
  reset: () => ServerState;
  wake: () => void;
  state: (options: { collect: boolean }) => ServerState;
};
