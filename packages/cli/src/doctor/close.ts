import { duration } from '../format.ts';
import { type Finding, ok } from './check.ts';
import { inLocation, LINES } from './nginx.ts';
import type { Patient } from './patient.ts';
import { round } from './reach.ts';

/** The server ends TCP at once (RFC 6455 §7.1.1): what takes longer than any round trip has been forgotten. */
const LATE_MS = 2000;
const PATIENCE_MS = 3000;

/** Whether a connection that is closed comes to its end: the Close frame is answered, and TCP ends behind it. */
export async function checkClose(patient: Patient): Promise<Finding> {
  const connection = await patient.connect({ closeTimeoutMs: PATIENCE_MS });
  const startedAt = performance.now();
  const { wasClean } = await connection.close(1000, 'the doctor is done');
  const ms = performance.now() - startedAt;
  const facts = { closeMs: round(ms) };
  if (!wasClean) {
    return {
      severity: 'warning',
      code: 'CLOSE_LOST',
      summary: 'the closing handshake is not answered',
      because: 'Whoever ends a connection waits in vain, and the other side takes it for lost.',
      mend: { advice: 'Something on the way ends connections by itself: let it pass on what still comes.' },
      facts,
    };
  }
  if (ms < LATE_MS) return ok(`a connection is closed in ${duration(ms)}`, facts);
  return {
    severity: 'warning',
    code: 'CLOSE_STUCK',
    summary: 'the closing handshake is answered, and then TCP is not ended',
    because: '"send" is done and waits 10 s more for that end, each time.',
    mend: inLocation(
      'nginx keeps connections with a limit_rate open after their end; it does not limit them either',
      LINES.noRate,
    ),
    facts,
  };
}
