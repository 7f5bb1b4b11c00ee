import { printable } from '@wsferry/transfer';
import { type Finding, ok } from './check.ts';
import type { Patient } from './patient.ts';

/** What to do about each reason not to take a file. */
const ADVICE: Readonly<Record<string, string>> = {
  FORBIDDEN: 'Ask who runs it: it was started to give files and not to take any, or its folder may not be written to.',
  NO_SPACE: 'Make room on its disk.',
  STORAGE_FAILED: 'Look at the folder that it saves into: is it still there, and whose is it?',
  TOO_MANY_TRANSFERS: 'Try again when less is going on.',
  SHUTTING_DOWN: 'Try again when it has been started again.',
};

/** Whether a file would be taken now: one is offered, and taken back before a byte of it has travelled. */
export async function checkReceiver(patient: Patient): Promise<Finding> {
  const { refusal } = await patient.line();
  if (refusal === undefined) return ok('a file would be taken (one was offered and taken back: nothing is stored)');
  if (refusal === 'waits') {
    return {
      severity: 'warning',
      code: 'WAITS',
      summary: 'a file would have to wait until others are done',
      because: 'Whoever sends now waits for as long as the receiver has enough to do.',
      mend: { advice: 'Try again when less is going on, or let it take more at once (--max-transfers).' },
    };
  }
  const { code, message } = refusal;
  return {
    severity: 'wrong',
    code,
    summary: `no file is taken: ${printable(message)}`,
    because: 'Whoever sends is refused.',
    mend: { advice: ADVICE[code] ?? 'Look into the log of the receiver.' },
  };
}
