import { expect, test } from 'vitest';
import { isLoopbackHost } from './index.ts';

test.each([
  ['127.0.0.1', true],
  ['127.0.0.2', true],
  ['::1', true],
  ['localhost', true],
  ['name.invalid', true],
  ['0.0.0.0', false],
  ['::', false],
  ['', false],
  ['192.0.2.1', false],
  ['::ffff:192.0.2.1', false],
])('%j is reached from this machine alone: %s', async (host, expected) => {
  expect(await isLoopbackHost(host)).toBe(expected);
});
