import { expect } from 'vitest';
import type { Finding } from '../../src/doctor/check.ts';
import { checks } from '../../src/doctor/checks.ts';
import { examine } from '../../src/doctor/examine.ts';
import { Patient, type PatientOptions } from '../../src/doctor/patient.ts';

/** The checks that move much, and that no fault of these tests is about. */
const HEAVY: ReadonlySet<string> = new Set(['large', 'throughput']);

export interface ExamineOptions extends Partial<PatientOptions> {
  /** Also those that move much. */
  readonly all?: boolean;
}

/** What the doctor finds at `url`, by the ids of the checks. It waits for no silence unless `idleMs` is given. */
export async function examined(url: string, options: ExamineOptions = {}): Promise<Record<string, Finding>> {
  const { all = false, ...more } = options;
  const patient = new Patient({ url, idleMs: 0, signal: new AbortController().signal, ...more });
  const findings: Record<string, Finding> = {};
  const table = all ? checks : checks.filter(({ id }) => !HEAVY.has(id));
  for await (const { check, finding } of examine(patient, undefined, table)) findings[check.id] = finding;
  return findings;
}

/** The checks that found something, in their order. */
export function ill(findings: Readonly<Record<string, Finding>>): [id: string, finding: Finding][] {
  return Object.entries(findings).filter(([, { severity }]) => severity === 'wrong' || severity === 'warning');
}

/** The one thing that is found at `url`. */
export async function theOne(url: string, options?: ExamineOptions): Promise<Finding & { readonly id: string }> {
  const found = ill(await examined(url, options));
  expect(found.map(([id]) => id)).toHaveLength(1);
  const [[id, finding]] = found as [(typeof found)[0]];
  return { id, ...finding };
}
