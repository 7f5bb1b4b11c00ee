import { mergeConfig } from 'vitest/config';
import { shared } from '../../vitest.shared.ts';

// Most tests here start the real program several times, compiled on the fly: slow on a busy machine.
export default mergeConfig(shared, { test: { testTimeout: 60_000 } });
