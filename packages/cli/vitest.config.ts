import { mergeConfig } from 'vitest/config';
import { shared } from '../../vitest.shared.ts';

// Most tests here start the real program several times: slow on a busy machine.
export default mergeConfig(shared, { test: { testTimeout: 60_000, globalSetup: './test/bundle-program.js' } });
