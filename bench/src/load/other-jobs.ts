import { clientFrame, deflatedRing, message } from './frames.ts';
import { type Address, brokenOff, closeClients, openClients, RawClient, upgradeRequest } from './raw-client.ts';
import { type Measured, Window } from './window.ts';

interface Timing {
  readonly pid: number;
  readonly warmupMs: number;
  readonly ms: number;
}

export interface ConnectJob {
  readonly kind: 'connect';
  /** How many handshakes go on at once. */
  readonly inFlight: number;
}

/** Opens connection after connection; each ends once its upgrade was answered. */
export async function connectAgain({ inFlight }: ConnectJob, address: Address, timing: Timing): Promise<Measured> {
  const request = upgradeRequest(address, false);
  const window = new Window(timing.pid);
  let over = false;
  let failure: Error | undefined;
  const lane = async () => {
    while (!over) {
      const client = new RawClient(address, request);
      await client.opened;
      window.count++;
      client.socket.destroy();
    }
  };
  const lanes = Array.from({ length: inFlight }, () =>
    lane().catch((error: Error) => {
      failure = error;
    }),
  );
  const measured = await window.measure(timing.warmupMs, timing.ms);
  over = true;
  await Promise.all(lanes);
  if (failure) throw failure;
  return measured;
}

export interface PushJob {
  readonly kind: 'push';
  readonly bytes: number;
  readonly connections: number;
  /** Pushes that are on their way at any time. */
  readonly inFlight: number;
}

/** Asks the server for one message to everybody; when all of it has come, for the next. Counts messages delivered. */
export async function push(job: PushJob, address: Address, timing: Timing): Promise<Measured> {
  const clients = await openClients(address, job.connections);
  const window = new Window(timing.pid);
  const ask = clientFrame(2, message('binary', job.bytes));
  const wholeBytes = (job.bytes + (job.bytes < 126 ? 2 : 4)) * job.connections;
  const perMessage = wholeBytes / job.connections;
  let come = 0;
  let partial = 0;
  const first = clients[0]!;
  for (const client of clients) {
    client.onBytes = (length) => {
      partial += length;
      const messages = Math.floor(partial / perMessage);
      partial -= messages * perMessage;
      window.count += messages;
      come += length;
      while (come >= wholeBytes) {
        come -= wholeBytes;
        first.socket.write(ask);
      }
    };
  }
  for (let asked = 0; asked < job.inFlight; asked++) first.socket.write(ask);
  try {
    return await Promise.race([window.measure(timing.warmupMs, timing.ms), brokenOff(clients)]);
  } finally {
    await closeClients(clients);
  }
}

export interface HoldJob {
  readonly kind: 'hold';
  readonly connections: number;
  /** With permessage-deflate agreed on, and one message echoed on each so that both its directions are at work. */
  readonly deflate?: boolean;
}

let held: RawClient[] = [];

/** Opens connections and keeps them, until `letGo`. */
export async function hold({ connections, deflate = false }: HoldJob, address: Address): Promise<void> {
  const more = await openClients(address, connections, deflate);
  held.push(...more);
  if (!deflate) return;
  const { ring } = deflatedRing(4096);
  const one = ring.bytes.subarray(0, ring.offsets[1]);
  for (const client of more) {
    await new Promise<void>((resolve, reject) => {
      client.onBytes = () => resolve();
      client.onClosed = () => reject(new Error('the server closed'));
      client.socket.write(one);
    });
    client.onClosed = () => {};
  }
}

export async function letGo(): Promise<void> {
  await closeClients(held);
  held = [];
}
