import { setTimeout as sleep } from 'node:timers/promises';
import { lateData } from '@wsferry/transfer';
import { duration } from '../format.ts';
import { type Finding, ok } from './check.ts';
import { inLocation, LINES } from './nginx.ts';
import type { Patient } from './patient.ts';
import { round } from './reach.ts';
import { median } from './round-trip.ts';

const COUNT = 12;
/** Long enough that the two do not travel together, on any line. */
const APART_MS = 5;
/** Systems put an acknowledgement off by 40 ms or more; no line is that uneven for half of its pings. */
const HELD_MS = 20;

/**
 * Whether a small message waits on its way for the acknowledgement of the one before it (Nagle's algorithm, RFC 896). Only a
 * message that is not answered shows it: an answer carries the acknowledgement. nginx does so with tcp_nodelay off, and
 * with nothing else: buffers, request buffers, rates and gzip are about HTTP bodies.
 */
export async function checkSmallMessages(patient: Patient): Promise<Finding> {
  const finding = await judgeOnce(patient);
  // An uneven line, or a machine that has much else to do, may look like it once.
  return finding.severity === 'ok' ? finding : await judgeOnce(patient);
}

async function judgeOnce(patient: Patient): Promise<Finding> {
  const { connection } = await patient.line();
  const message = lateData(16);
  const alone: number[] = [];
  const behind: number[] = [];
  for (let n = 0; n < COUNT; n++) {
    alone.push(await patient.answer(connection.ping()));
    connection.send(message);
    await sleep(APART_MS, undefined, { signal: patient.signal });
    behind.push(await patient.answer(connection.ping()));
  }
  return judgeDelay(median(alone), median(behind));
}

/** @param aloneMs what a ping takes by itself @param behindMs and right behind a message that is not answered */
export function judgeDelay(aloneMs: number, behindMs: number): Finding {
  const heldMs = behindMs - aloneMs;
  const facts = { heldMs: Math.max(0, round(heldMs)) };
  if (heldMs < HELD_MS) return ok('small messages are passed on at once', facts);
  return {
    severity: 'warning',
    code: 'HELD_BACK',
    summary: `small messages are held back for ${duration(heldMs)}`,
    because: 'Acknowledgements, notes and news come late; large files hardly notice.',
    mend: inLocation('What stands in between waits for more to send along (tcp_nodelay off)', LINES.noDelay),
    facts,
  };
}
