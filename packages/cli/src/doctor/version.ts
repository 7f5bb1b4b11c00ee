import { printable, TransferError } from '@wsferry/transfer';
import { SOFTWARE } from '../version.ts';
import { type Finding, ok } from './check.ts';
import type { Patient } from './patient.ts';

/** Whether the program at the other end is of the same age as this one. */
export async function checkVersion(patient: Patient): Promise<Finding> {
  const { session } = await patient.line();
  try {
    const { software } = await patient.answer(session.about());
    return judgeVersions(software, SOFTWARE);
  } catch (error) {
    if (!(error instanceof TransferError) || error.code !== 'UNKNOWN_TYPE') throw error;
    return skew('the receiver is older than this program: it cannot say who it is');
  }
}

/** @param theirs `wsferry/1.2.3`, if they said so */
export function judgeVersions(theirs: string | undefined, ours: string): Finding {
  if (theirs === undefined) return ok('the receiver does not say which program it is');
  const name = printable(theirs).slice(0, 80);
  const facts = { software: name };
  if (theirs === ours) return ok(`the receiver is ${name}, as this program`, facts);
  if (withoutPatch(theirs) === withoutPatch(ours)) return ok(`the receiver is ${name}, this program ${ours}`, facts);
  if (!theirs.startsWith('wsferry/')) return ok(`the receiver is ${name}`, facts);
  return skew(`the receiver is ${name}, this program ${ours}`, facts);
}

/** What may not differ: before 1.0.0 a minor version may change everything (semver.org, item 4). */
function withoutPatch(software: string): string {
  return /^[^/]*\/(?:0\.\d+|\d+)/.exec(software)?.[0] ?? software;
}

function skew(summary: string, facts?: Finding['facts']): Finding {
  return {
    severity: 'warning',
    code: 'VERSION_SKEW',
    summary,
    because: 'Files can be sent; what one of the two does not know yet is refused.',
    mend: { advice: 'Update the older of the two.' },
    ...(facts && { facts }),
  };
}
