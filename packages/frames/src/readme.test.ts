import { runReadmeExample } from '@wsferry/testing';
import { expect, test } from 'vitest';

test('the README example runs', async () => {
  expect(await runReadmeExample(import.meta.url)).toContain('Ahoy');
});

test('the README example of compression runs', async () => {
  expect(await runReadmeExample(import.meta.url, 1)).toContain('Ahoy, ahoy, ahoy!');
});
