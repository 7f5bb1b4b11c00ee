import { runReadmeExample } from '@wsferry/testing';
import { expect, test } from 'vitest';

test('the README example runs', async () => {
  expect(await runReadmeExample(import.meta.url)).toContain('HELLO');
});

test('so does the one with the browser’s class', async () => {
  const output = await runReadmeExample(import.meta.url, 1);
  expect(output).toMatch(/^true true permessage-deflate.*\n3000 true\n$/);
});

test('and the one that follows a redirect', async () => {
  expect(await runReadmeExample(import.meta.url, 2)).toContain('hello, /new');
});

test('and the one with a token', async () => {
  expect(await runReadmeExample(import.meta.url, 3)).toContain('401 welcome');
});
