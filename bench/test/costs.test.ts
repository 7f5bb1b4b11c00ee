import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BUDGETS } from '../src/costs/budgets.ts';
import { CountedServer } from '../src/costs/measure.ts';

const skipped = existsSync('/proc/self/io')
  ? ''
  : ' (skipped: reads and writes are counted in /proc/self/io, which is not here)';

describe.skipIf(skipped)(`what the server spends stays within its budget${skipped}`, () => {
  let server: CountedServer;
  beforeAll(() => {
    server = new CountedServer();
  });
  afterAll(() => server.stop());

  test.each(BUDGETS)('$title', async ({ most, count }) => {
    const cost = await count(server);
    for (const [what, limit] of Object.entries(most)) {
      expect(cost[what as keyof typeof cost], `${what} of ${JSON.stringify(cost)}`).toBeLessThanOrEqual(limit);
    }
  });
});
