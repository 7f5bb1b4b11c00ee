import { afterAll, describe, expect, test } from 'vitest';
import { table } from '../src/table/index.ts';
import { rolesOf } from '../src/table/row.ts';
import { playRow } from '../src/table/run.ts';
import { Stage } from '../src/table/stage.ts';

const stage = new Stage();
afterAll(() => stage.close());

test('every row has an id of its own', () => {
  const ids = table.flatMap(({ rows }) => rows.map(({ id }) => id));
  expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
});

describe.each(table)('$title', ({ rows, skipped }) => {
  for (const row of rows) {
    for (const role of rolesOf(row)) {
      const title = `our ${role}, ${row.id}: ${row.rule}${row.openBug === undefined ? '' : ` (open: ${row.openBug})`}`;
      const options = { concurrent: true, skip: skipped !== undefined, fails: row.openBug !== undefined };
      test(title, options, async () => {
        const failure = await playRow(row, role, stage);
        expect(failure && { clause: row.clause, ...failure }).toBeUndefined();
      });
    }
  }
});
