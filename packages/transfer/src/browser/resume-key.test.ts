import { expect, test } from 'vitest';
import { fileResumeKey } from './resume-key.ts';

const file = (name: string, webkitRelativePath = '') => Object.assign(new Blob(['x']), { name, webkitRelativePath });

test('the same file of the same browser has the same key, in the characters and length that packets take', async () => {
  const key = await fileResumeKey(file('Übung 渡し船.txt'), 'b'.repeat(64));
  expect(key).toMatch(/^[\x21-\x7e]{1,128}$/);
  expect(await fileResumeKey(file('Übung 渡し船.txt'), 'b'.repeat(64))).toBe(key);
});

test('another name, another folder or another browser gives another key', async () => {
  const keys = await Promise.all([
    fileResumeKey(file('a'), 'one'),
    fileResumeKey(file('b'), 'one'),
    fileResumeKey(file('a', 'x/a'), 'one'),
    fileResumeKey(file('a'), 'two'),
  ]);
  expect(new Set(keys).size).toBe(4);
});

test('a file that is sent beside another one of its name has a key of its own, and the same one again', async () => {
  const one = Object.assign(new Blob(['x']), { name: 'a', lastModified: 1 });
  const beside = (other: typeof one) => fileResumeKey(other, 'b', { besideAnother: true });
  const keys = await Promise.all([
    fileResumeKey(one, 'b'),
    beside(one),
    beside(Object.assign(new Blob(['xy']), { name: 'a', lastModified: 1 })),
    beside(Object.assign(new Blob(['x']), { name: 'a', lastModified: 2 })),
  ]);
  expect(new Set(keys).size).toBe(4);
  expect(await beside(one)).toBe(keys[1]);
});

test.each(['', 'a b', 'ü', 'x'.repeat(65)])('%j is no browser', async (browser) => {
  await expect(fileResumeKey(file('a'), browser)).rejects.toThrow(RangeError);
});
