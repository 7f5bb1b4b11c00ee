import { table } from './index.ts';
import type { Role } from './peer/peer.ts';
import { reportGroup, reportTotals } from './report.ts';
import { type Group, type Row, rolesOf } from './row.ts';
import { playRows, type Verdict } from './run.ts';
import { Stage } from './stage.ts';

export interface TableOptions {
  /** Only rows whose id begins so. */
  readonly only?: string;
  /** Only this role. */
  readonly role?: Role;
  /** A server that runs already, instead of ours in this process. It has to echo; rows that need options are left out. */
  readonly url?: string;
}

/** Plays the table and prints the report. `true`: every row that was played holds. */
export async function runTable(
  { only = '', role, url }: TableOptions,
  print: (text: string) => void,
): Promise<boolean> {
  const roles: Role[] = role ? [role] : url ? ['server'] : ['server', 'client'];
  const canPlay = (row: Row) =>
    rolesOf(row).some((one) => roles.includes(one)) && (url === undefined || (!('act' in row) && !('options' in row)));
  const groups = table
    .map((group): Group => ({ ...group, rows: group.rows.filter((row) => row.id.startsWith(only) && canPlay(row)) }))
    .filter(({ rows }) => rows.length > 0);
  if (groups.length === 0) throw new Error(`expected the beginning of a row's id, such as 5.4, got ${only}`);
  const stage = new Stage(url);
  const verdicts: Verdict[] = [];
  const started = performance.now();
  print(`${url ?? `our ${roles.join(' and our ')}`}, row by row:`);
  try {
    for (const group of groups) {
      const own = group.skipped === undefined ? await playRows(group.rows, stage, { roles }) : [];
      verdicts.push(...own);
      print(reportGroup(group, own, roles));
    }
  } finally {
    await stage.close();
  }
  const failed = verdicts.filter(({ failure }) => failure).length;
  print(reportTotals(groups, verdicts, roles));
  print(`  ${failed === 0 ? 'all hold' : `${failed} FAILED`}, ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return failed === 0;
}
