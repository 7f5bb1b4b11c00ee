import { lateData } from '@wsferry/transfer';
import { bytes, rate } from '../format.ts';
import { type Finding, ok } from './check.ts';
import { type Patient, within } from './patient.ts';

const CHUNK_BYTES = 256 * 1024;
/** What takes so long is long enough to be measured. */
const LONG_ENOUGH_MS = 500;
const MOST_CHUNKS = 32;
const PATIENCE_MS = 60_000;

/** How fast bytes get there, in messages as `send` makes them; the receiver reads and drops them. */
export async function checkThroughput(patient: Patient): Promise<Finding> {
  const { connection, session } = await patient.line();
  const message = lateData(CHUNK_BYTES);
  for (let chunks = 1; ; chunks *= 2) {
    const startedAt = performance.now();
    for (let n = 0; n < chunks; n++) {
      if (!connection.send(message)) await within(connection.drained({ signal: patient.signal }), PATIENCE_MS);
    }
    await within(session.probe({ signal: patient.signal }), PATIENCE_MS);
    const ms = performance.now() - startedAt;
    if (ms < LONG_ENOUGH_MS && chunks < MOST_CHUNKS) continue;
    const sent = chunks * CHUNK_BYTES;
    const bytesPerSecond = Math.round((sent / ms) * 1000);
    return ok(`${rate(bytesPerSecond)} to the receiver, measured with ${bytes(sent)}`, {
      bytesPerSecond,
      sentBytes: sent,
    });
  }
}
