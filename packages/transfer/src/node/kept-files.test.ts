import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { offerOf } from '../../test/offers.ts';
import { content, modified, Receiving } from '../../test/receiving.ts';
import { cleanPartials, listLeftovers } from './leftovers.ts';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let dir: string;
let receiving: Receiving;
beforeEach(async () => {
  directory = await temporaryDirectory();
  dir = directory.path;
  receiving = new Receiving(dir);
});
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await receiving.close();
  await directory.remove();
});

const begin: Receiving['begin'] = (...how) => receiving.begin(...how);
const interrupted: Receiving['interrupted'] = (...how) => receiving.interrupted(...how);

/** Where the one partial file lies. */
async function partial(): Promise<string> {
  const partials = (await readdir(join(dir, '.wsferry'))).filter((name) => name.endsWith('.part'));
  expect(partials).toHaveLength(1);
  return join(dir, '.wsferry', partials[0]!);
}

describe('what was kept', () => {
  const day = 24 * 60 * 60 * 1000;

  test('is told with what it is a part of', async () => {
    const before = Date.now();
    await interrupted(200_000, { folder: [] });
    const [leftover, ...others] = await listLeftovers(dir);
    expect(others).toEqual([]);
    expect(leftover).toMatchObject({
      path: await partial(),
      size: 200_000,
      owner: 'dead',
      resumable: true,
      file: { name: 'a.bin', folder: [], size: content.length, modified },
    });
    expect(leftover!.modified).toBeGreaterThan(before - 5_000);
    expect(leftover!.file!.began).toBeGreaterThanOrEqual(before);
  });

  test('waits for seven days since it was written to, also when the process starts again', async () => {
    await interrupted(200_000);
    const { modified: written } = (await listLeftovers(dir))[0]!;
    vi.spyOn(Date, 'now').mockReturnValue(written + 7 * day - 1);
    await receiving.receiver();
    expect(await listLeftovers(dir)).toHaveLength(1);
    vi.spyOn(Date, 'now').mockReturnValue(written + 7 * day);
    await receiving.receiver();
    expect(await readdir(dir)).toEqual([]);
  });

  test('is looked after every hour', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'], now: Date.now() });
    await interrupted(200_000, {}, { keepPartialsMs: 2 * 60 * 60 * 1000 });
    await vi.advanceTimersByTimeAsync(60 * 60 * 1000);
    expect(await listLeftovers(dir)).toHaveLength(1);
    vi.advanceTimersByTime(2 * 60 * 60 * 1000);
    await vi.waitFor(async () => expect(await readdir(dir)).toEqual([]));
  });

  test('is removed on request, but not under the hands of a transfer', async () => {
    await interrupted(200_000);
    const other = await begin({ name: offerOf('b.bin').name });
    expect(await cleanPartials(dir)).toMatchObject([{ owner: 'alive', file: { name: 'b.bin' } }]);
    expect((await readdir(join(dir, '.wsferry'))).sort()).toHaveLength(2);
    await other.sink.discard();
    expect(await cleanPartials(dir)).toEqual([]);
    expect(await readdir(dir)).toEqual([]);
  });

  test('by a process nobody can ask stays, also on request, unless that is meant too', async () => {
    await interrupted(200_000);
    const path = await partial();
    await rename(path, path.replace('free-', '00000000-1-00000000-'));
    expect(await cleanPartials(dir)).toMatchObject([{ owner: 'unknown', resumable: true }]);
    expect(await cleanPartials(dir, { unknown: true })).toEqual([]);
  });
});
