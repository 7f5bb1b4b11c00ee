import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporaryDirectory } from '@wsferry/testing';
import { describe, expect, test } from 'vitest';
import { Door } from '../server/door.ts';

test('a ticket opens one file for a minute', async () => {
  let now = 1_000_000;
  const door = new Door({ token: 'correct-horse-battery-staple', now: () => now });
  const server = createServer((request, response) => {
    if (!door.refuses(request, response)) response.end('the file');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const statusOf = async (path: string) => (await fetch(origin + path, { headers: { Connection: 'close' } })).status;
  const ticket = door.ticketFor('/files/a');
  expect(await statusOf(`/files/a?${ticket}`)).toBe(200);
  expect(await statusOf(`/files/b?${ticket}`)).toBe(401);
  expect(await statusOf(`/files/a?${ticket}x`)).toBe(401);
  now += 60_000;
  expect(await statusOf(`/files/a?${ticket}`)).toBe(200);
  now += 1;
  expect(await statusOf(`/files/a?${ticket}`)).toBe(401);
  server.close();
});

describe('the command', () => {
  const main = fileURLToPath(new URL('../server/main.ts', import.meta.url));
  const demo = (args: string[], cwd: string, env: Record<string, string> = {}) =>
    promisify(execFile)(
      process.execPath,
      ['--conditions=@wsferry/source', '--import', 'tsx', main, '--port', '0', ...args],
      {
        env: { ...process.env, INIT_CWD: cwd, ...env },
      },
    ).then(
      () => ({ code: 0, stderr: '' }),
      ({ code, stderr }) => ({ code, stderr }),
    );

  test.each<[string[], Record<string, string>, RegExp]>([
    [
      ['--host', '0.0.0.0'],
      {},
      /^demo: 0\.0\.0\.0 can be reached from other machines, .*--token-file, .*--insecure-public\n$/,
    ],
    [['--token-file', 'short'], {}, /^demo: .*short: expected a token of 16 to 4096 /],
    [['--token-file', 'none'], {}, /^demo: .*none: ENOENT/],
    [[], { WSFERRY_TOKEN: '' }, /^demo: WSFERRY_TOKEN: expected a token of 16 to 4096 .*got 0\n$/],
    [['--trust-proxy', 'nginx'], {}, /^demo: expected trustedProxies to be a list such as .*got "nginx"/],
  ])('%j, %j says why it does not start', async (args, env, message) => {
    await using here = await temporaryDirectory();
    await writeFile(join(here.path, 'short'), 'short');
    const { code, stderr } = await demo(args, here.path, env);
    expect(stderr).toMatch(message);
    expect(code).toBe(1);
  });
});
