import { defineConfig } from 'vitest/config';

/**
 * Every package's tests run from source: the `@wsferry/source` export condition points at `src/`, so that a test
 * never meets a stale build. Node's default conditions stay, because dependencies rely on them.
 */
const conditions = ['@wsferry/source', 'node', 'import', 'module', 'default'];

export const shared = defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
