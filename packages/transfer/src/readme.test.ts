import { readFileSync } from 'node:fs';
import { runReadmeExample } from '@wsferry/testing';
import { expect, test } from 'vitest';
import { codeSentences } from './index.ts';

test('the README example runs', async () => {
  expect(await runReadmeExample(import.meta.url)).toContain('hello.txt: 5 bytes, MD5 5d41402abc4b2a76b9719d911017c592');
});

test('what the README links to in this package is published with it', () => {
  const read = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
  const { files } = JSON.parse(read('package.json')) as { files: string[] };
  const linked = [...read('README.md').matchAll(/\]\(\.\/([^)#]+)/g)].map(([, file]) => file);
  expect(linked).toContain('PROTOCOL.md');
  for (const file of linked) expect(files).toContain(file);
});

test.each(['README.md', 'PROTOCOL.md'])('%s has every code with its sentence', (file) => {
  const text = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
  for (const [code, sentence] of Object.entries(codeSentences)) {
    if (code !== 'OK') expect(text).toContain(`| \`${code}\` | ${sentence} |`);
  }
});
