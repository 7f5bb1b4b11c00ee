import type { BigIntStats } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FolderHandle } from './folder-handle.ts';
import { fold, NameIndex } from './name-index.ts';

describe('the fold of a name', () => {
  test.each([
    ['a', 'A'],
    ['\u00e9', 'E\u0301'],
    ['\u00df', 'SS'],
    ['\u03c2', '\u03a3'],
    ['\u212a', 'k'],
    ['\u1e9b\u0323', '\u1e60\u0323'],
  ])('of %s is that of %s', (one, other) => {
    expect(fold(one)).toBe(fold(other));
  });

  test.each([
    ['a', 'b'],
    ['e', '\u00e9'],
    ['a', 'a '],
    ['a.b', 'a_b'],
  ])('of %s is not that of %s', (one, other) => {
    expect(fold(one)).not.toBe(fold(other));
  });

  test('is the same for every Unicode form and case of any name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const folded = fold(name);
        expect(fold(name.normalize('NFC'))).toBe(folded);
        expect(fold(name.normalize('NFD'))).toBe(folded);
        expect(fold(name.toUpperCase())).toBe(folded);
      }),
    );
  });
});

/** A folder in memory whose reading takes as long as it has names, on a clock that only that moves. */
class SlowFolder {
  readonly all: string[] = [];
  reads = 0;
  now = 0;
  #changes = 0n;

  add(name: string): void {
    this.all.push(name);
    this.#changes += 1n;
  }

  async look(): Promise<BigIntStats> {
    return { dev: 1n, ino: 1n, mtimeNs: this.#changes, ctimeNs: this.#changes, mtimeMs: 0n } as BigIntStats;
  }

  async names(): Promise<string[]> {
    this.reads += 1;
    this.now += this.all.length;
    return [...this.all];
  }

  index(): NameIndex {
    return new NameIndex(this as unknown as FolderHandle, () => this.now);
  }
}

describe('the names in a folder', () => {
  test('ten thousand files that are taken one by one cost a share of their time to keep track of', async () => {
    const folder = new SlowFolder();
    const index = folder.index();
    // Each file takes as long as reading a hundred names.
    let files = 0;
    for (; files < 10_000; files += 1) {
      await index.refresh();
      const name = `file ${files}`;
      expect(index.same(name)).toEqual([]);
      expect(
        await index.take(name, async () => {
          folder.add(name);
          return true;
        }),
      ).toBe(true);
      expect(index.same(name.toUpperCase())).toEqual([name]);
      folder.now += 100;
    }
    const work = files * 100;
    // A fifth would be five times what is promised; reading them all each time would be fifty times the work itself.
    expect(folder.now - work).toBeLessThan(work / 10);
    expect(folder.reads).toBeLessThan(500);
  });

  test('that others put there are seen the next time, and in a large folder that keeps changing after a while', async () => {
    const folder = new SlowFolder();
    const index = folder.index();
    folder.add('theirs');
    await index.refresh();
    folder.add('Another');
    await index.refresh();
    expect(index.same('another')).toEqual(['Another']);
    for (let count = 0; count < 1_000; count += 1) folder.add(`many ${count}`);
    folder.now += 1_000;
    await index.refresh();
    folder.add('late');
    await index.refresh();
    expect(index.same('late')).toEqual([]);
    folder.now += 25 * 1_000;
    await index.refresh();
    expect(index.same('late')).toEqual(['late']);
  });

  test('are not read when nothing changed', async () => {
    const folder = new SlowFolder();
    const index = folder.index();
    folder.add('a');
    for (let count = 0; count < 10; count += 1) await index.refresh();
    expect(folder.reads).toBe(1);
  });

  test('of two that want one at once, the second waits for what the first makes of it', async () => {
    const folder = new SlowFolder();
    const index = folder.index();
    const order: string[] = [];
    const take = (name: string, free: boolean) =>
      index.take(name, async () => {
        order.push(name);
        await Promise.resolve();
        if (free) folder.add(name);
        return free;
      });
    // The first finds that it is not free after all: then the second may try.
    expect(await Promise.all([take('a', false), take('A', true), take('a', true)])).toEqual([false, true, false]);
    expect(order).toEqual(['a', 'A']);
    expect(index.same('a')).toEqual(['A']);
  });

  test('that were taken while they were read are known', async () => {
    const folder = new SlowFolder();
    const index = folder.index();
    const reading = index.refresh();
    const taking = index.take('mine', async () => true);
    await Promise.all([reading, taking]);
    expect(index.same('mine')).toEqual(['mine']);
  });

  test('that are gone are free again', async () => {
    await using directory = await temporaryDirectory();
    const handle = await FolderHandle.open(directory.path);
    const index = new NameIndex(handle);
    await writeFile(join(directory.path, 'a'), '');
    await index.refresh();
    expect(index.same('A')).toEqual(['a']);
    await rm(join(directory.path, 'a'));
    await index.refresh();
    expect(index.same('A')).toEqual([]);
    await handle.close();
  });

  test('come exact ones first', async () => {
    const folder = new SlowFolder();
    for (const name of ['E\u0301', '\u00c9', 'e\u0301', '\u00e9']) folder.add(name);
    const index = folder.index();
    await index.refresh();
    expect(index.same('\u00e9').slice(0, 2)).toEqual(['\u00e9', 'e\u0301']);
    expect(index.same('e\u0301').slice(0, 2)).toEqual(['e\u0301', '\u00e9']);
    expect(index.same('\u00e9')).toHaveLength(4);
  });
});
