import { DATA_HEADER_BYTES, lateData, printable } from '@wsferry/transfer';
import { type Finding, ok } from './check.ts';
import { type Patient, TimedOut, within } from './patient.ts';

/** The longest message of `send`: a chunk of a file and its header. */
const NEEDED_BYTES = 256 * 1024 + DATA_HEADER_BYTES;

/** From small on in doublings; one is a little more than that, to be what is needed. */
const SIZES = [
  ...Array.from({ length: 8 }, (_, doublings) => 1024 * 2 ** doublings),
  NEEDED_BYTES,
  512 * 1024,
  1024 * 1024,
] as const;

/** On a slow line nobody waits for more than is needed. */
const ENOUGH_MS = 10_000;
const PATIENCE_MS = 60_000;

/** How large a message may be, as far as `send` and a little more. */
export async function checkMessageSize(patient: Patient): Promise<Finding> {
  const startedAt = performance.now();
  let most = 0;
  for (const size of SIZES) {
    if (most >= NEEDED_BYTES && performance.now() - startedAt > ENOUGH_MS) break;
    // Once more on another connection: the first may have been cut for another reason.
    const end = (await cut(patient, size)) && (await cut(patient, size));
    if (end !== undefined) return judgeSize(most, size, end);
    most = size;
  }
  return ok(`messages of ${inBinary(most)} pass`, { mostBytes: most });
}

/** How a message of so many bytes ended the connection; `undefined` when it arrived. */
async function cut(patient: Patient, size: number): Promise<string | undefined> {
  const { connection, session } = await patient.line();
  try {
    connection.send(lateData(size));
    await within(session.probe({ signal: patient.signal }), PATIENCE_MS);
    return undefined;
  } catch (error) {
    if (error instanceof TimedOut) {
      connection.abort();
      return 'it never arrives';
    }
    if (connection.readyState === 1) throw error;
    const { code, reason } = await connection.closed;
    return code === 1006
      ? 'the connection is cut'
      : `the connection is closed with ${code} ${printable(reason)}`.trim();
  }
}

/** @param end what happens with a message of `least` bytes, while one of `most` passes */
export function judgeSize(most: number, least: number, end: string): Finding {
  const facts = { mostBytes: most, leastBytes: least };
  const limits = `messages of ${inBinary(most)} pass; with one of ${inBinary(least)}, ${end}`;
  if (most >= NEEDED_BYTES) return ok(`${limits}; "send" needs ${inBinary(NEEDED_BYTES)}`, facts);
  return {
    severity: 'wrong',
    code: 'MESSAGES_CUT',
    summary: limits,
    because: `"send" puts up to ${NEEDED_BYTES} bytes of a file into one message: no larger file arrives.`,
    mend: {
      advice: `Let the receiver take messages of ${NEEDED_BYTES} bytes (maxMessageBytes), and whatever gateway stands in between. It is not nginx: that has no limit on messages, and client_max_body_size is not about them.`,
    },
    facts,
  };
}

/** `256 KiB`, as limits are written; what is not even is told in bytes. */
function inBinary(size: number): string {
  if (size % 1024 !== 0 || size === 0) return `${size} bytes`;
  return size % (1024 * 1024) === 0 ? `${size / 1024 / 1024} MiB` : `${size / 1024} KiB`;
}
