import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from './errors.ts';
import type { Reporter } from './reporters/reporter.ts';

/** Few and short: what breaks off each time is more likely a wrong address than a bad line. */
const WAITS_MS = [300, 600, 1200];
/** Who has waited so long for an answer is told, and does not wait as long again. */
const LONGEST_MS = 15_000;
/** How a bad line ends a handshake. Nobody listening, or a refusal, is not among them: that is an answer. */
const PASSING: ReadonlySet<string> = new Set(['CONNECTION_LOST', 'TIMEOUT', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT']);

/** Opens the first connection: tries again, a few times, when the line breaks off before anything was agreed on. */
export async function firstConnection<T>(
  open: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
  reporter: Reporter,
): Promise<T> {
  const beganAt = performance.now();
  for (const waitMs of WAITS_MS) {
    try {
      return await open(signal);
    } catch (error) {
      if (signal.aborted || !isPassing(error) || performance.now() - beganAt > LONGEST_MS) throw error;
      reporter.report({ event: 'retrying', message: messageOf(error), retryInMs: waitMs });
      await sleep(waitMs, undefined, { signal }).catch(() => {
        throw error; // Ctrl-C
      });
    }
  }
  return await open(signal);
}

function isPassing(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; depth++, at = at.cause) {
    if (PASSING.has(String((at as { code?: unknown }).code))) return true;
  }
  return false;
}
