import { link, mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { noControl, offerOf } from '../../test/offers.ts';
import { Receiving } from '../../test/receiving.ts';
import type { OnConflict } from '../packets.ts';

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

const all: readonly OnConflict[] = ['rename', 'overwrite', 'skip', 'fail'];
const send = (path: string, text: string, onConflict: OnConflict) =>
  receiving.store(path, text, { onConflict }, { allowedOnConflict: all });
const content = (name: string) => readFile(join(dir, name), 'utf8');

describe('when a name is taken', () => {
  test.each(all)('%s: by the identical file, nothing moves', async (policy) => {
    await writeFile(join(dir, 'a.txt'), 'same');
    expect(await send('a.txt', 'same', policy)).toMatchObject({ name: 'a.txt', existing: true });
    expect(await readdir(dir)).toEqual(['a.txt']);
  });

  test.each(all)('%s: by nothing, it is stored', async (policy) => {
    expect(await send('a.txt', 'new', policy)).toMatchObject({ name: 'a.txt', existing: false });
  });

  test.each(['another size', 'same-'])('rename: by a file with other content (%s), it gets a number', async (text) => {
    await writeFile(join(dir, 'a.txt'), text);
    expect(await send('a.txt', 'other', 'rename')).toMatchObject({ name: 'a (1).txt' });
    expect(await content('a.txt')).toBe(text);
  });

  test.each(['another size', 'same-'])(
    'overwrite: by a file with other content (%s), that is replaced',
    async (text) => {
      await writeFile(join(dir, 'a.txt'), text);
      await link(join(dir, 'a.txt'), join(dir, 'a second name of it'));
      expect(await send('a.txt', 'other', 'overwrite')).toMatchObject({ name: 'a.txt', existing: false });
      expect(await content('a.txt')).toBe('other');
      // Not written into: whoever has it open, or under another name, keeps it.
      expect(await content('a second name of it')).toBe(text);
      expect((await readdir(dir)).sort()).toEqual(['a second name of it', 'a.txt']);
    },
  );

  test.each(['another size', 'same-'])(
    'skip, fail: by a file with other content (%s), it is left alone',
    async (text) => {
      await writeFile(join(dir, 'a.txt'), text);
      await expect(send('a.txt', 'other', 'skip')).rejects.toMatchObject({ code: 'SKIPPED' });
      await expect(send('a.txt', 'other', 'fail')).rejects.toMatchObject({ code: 'EXISTS' });
      expect(await readdir(dir)).toEqual(['a.txt']);
      expect(await content('a.txt')).toBe(text);
    },
  );

  test('while the file was on its way, the policy holds too', async () => {
    for (const [policy, outcome] of [
      ['rename', { name: 'a (1).txt' }],
      ['overwrite', { name: 'a.txt' }],
      ['skip', { code: 'SKIPPED' }],
      ['fail', { code: 'EXISTS' }],
    ] as const) {
      await using place = await temporaryDirectory();
      const there = new Receiving(place.path);
      const { accept, close } = await there.receiver({ allowedOnConflict: all });
      const { sink } = await accept(offerOf('a.txt', { size: 3, onConflict: policy }), noControl);
      await writeFile(join(place.path, 'a.txt'), 'mine');
      await sink.write(Buffer.from('new'));
      expect(await sink.commit().catch((error: unknown) => error)).toMatchObject(outcome);
      expect(await readdir(place.path)).not.toContain('.wsferry');
      await close();
      await there.close();
    }
  });

  test.each([
    ['a folder', (path: string) => mkdir(path)],
    ['a symlink', (path: string) => symlink(join(dir, 'target'), path)],
  ])('overwrite: by %s, that is left alone', async (_what, occupy) => {
    await writeFile(join(dir, 'target'), 'mine');
    await occupy(join(dir, 'a.txt'));
    await expect(send('a.txt', 'other', 'overwrite')).rejects.toMatchObject({ code: 'EXISTS' });
    expect((await readdir(dir)).sort()).toEqual(['a.txt', 'target']);
    expect(await content('target')).toBe('mine');
    await readlink(join(dir, 'a.txt')).catch(() => stat(join(dir, 'a.txt')));
  });
});

describe('a name that differs in case or Unicode form only counts as taken, on every file system', () => {
  const pairs = [
    ['README.txt', 'readme.TXT'],
    ['stra\u00dfe', 'STRASSE'],
    ['caf\u00e9', 'CAFE\u0301'],
    ['\u03a3\u03c3', '\u03c3\u03c2'],
  ] as const;

  test.each(pairs)('rename: %s and %s', async (there, sent) => {
    await writeFile(join(dir, there), 'mine');
    const { name } = await send(sent, 'other', 'rename');
    expect(name).toContain('(1)');
    expect((await readdir(dir)).sort()).toEqual([there, name].sort());
    // And is found again.
    expect(await send(sent, 'other', 'rename')).toMatchObject({ name, existing: true });
  });

  test.each(pairs)('identical: %s and %s', async (there, sent) => {
    await writeFile(join(dir, there), 'same');
    expect(await send(sent, 'same', 'rename')).toMatchObject({ name: there, existing: true });
  });

  test.each(pairs)('overwrite: %s and %s', async (there, sent) => {
    await writeFile(join(dir, there), 'mine');
    expect(await send(sent, 'other', 'overwrite')).toMatchObject({ name: there });
    expect(await readdir(dir)).toEqual([there]);
    expect(await content(there)).toBe('other');
  });

  test.each(pairs)('skip, fail: %s and %s', async (there, sent) => {
    await writeFile(join(dir, there), 'mine');
    await expect(send(sent, 'other', 'skip')).rejects.toMatchObject({ code: 'SKIPPED' });
    await expect(send(sent, 'other', 'fail')).rejects.toMatchObject({ code: 'EXISTS' });
  });

  test('overwrite: of several that are not exactly it, none is replaced', async () => {
    await writeFile(join(dir, 'readme'), '1');
    await writeFile(join(dir, 'Readme'), '2');
    if ((await readdir(dir)).length < 2) return; // this file system knows that they are one
    await expect(send('README', 'other', 'overwrite')).rejects.toMatchObject({ code: 'EXISTS' });
    expect(await send('Readme', 'other', 'overwrite')).toMatchObject({ name: 'Readme' });
    expect(await content('readme')).toBe('1');
  });

  test('two that arrive at once', async () => {
    const { accept } = await receiving.receiver();
    const names = ['a', 'A'];
    const sinks = await Promise.all(names.map((name) => accept(offerOf(name, { size: 1 }), noControl)));
    for (const [index, { sink }] of sinks.entries()) await sink.write(new Uint8Array([index]));
    const stored = await Promise.all(sinks.map(({ sink }) => sink.commit()));
    expect(stored.map(({ name }) => name).filter((name) => name.includes('(1)'))).toHaveLength(1);
  });
});

describe('the receiver has the last word', () => {
  test('overwrite is not done unless it is allowed', async () => {
    await writeFile(join(dir, 'a.txt'), 'mine');
    await expect(receiving.store('a.txt', 'other', { onConflict: 'overwrite' })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
    expect(await content('a.txt')).toBe('mine');
  });

  test('without a wish, its own policy holds, which needs no permission', async () => {
    await writeFile(join(dir, 'a.txt'), 'mine');
    const own = { onConflict: 'fail', allowedOnConflict: [] } as const;
    await expect(receiving.store('a.txt', 'other', {}, own)).rejects.toMatchObject({ code: 'EXISTS' });
    await expect(receiving.store('a.txt', 'other', { onConflict: 'fail' }, own)).rejects.toMatchObject({
      code: 'EXISTS',
    });
    await expect(receiving.store('a.txt', 'other', { onConflict: 'rename' }, own)).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
  });
});
