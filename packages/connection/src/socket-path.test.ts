import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import { describe, expect, test } from 'vitest';
import { connect, listen } from './index.ts';
import { checkSocketPathLength } from './socket-path.ts';

describe('the path of a Unix socket', () => {
  test.each([
    ['linux', 107],
    ['darwin', 103],
    ['freebsd', 103],
  ] as const)('on %s may have %i bytes', (platform, most) => {
    const path = `/${'ä'.repeat((most - 1) / 2)}`;
    checkSocketPathLength(path, platform);
    expect(() => checkSocketPathLength(`${path}x`, platform)).toThrow(
      expect.objectContaining({
        code: 'BAD_ARGUMENT',
        message: expect.stringContaining(`at most ${most} bytes, got ${most + 1}`),
      }),
    );
  });

  test('that is too long is BAD_ARGUMENT for listen and for connect, and no other file is made', async () => {
    await using folder = await temporaryDirectory();
    const socketPath = join(folder.path, 'x'.repeat(120));
    const refused = { code: 'BAD_ARGUMENT', message: expect.stringContaining('path of a Unix socket') };
    await expect(listen({ socketPath }, () => {})).rejects.toMatchObject(refused);
    await expect(connect(`ws+unix:${socketPath}`)).rejects.toMatchObject(refused);
    await expect(connect('ws://localhost/', { socketPath })).rejects.toMatchObject(refused);
    expect(await readdir(folder.path)).toEqual([]);
  });
});
