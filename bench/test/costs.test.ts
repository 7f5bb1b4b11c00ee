import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BUDGETS } from '../src/costs/budgets.ts';
import { CountedServer } from '../src/costs/measure.ts';

const skipped = existsSync('/proc/self/io')
  ? ''
  : ' (skipped: reads and writes are counted in /proc/self/io, which is not here)';

describe.skipIf(skipped).each(['echo', 'give'] as const)(
  `what the server spends (%s) stays within its budget${skipped}`,
  (mode) => {
    let server: CountedServer;
    beforeAll(() => {
      server = new CountedServer(mode);
    });
    afterAll(() => server.stop());

    test.each(BUDGETS)('$title', async ({ most, count }) => {
      const cost = await count(server);
      for (const [what, limit] of Object.entries(most)) {
        expect(cost[what as keyof typeof cost], `${what} of ${JSON.stringify(cost)}`).toBeLessThanOrEqual(limit);
      }
    });
  },
);

test.skipIf(skipped)(`one copy of each message more is found out${skipped}`, async () => {
  const server = new CountedServer('copy');
  try {
    const [{ most, count }] = BUDGETS as [(typeof BUDGETS)[number]];
    expect((await count(server)).heapBytes).toBeGreaterThan(most.heapBytes!);
  } finally {
    await server.stop();
  }
});
