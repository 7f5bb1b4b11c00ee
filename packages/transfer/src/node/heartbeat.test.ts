import { readdir, readFile, rename, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { noControl, offerOf } from '../../test/offers.ts';
import { content, modified, part, Receiving } from '../../test/receiving.ts';
import { TransferError } from '../index.ts';
import { cleanPartials } from './leftovers.ts';

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

/** The one partial file, by now in the hands of a process that nobody here can ask: of another container. */
async function elsewhere(): Promise<string> {
  const partials = join(dir, '.wsferry');
  const [name, ...others] = (await readdir(partials)).filter((entry) => entry.endsWith('.part'));
  expect(others).toEqual([]);
  const path = join(partials, `00000000-1-00000000-${name!.slice(name!.lastIndexOf('-') + 1)}`);
  await rename(join(partials, name!), path);
  return path;
}

/** Lets time pass until the promise has settled; `meanwhile` is called again and again. */
async function passing<T>(promise: Promise<T>, meanwhile = async () => {}): Promise<T> {
  let settled = false;
  const settle = () => {
    settled = true;
  };
  promise.then(settle, settle);
  while (!settled) {
    await meanwhile();
    await vi.advanceTimersByTimeAsync(500);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return promise;
}

describe('a partial file of a process that cannot be seen from here', () => {
  test('is gone on with when it has been watched and nobody has touched it: its container was killed', async () => {
    await receiving.interrupted(200_000);
    await elsewhere();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { sink, offset } = await passing(receiving.begin());
    expect(offset).toBe(200_000);
    await sink.write(part(200_000));
    expect(await sink.commit()).toMatchObject({ name: 'a.bin' });
    expect(await readdir(dir)).toEqual(['a.bin']);
  });

  test('is left alone when somebody touches it', async () => {
    await receiving.interrupted(200_000);
    const path = await elsewhere();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { sink, ...held } = await passing(receiving.begin(), () => utimes(path, new Date(), new Date()));
    expect(held).not.toHaveProperty('offset');
    await sink.write(part());
    await sink.commit();
    expect((await readFile(path)).length).toBe(200_000);
  });

  test('is gone on with at once, and removed on request, when it was not touched for five minutes', async () => {
    await receiving.interrupted(200_000);
    const path = await elsewhere();
    const now = Date.now();
    vi.spyOn(Date, 'now').mockImplementation(() => now + 4 * 60_000);
    expect(await cleanPartials(dir)).toMatchObject([{ path, owner: 'unknown' }]);
    vi.mocked(Date.now).mockImplementation(() => now + 6 * 60_000);
    const { sink, offset } = await receiving.begin();
    expect(offset).toBe(200_000);
    await sink.discard({ keepPartial: true });
    await elsewhere();
    vi.mocked(Date.now).mockImplementation(() => now + 12 * 60_000);
    expect(await cleanPartials(dir)).toEqual([]);
    expect(await readdir(dir)).toEqual([]);
  });

  test('is not watched any longer than the transfer lives', async () => {
    await receiving.interrupted(200_000);
    await elsewhere();
    const ended = new AbortController();
    const offer = offerOf('a.bin', { size: content.length, modified, resumeKey: 'key' });
    const accepted = receiving.accept(offer, {}, { ...noControl, signal: ended.signal });
    accepted.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve));
    ended.abort(new TransferError('CONNECTION_LOST'));
    await expect(accepted).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  });
});

describe('a partial file on which nothing comes', () => {
  test('is touched every five seconds, until it is complete', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const { sink } = await receiving.begin();
    await sink.write(part());
    const [name] = (await readdir(join(dir, '.wsferry'))).filter((entry) => entry.endsWith('.part'));
    const path = join(dir, '.wsferry', name!);
    const old = new Date(modified);
    for (let beat = 0; beat < 3; beat += 1) {
      await utimes(path, old, old);
      await vi.advanceTimersByTimeAsync(5_000);
      await expect.poll(async () => (await stat(path)).mtimeMs).toBeGreaterThan(modified);
    }
    await sink.commit();
    await vi.advanceTimersByTimeAsync(20_000);
    expect((await stat(join(dir, 'a.bin'))).mtimeMs).toBe(modified);
    expect(vi.getTimerCount()).toBe(1); // the receiver's, which looks for old ones
  });

  test('that another process has taken, because this one was stopped for long, gets not one byte more from here', async () => {
    const { sink } = await receiving.begin();
    await sink.write(part(0, 200_000));
    const path = await elsewhere();
    const now = Date.now();
    vi.spyOn(Date, 'now').mockImplementation(() => now + 60_000);
    await expect(sink.write(part(200_000))).rejects.toMatchObject({ code: 'SUPERSEDED' });
    await expect(sink.commit()).rejects.toMatchObject({ code: 'SUPERSEDED' });
    await sink.discard({ keepPartial: true });
    expect((await readFile(path)).length).toBe(200_000);
    expect(await readdir(join(dir, '.wsferry'))).toContainEqual(expect.stringMatching(/\.json$/));
    expect(await readdir(dir)).toEqual(['.wsferry']);
  });
});
