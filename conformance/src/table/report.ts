import type { Role } from './peer/peer.ts';
import { type Group, rolesOf } from './row.ts';
import type { Verdict } from './run.ts';

/** One line a rule, with a mark for each role; what failed is spelt out below it. */
export function reportGroup(group: Group, verdicts: readonly Verdict[], roles: readonly Role[]): string {
  const lines = [`\n${group.title}${group.skipped === undefined ? '' : `: not played, ${group.skipped}`}`];
  for (const row of group.rows) {
    const own = verdicts.filter((verdict) => verdict.row === row);
    if (own.length === 0) continue;
    const mark = (role: Role) => {
      if (!rolesOf(row).includes(role)) return ' ';
      const verdict = own.find((one) => one.role === role);
      return verdict === undefined ? '·' : verdict.failure ? '✗' : '✓';
    };
    lines.push(`  ${roles.map(mark).join(' ')}  ${row.id}  ${row.rule}`);
    if (row.openBug !== undefined) lines.push(`       known: ${row.openBug}`);
    for (const { role, failure } of own) {
      if (!failure) continue;
      lines.push(
        `       ${role}, ${failure.delivery}: ${row.clause}`,
        `         sent      ${failure.sent}`,
        `         expected  ${failure.expected}`,
        `         came      ${failure.came}`,
      );
    }
  }
  return lines.join('\n');
}

/** Rows and failures by group, and altogether. */
export function reportTotals(groups: readonly Group[], verdicts: readonly Verdict[], roles: readonly Role[]): string {
  const count = (some: readonly Verdict[]) =>
    roles
      .map((role) => {
        const own = some.filter((verdict) => verdict.role === role);
        return `${role} ${own.filter(({ failure }) => !failure).length}/${own.length}`;
      })
      .join(', ');
  const lines = groups.map((group) => {
    const own = verdicts.filter(({ row }) => group.rows.includes(row));
    return `  ${group.title}: ${group.rows.length} rows; ${group.skipped ? 'not played' : count(own)}`;
  });
  return [
    '',
    ...lines,
    `  Altogether: ${groups.reduce((sum, { rows }) => sum + rows.length, 0)} rows; ${count(verdicts)}`,
  ].join('\n');
}
