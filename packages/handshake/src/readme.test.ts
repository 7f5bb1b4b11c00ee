import { runReadmeExample } from '@wsferry/testing';
import { expect, test } from 'vitest';

test('the README example runs', async () => {
  expect(await runReadmeExample(import.meta.url)).toContain('101 chat.v1');
});
