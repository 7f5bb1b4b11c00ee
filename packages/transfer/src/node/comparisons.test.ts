import { readdir, readlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { noControl, offerOf } from '../../test/offers.ts';
import { deferred } from '../../test/raw-peer.ts';
import { Receiving } from '../../test/receiving.ts';
import { type Accepted, type TransferControl, TransferError } from '../index.ts';
import { Comparisons } from './comparisons.ts';
import type { Folder } from './folder-tree.ts';
import type { FoundFile } from './placing.ts';

const turns = async () => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

describe('comparisons', () => {
  /** Each file that is being read, by name, and how to end that. */
  function reading() {
    const running = new Map<string, (digest: string) => void>();
    const begun: string[] = [];
    let held = 0;
    const comparisons = new Comparisons((_folder, { name }, _algorithm, signal) => {
      begun.push(name);
      return new Promise((resolve, reject) => {
        const end = (how: () => void) => {
          running.delete(name);
          how();
        };
        running.set(name, (digest) => end(() => resolve(digest)));
        signal?.addEventListener('abort', () => end(() => reject(signal.reason)));
      });
    });
    const folder = {
      hold: () => {
        held += 1;
        return () => {
          held -= 1;
        };
      },
    } as Folder;
    const ask = (name: string, signal?: AbortSignal, size = 1_000_000) => {
      const found: FoundFile = { name, path: name, size, modified: 0, look: name };
      const digest = comparisons.digest(folder, found, 'md5', signal);
      digest.catch(() => {});
      return digest;
    };
    return { running, begun, ask, held: () => held };
  }

  test('of the same file share one reading; of the same name with another look do not', async () => {
    const { running, begun, ask } = reading();
    const both = [ask('a'), ask('a')];
    ask('changed a');
    await turns();
    expect(begun).toEqual(['a', 'changed a']);
    running.get('a')!('digest');
    expect(await Promise.all(both)).toEqual(['digest', 'digest']);
    ask('a');
    await turns();
    expect(begun).toEqual(['a', 'changed a', 'a']);
  });

  test('read four long files at once, and short ones beside them', async () => {
    const { running, begun, ask } = reading();
    const digests = Array.from({ length: 20 }, (_, index) => ask(`${index}`));
    await turns();
    expect(begun).toEqual(['0', '1', '2', '3']);
    ask('short', undefined, 10);
    await turns();
    expect(running.has('short')).toBe(true);
    for (const [index, digest] of digests.entries()) {
      running.get(`${index}`)!('digest');
      await digest;
      await turns();
      expect(running.size).toBeLessThanOrEqual(5);
    }
  });

  test('go on while anybody waits, and are given up at once when nobody does, also in the line', async () => {
    const { running, begun, ask, held } = reading();
    const [first, second] = [new AbortController(), new AbortController()];
    const digests = ['a', 'b', 'c', 'd', 'in line'].map((name) => ask(name, first.signal));
    const shared = ask('a', second.signal);
    await turns();
    const gone = new TransferError('CONNECTION_LOST');
    first.abort(gone);
    for (const digest of digests) await expect(digest).rejects.toBe(gone);
    await turns();
    expect([...running.keys()]).toEqual(['a']);
    expect(held()).toBe(1);
    second.abort(gone);
    await expect(shared).rejects.toBe(gone);
    await turns();
    expect([running.size, held()]).toEqual([0, 0]);
    // All seats are free again.
    for (const name of ['1', '2', '3', '4']) ask(name);
    await turns();
    expect(begun).toEqual(['a', 'b', 'c', 'd', '1', '2', '3', '4']);
  });
});

describe('a transfer that ends while its file is compared', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let dir: string;
  let receiving: Receiving;
  beforeEach(async () => {
    directory = await temporaryDirectory();
    dir = directory.path;
    receiving = new Receiving(dir);
  });
  afterEach(async () => {
    await receiving.close();
    await directory.remove();
  });

  /** Takes longer to read than a test may take; a hole, which needs no room. */
  const size = 16 * 1024 ** 3;
  async function longFile() {
    const path = join(dir, 'a.bin');
    await writeFile(path, '');
    await truncate(path, size);
    return path;
  }

  /** An accepted offer as a session has it. */
  async function offering(resumeKey?: string) {
    const { accept } = await receiving.receiver();
    return (bytes = size) => {
      const ended = new AbortController();
      const over = deferred();
      const control: TransferControl = {
        ...noControl,
        signal: ended.signal,
        end: (error) => {
          ended.abort(error);
          return over.promise;
        },
      };
      const answer: Promise<Accepted> = accept(
        offerOf('a.bin', { size: bytes, ...(resumeKey && { resumeKey }) }),
        control,
      );
      const settled = answer.then(({ sink }) => sink.discard({ keepPartial: true })).catch(() => {});
      void settled.then(() => over.resolve());
      return { answer, lose: () => ended.abort(new TransferError('CONNECTION_LOST')) };
    };
  }

  test('leaves nothing behind that reads on: neither its descriptor nor its memory', async () => {
    const path = await longFile();
    const offer = await offering();
    const offers = Array.from({ length: 128 }, () => offer());
    if (process.platform === 'linux') await expect.poll(() => descriptorsOf(path)).toBe(1);
    for (const { lose } of offers) lose();
    for (const { answer } of offers) await expect(answer).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    await receiving.close();
    if (process.platform === 'linux') await expect.poll(() => descriptorsOf(path)).toBe(0);
  });

  test('makes way at once for the one that takes over; of those that wait for that, the ended do nothing', async () => {
    await longFile();
    const offer = await offering('key');
    const older = offer();
    await turns();
    // Nothing to compare with: it would begin to be stored.
    const lost = offer(100_000);
    lost.lose();
    const newer = offer();
    await expect(older.answer).rejects.toMatchObject({ code: 'SUPERSEDED' });
    await expect(lost.answer).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    newer.lose();
    await expect(newer.answer).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    expect(await readdir(dir)).toEqual(['a.bin']);
  });
});

async function descriptorsOf(path: string): Promise<number> {
  const numbers = await readdir('/proc/self/fd');
  const targets = await Promise.all(numbers.map((number) => readlink(`/proc/self/fd/${number}`).catch(() => '')));
  return targets.filter((target) => target === path).length;
}
