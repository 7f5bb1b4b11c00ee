import { defineConfig } from 'vitest/config';
import { shared } from '../vitest.shared.ts';

const hostile = 'test/hostile/**/*.test.ts';

/** Hostile peers come last and one at a time: what they measure is how long others wait, and nobody else may be in the way. */
export default defineConfig({
  test: {
    projects: [
      {
        ...shared,
        test: {
          ...shared.test,
          name: 'peers',
          include: ['test/**/*.test.ts'],
          exclude: [hostile],
          sequence: { groupOrder: 0 },
        },
      },
      {
        ...shared,
        // A machine that is busy with something else may stop everybody for a second, but hardly twice in the same test.
        test: {
          ...shared.test,
          name: 'hostile',
          include: [hostile],
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
          retry: 1,
        },
      },
    ],
  },
});
