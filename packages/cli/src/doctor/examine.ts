import { explain } from '../errors.ts';
import type { Check, Finding } from './check.ts';
import { checks } from './checks.ts';
import type { Patient } from './patient.ts';
import type { Screen } from './screen.ts';

/** One check and what came of it. */
export interface Result {
  readonly check: Check;
  readonly finding: Finding;
}

/**
 * Runs all checks of `table` on `patient` and yields their results in the order of the table, each as soon as it is known. Once the
 * patient's signal is aborted it ends, without the rest.
 */
export async function* examine(
  patient: Patient,
  screen?: Pick<Screen, 'looking'>,
  table: readonly Check[] = checks,
): AsyncGenerator<Result, void> {
  const findings = new Map<string, Finding>();
  const beside = new Map<Check, Promise<Finding>>();
  try {
    for (const check of table) {
      for (const other of table) {
        if (other.beside && !beside.has(other) && unmet(other, findings) === undefined && knows(other, findings)) {
          beside.set(other, run(other, patient));
        }
      }
      const obstacle = unmet(check, findings);
      if (obstacle === undefined) screen?.looking(check, check.beside && patient.idleMs);
      const finding: Finding =
        obstacle === undefined
          ? await (beside.get(check) ?? run(check, patient))
          : { severity: 'skipped', summary: `not tried, because of "${obstacle}"` };
      if (patient.signal.aborted) return;
      findings.set(check.id, finding);
      yield { check, finding };
    }
  } finally {
    if (!patient.signal.aborted) await patient.close();
  }
}

function knows({ needs }: Check, findings: ReadonlyMap<string, Finding>): boolean {
  return needs.every((id) => findings.has(id));
}

/** The check that stands in the way; a skipped one whose own needs were met does not. */
function unmet({ needs }: Check, findings: ReadonlyMap<string, Finding>): string | undefined {
  for (const id of needs) {
    const finding = findings.get(id);
    if (finding?.severity === 'wrong') return id;
    const check = checks.find((one) => one.id === id);
    const before = check && unmet(check, findings);
    if (before !== undefined) return before;
  }
  return undefined;
}

/** Settles with a finding whatever happens; at once when the user has had enough. */
async function run(check: Check, patient: Patient): Promise<Finding> {
  const { signal } = patient;
  let enough = () => {};
  const aborted = new Promise<Finding>((resolve) => {
    enough = () => resolve({ severity: 'skipped', summary: 'interrupted' });
    if (signal.aborted) enough();
    signal.addEventListener('abort', enough, { once: true });
  });
  const checked = check.run(patient).catch((error: unknown): Finding => {
    const { code, message, hint } = whatever(error, patient);
    return { severity: 'wrong', code, summary: message, ...(hint !== undefined && { mend: { advice: hint } }) };
  });
  try {
    return await Promise.race([checked, aborted]);
  } finally {
    signal.removeEventListener('abort', enough);
  }
}

/** What stopped a check that was on its way: the connection, as a rule, and else a fault of our own. */
function whatever(error: unknown, patient: Patient) {
  const known = typeof (error as { code?: unknown } | undefined)?.code === 'string';
  return known ? patient.explain(error) : explain(error);
}
