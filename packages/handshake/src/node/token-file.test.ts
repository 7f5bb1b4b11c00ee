import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import { expect, test } from 'vitest';
import { readTokenFile } from './index.ts';

const token = 'correct-horse-battery-staple';

async function read(content: string, mode = 0o600) {
  await using here = await temporaryDirectory();
  const path = join(here.path, 'token');
  await writeFile(path, content);
  await chmod(path, mode);
  return await readTokenFile(path, { minLength: 16 });
}

test.each([token, `${token}\n`, `${token}\r\n`])('the token in a file, without the line end: %j', async (content) => {
  expect(await read(content)).toEqual({ token, readableByOthers: false });
});

test.runIf(process.platform !== 'win32')('who may read it is told', async () => {
  expect(await read(token, 0o640)).toMatchObject({ readableByOthers: false });
  expect(await read(token, 0o644)).toMatchObject({ readableByOthers: true });
});

test.each([
  ['', 'got 0'],
  ['\n', 'got 0'],
  ['short', 'got 5'],
  [`${token}\n\n`, 'one line'],
  [`${token}\n${token}`, 'one line'],
  [` ${token}`, 'at position 1'],
  ['x'.repeat(100_000), '16 to 4096'],
])('a file with %j is BAD_CREDENTIALS', async (content, message) => {
  await expect(read(content)).rejects.toMatchObject({
    code: 'BAD_CREDENTIALS',
    message: expect.stringContaining(message),
  });
});

test("a file that is not there is Node's error", async () => {
  await using here = await temporaryDirectory();
  await expect(readTokenFile(join(here.path, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(readTokenFile(here.path)).rejects.toMatchObject({ code: 'EISDIR' });
});
