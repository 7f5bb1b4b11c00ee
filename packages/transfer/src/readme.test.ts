import { readFileSync } from 'node:fs';
import { runReadmeExample } from '@wsferry/testing';
import { expect, test } from 'vitest';
import { codeSentences } from './index.ts';

test('the README example runs', async () => {
  expect(await runReadmeExample(import.meta.url)).toContain('hello.txt: 5 bytes, MD5 5d41402abc4b2a76b9719d911017c592');
});

test.each(['README.md', 'PROTOCOL.md'])('%s has every code with its sentence', (file) => {
  const text = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
  for (const [code, sentence] of Object.entries(codeSentences)) {
    if (code !== 'OK') expect(text).toContain(`| \`${code}\` | ${sentence} |`);
  }
});
