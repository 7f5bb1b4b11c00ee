import { duration } from '../format.ts';
import { type Finding, ok } from './check.ts';
import type { Patient } from './patient.ts';

/** Name, TCP (or the Unix socket), and the proxy's tunnel. */
export async function checkReach(patient: Patient): Promise<Finding> {
  const startedAt = performance.now();
  try {
    (await patient.dial('ws:')).destroy();
  } catch (error) {
    return explainReach(error, patient);
  }
  const ms = performance.now() - startedAt;
  const where = patient.address.host || 'the socket';
  const through = patient.proxy === undefined ? '' : ', through the proxy';
  return ok(`${where} can be reached, in ${duration(ms)}${through}`, { connectMs: round(ms) });
}

const BECAUSE = 'Nobody can connect from here.';

/** What to look for, where `send` has another hint. */
const ADVICE: Readonly<Record<string, string>> = {
  NOBODY_LISTENING:
    'Start what should listen there: the receiver ("wsferry serve"), or nginx in front of it. If it runs, it listens at another port or address.',
  TIMEOUT: 'A firewall in between drops what comes: let this port in there, or check the address.',
};

function explainReach(error: unknown, patient: Patient): Finding {
  const { code, message, hint } = patient.explain(error);
  const advice = ADVICE[code] ?? (hint && `${hint[0]?.toUpperCase()}${hint.slice(1)}.`);
  return { severity: 'wrong', code, summary: message, because: BECAUSE, ...(advice && { mend: { advice } }) };
}

/** A tenth of a millisecond is as exact as this gets. */
export function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
