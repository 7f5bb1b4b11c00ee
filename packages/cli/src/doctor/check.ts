import type { Patient } from './patient.ts';

/** What came of a check. `wrong` keeps somebody out or breaks what was begun; a `warning` costs something, or soon will. */
export type Severity = 'ok' | 'warning' | 'wrong' | 'skipped';

/** How to mend what was found. */
export interface Mend {
  /** What to do: a sentence. */
  readonly advice: string;
  /** Lines for nginx, each to be added, or put in the place of the line that says something else about the same. */
  readonly lines?: readonly string[];
  /** The block that the lines belong into. */
  readonly block?: string;
}

/** What a check has found. */
export interface Finding {
  readonly severity: Severity;
  /** What was found, in one line. */
  readonly summary: string;
  /** Stable name of what is not ok. */
  readonly code?: string;
  /** What happens because of it: a sentence or two. */
  readonly because?: string;
  readonly mend?: Mend;
  /** What was measured; sizes in bytes, times in milliseconds. */
  readonly facts?: Readonly<Record<string, number | string>>;
}

/** One thing to find out. */
export interface Check {
  /** Stable, also in `--json`. */
  readonly id: string;
  /** What it finds out. */
  readonly question: string;
  /** The checks without whose good end this one makes no sense. */
  readonly needs: readonly string[];
  /** It mostly waits, so the others go on meanwhile. */
  readonly beside?: true;
  /** Whatever it opens it closes. What it throws becomes a finding. */
  run(patient: Patient): Promise<Finding>;
}

export function ok(summary: string, facts?: Finding['facts']): Finding {
  return { severity: 'ok', summary, ...(facts && { facts }) };
}

export function skipped(summary: string): Finding {
  return { severity: 'skipped', summary };
}
