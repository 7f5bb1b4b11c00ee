import { duration } from '../format.ts';
import { type Finding, ok } from './check.ts';
import type { Patient } from './patient.ts';
import { round } from './reach.ts';

const COUNT = 12;

/** How long a Ping and its Pong take, and a small message and its answer. */
export async function checkRoundTrip(patient: Patient): Promise<Finding> {
  const { connection, session } = await patient.line();
  const pings = await measure(patient, COUNT, () => connection.ping());
  const messages = await measure(patient, COUNT, () => session.probe()).catch(() => undefined);
  const pingMs = median(pings);
  const worstMs = Math.max(...pings);
  const small = messages === undefined ? '' : `, a small message and its answer ${duration(median(messages))}`;
  return ok(`a ping takes ${duration(pingMs)} (at worst ${duration(worstMs)})${small}`, {
    pingMs: round(pingMs),
    worstPingMs: round(worstMs),
    ...(messages && { messageMs: round(median(messages)) }),
  });
}

/** One after the other; the first, which may find everything cold, does not count. */
export async function measure(patient: Patient, count: number, once: () => Promise<number>): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n <= count; n++) {
    const ms = await patient.answer(once());
    if (n > 0) times.push(ms);
  }
  return times;
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
