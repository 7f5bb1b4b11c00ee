import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { blobSource } from './blob-source.ts';

const data = Uint8Array.from({ length: 100_001 }, (_, index) => (index * 13 + (index >> 8)) & 0xff);
const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');
const fileOf = (bytes: Uint8Array<ArrayBuffer>) =>
  Object.assign(new Blob([bytes]), { name: 'a.bin', lastModified: 1_700_000_000_000 });

async function failing(name: string) {
  const error = Object.assign(new Error('no'), { name });
  const slice = () => ({ size: 1, slice, arrayBuffer: () => Promise.reject(error) });
  const file = { name: 'a.bin', size: 10, slice, arrayBuffer: () => Promise.reject(error) };
  return blobSource(file).open({ start: 0, chunkBytes: 4, algorithm: 'md5' });
}

test.each(['md5', 'sha256'] as const)('a chosen file gives its bytes in chunks, and its %s', async (algorithm) => {
  const source = blobSource(fileOf(data));
  expect(source).toMatchObject({ name: 'a.bin', size: data.length, modified: 1_700_000_000_000 });
  const opened = await source.open({ start: 0, chunkBytes: 30_000, algorithm });
  expect(opened.prefixDigest).toBeUndefined();
  const chunks: Uint8Array[] = [];
  for (let chunk = await opened.read(); chunk; chunk = await opened.read()) chunks.push(chunk);
  expect(chunks.map((chunk) => chunk.length)).toEqual([30_000, 30_000, 30_000, 10_001]);
  expect(Buffer.compare(Buffer.concat(chunks), data)).toBe(0);
  expect(await opened.digest()).toBe(createHash(algorithm).update(data).digest('hex'));
  await opened.close();
});

test.each([1, 29_999, 30_000, 100_001])('opened at %i it proves the prefix and gives the rest', async (start) => {
  const opened = await blobSource(fileOf(data)).open({ start, chunkBytes: 30_000, algorithm: 'md5' });
  expect(opened.prefixDigest).toBe(md5(data.subarray(0, start)));
  const chunks: Uint8Array[] = [];
  for (let chunk = await opened.read(); chunk; chunk = await opened.read()) chunks.push(chunk);
  expect(Buffer.compare(Buffer.concat(chunks), data.subarray(start))).toBe(0);
  expect(await opened.digest()).toBe(md5(data));
});

test('an empty file ends at once', async () => {
  const opened = await blobSource(fileOf(new Uint8Array())).open({ start: 0, chunkBytes: 4, algorithm: 'md5' });
  expect(await opened.read()).toBeUndefined();
  expect(await opened.digest()).toBe(md5(new Uint8Array()));
});

test('several files are hashed at once without mixing', async () => {
  const opened = await Promise.all(
    [1, 2, 3].map((n) => blobSource(fileOf(data.slice(n))).open({ start: 0, chunkBytes: 9_999, algorithm: 'md5' })),
  );
  const more = async () => (await Promise.all(opened.map((one) => one.read()))).some(Boolean);
  while (await more());
  const digests = await Promise.all(opened.map((one) => one.digest()));
  expect(digests).toEqual([1, 2, 3].map((n) => md5(data.subarray(n))));
});

test('a file that the browser refuses because it was changed fails as SOURCE_CHANGED', async () => {
  await expect((await failing('NotReadableError')).read()).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
  await expect((await failing('SecurityError')).read()).rejects.toMatchObject({ code: 'SOURCE_FAILED' });
});

test('a file that gives fewer bytes than it said fails as SOURCE_CHANGED', async () => {
  const file = fileOf(data);
  const shrunk = {
    name: 'a.bin',
    size: data.length + 5,
    slice: file.slice.bind(file),
    arrayBuffer: file.arrayBuffer.bind(file),
  };
  const opened = await blobSource(shrunk).open({ start: 100_000, chunkBytes: 1000, algorithm: 'md5' });
  await expect(opened.read()).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
});
