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
  const plays = rows.flatMap((row) =>
    rolesOf(row).map((role) => [`our ${role}, ${row.id}: ${row.rule}`, row, role] as const),
  );
  test.skipIf(skipped !== undefined).concurrent.each(plays)('%s', async (_title, row, role) => {
    const failure = await playRow(row, role, stage);
    expect(failure && { clause: row.clause, ...failure }).toBeUndefined();
  });
});
