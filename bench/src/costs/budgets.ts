import { closeClients } from '../load/raw-client.ts';
import { type Cost, type CountedServer, echoRounds, openAndClose } from './measure.ts';

/** What something may cost the server, and how that is counted. */
export interface Budget {
  readonly title: string;
  /**
   * Of one message, or one connection. A third above what was counted when it was set; more for reads and writes of which
   * a loaded machine cuts some in two.
   */
  readonly most: Partial<Cost>;
  count(server: CountedServer): Promise<Partial<Cost>>;
}

/** Of one echoed message; the code is compiled before it counts. */
function echoed(job: { bytes: number; clients: number; inFlight: number; rounds: number }): Budget['count'] {
  return async (server) => {
    const clients = await server.clients(job.clients);
    await echoRounds(clients, job);
    await echoRounds(clients, job);
    const whole = await server.cost(() => echoRounds(clients, job));
    await closeClients(clients);
    return each(whole, job.clients * job.inFlight * job.rounds);
  };
}

/**
 * What made the server fast, in numbers that no machine changes: allocated bytes, reads and writes. Whoever makes one of them
 * grow hears of it at once, and not half a year later.
 */
export const BUDGETS: readonly Budget[] = [
  {
    title: 'echo 64 B, 256 in flight: many a read, and one write for the answers of a read',
    most: { heapBytes: 380, reads: 0.012, writesPerRead: 1.1 },
    count: echoed({ bytes: 64, clients: 1, inFlight: 256, rounds: 200 }),
  },
  {
    title: 'echo 64 B, one in flight on each of 100 connections',
    most: { heapBytes: 2500, reads: 1.1, writes: 1.1 },
    count: echoed({ bytes: 64, clients: 100, inFlight: 1, rounds: 100 }),
  },
  {
    title: 'echo 64 KiB, 4 in flight on each of 4 connections',
    most: { heapBytes: 5000, reads: 2.7, writes: 1.4 },
    count: echoed({ bytes: 65_536, clients: 4, inFlight: 4, rounds: 50 }),
  },
  {
    title: 'a connection opened and closed',
    most: { heapBytes: 27_000, reads: 3, writes: 1.5 },
    async count(server) {
      await openAndClose(server, 400);
      return each(await server.cost(() => openAndClose(server, 400)), 400);
    },
  },
  {
    title: 'a connection that is idle',
    most: { heldBytes: 3_700 },
    async count(server) {
      const before = await server.look({ collect: true });
      const clients = await server.clients(1000);
      const after = await server.look({ collect: true });
      await closeClients(clients);
      return { heldBytes: (after.heldBytes! - before.heldBytes!) / 1000 };
    },
  },
];

function each(whole: Cost, count: number): Cost {
  const { heapBytes, reads, writes } = whole;
  return {
    heapBytes: heapBytes / count,
    reads: reads / count,
    writes: writes / count,
    writesPerRead: writes / reads,
  };
}
