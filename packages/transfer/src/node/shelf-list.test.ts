import { chmod, mkdir, rename, rm, symlink, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ListedEntry } from '../packets.ts';
import type { FileSource, ListOptions } from '../ports.ts';
import { safeFolder, safeName } from '../safe-name.ts';
import { type DirectoryShelf, directoryShelf } from './directory-shelf.ts';
import { pathSource } from './path-source.ts';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let dir: string;
let shelf: DirectoryShelf;
beforeEach(async () => {
  directory = await temporaryDirectory();
  dir = join(directory.path, 'shelf');
  await mkdir(dir);
  shelf = await directoryShelf(dir);
});
afterEach(async () => {
  await shelf.close();
  await directory.remove();
});

async function plant(...paths: string[]): Promise<void> {
  for (const path of paths) {
    const parts = path.split('/');
    const name = parts.pop()!;
    await mkdir(join(dir, ...parts), { recursive: true });
    if (name !== '') await writeFile(join(dir, path), path);
  }
}

const told = (entries: readonly ListedEntry[]) =>
  entries.map(({ name, folder = [], kind }) => [...folder, name].join('/') + (kind === 'folder' ? '/' : ''));

async function listed(path: readonly string[] = [], options: ListOptions = {}): Promise<string[]> {
  return told((await shelf.list(safeFolder(path), options)).entries);
}

/** All pages, joined; also how many there were and what was left out. */
async function pages(path: readonly string[] = [], options: ListOptions = {}) {
  const entries: ListedEntry[] = [];
  let count = 0;
  let leftOut = 0;
  for (let after: string | undefined; ; ) {
    const page = await shelf.list(safeFolder(path), { ...options, ...(after !== undefined && { after }) });
    entries.push(...page.entries);
    count += 1;
    leftOut += page.leftOut;
    after = page.next;
    if (after === undefined) return { entries, count, leftOut };
  }
}

const fileAt = (path: string): Promise<FileSource> => {
  const folder = path.split('/');
  const name = safeName(folder.pop()!);
  return shelf.file(name, safeFolder(folder));
};

async function read(source: FileSource): Promise<string> {
  const opened = await source.open({ start: 0, chunkBytes: 65_536, algorithm: 'md5' });
  try {
    let text = '';
    for (let chunk = await opened.read(); chunk !== undefined; chunk = await opened.read()) {
      text += Buffer.from(chunk).toString();
    }
    return text;
  } finally {
    await opened.close();
  }
}

describe('a directory as a shelf lists', () => {
  test('its files and folders by name, with what is known of them', async () => {
    await plant('b', 'a/x', 'C');
    if (process.platform !== 'win32') await chmod(join(dir, 'b'), 0o755);
    await utimes(join(dir, 'b'), 1_000_000_000, 1_000_000_000);
    await utimes(join(dir, 'a'), 1_100_000_000, 1_100_000_000);
    const { entries, next, leftOut } = await shelf.list([]);
    expect(told(entries)).toEqual(['C', 'a/', 'b']);
    expect(entries[1]).toEqual({ name: 'a', kind: 'folder', modified: 1_100_000_000_000 });
    expect(entries[2]).toMatchObject({ name: 'b', kind: 'file', size: 1, modified: 1_000_000_000_000 });
    if (process.platform !== 'win32') expect(entries[2]!.executable).toBe(true);
    expect(entries[0]).not.toHaveProperty('executable');
    expect([next, leftOut]).toEqual([undefined, 0]);
  });

  test('a folder of it, and with recursive what is in its folders, each after its folder', async () => {
    await plant('a/b/c/d', 'a/b/x', 'a/e/', 'a.txt');
    expect(await listed(['a'])).toEqual(['b/', 'e/']);
    expect(await listed(['a'], { recursive: true })).toEqual(['b/', 'b/c/', 'b/c/d', 'b/x', 'e/']);
    expect(await listed([], { recursive: true })).toEqual([
      'a/',
      'a/b/',
      'a/b/c/',
      'a/b/c/d',
      'a/b/x',
      'a/e/',
      'a.txt',
    ]);
  });

  test('no symlink, nothing special, and none of the unfinished files of a receiver', async () => {
    await plant('a', '.wsferry/x.part', 'b/.wsferry/y.part', 'b/z');
    await symlink(directory.path, join(dir, 'to-folder'));
    await symlink(join(dir, 'a'), join(dir, 'to-file'));
    expect(await listed([], { recursive: true })).toEqual(['a', 'b/', 'b/z']);
    expect((await shelf.list([], { recursive: true })).leftOut).toBe(0);
  });

  test.skipIf(process.platform === 'win32')('no name that a receiver refuses, and counts these', async () => {
    await plant('con', 'ok', 'a\\b', 'dot.', 'aux/x', 'folder/nul', 'folder/y');
    const { entries, leftOut } = await shelf.list([], { recursive: true });
    expect(told(entries)).toEqual(['folder/', 'folder/y', 'ok']);
    expect(leftOut).toBe(5);
  });

  test('what is not there, or is no folder, as NOT_FOUND', async () => {
    await plant('a');
    await mkdir(join(directory.path, 'outside'));
    await symlink(join(directory.path, 'outside'), join(dir, 'link'));
    for (const path of [['none'], ['a'], ['link']]) {
      await expect(shelf.list(safeFolder(path))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
  });

  test.skipIf(process.platform === 'win32')(
    'what may not be read as FORBIDDEN, and passes it over on its way',
    async () => {
      await plant('secret/x', 'y');
      await chmod(directory.path, 0o755);
      await chmod(join(dir, 'secret'), 0);
      const root = process.geteuid?.() === 0;
      if (root) process.seteuid?.(65_534);
      try {
        await expect(shelf.list(safeFolder(['secret']))).rejects.toMatchObject({
          code: 'FORBIDDEN',
          message: expect.not.stringContaining(dir),
        });
        const { entries, leftOut } = await shelf.list([], { recursive: true });
        expect([told(entries), leftOut]).toEqual([['secret/', 'y'], 1]);
      } finally {
        if (root) process.seteuid?.(0);
      }
    },
  );

  test('a name that is written in another Unicode form under the one it can be asked for by', async () => {
    await plant('e\u0301/i\u0301', 'e\u0301/o');
    expect(await listed([], { recursive: true })).toEqual(['\u00e9/', '\u00e9/\u00ed', '\u00e9/o']);
    expect(await read(await fileAt('\u00e9/\u00ed'))).toBe('e\u0301/i\u0301');
  });
});

describe('a list comes in pages', () => {
  test('each with as much as fits, all of it once, in order', async () => {
    const names = Array.from({ length: 1_000 }, (_, index) => `${'x'.repeat(100)} ${String(index).padStart(4, '0')}`);
    await plant(...names.map((name, index) => `f${index % 3}/${name}`), 'a', 'z');
    const { entries, count } = await pages([], { recursive: true });
    expect(count).toBeGreaterThan(3);
    expect(entries).toHaveLength(1_005);
    const all = told(entries);
    expect(new Set(all).size).toBe(1_005);
    expect(all).toEqual(told((await pages([], { recursive: true })).entries));
    expect(all[0]).toBe('a');
    expect(all.at(-1)).toBe('z');
    expect(all.filter((path) => path.startsWith('f1/')).slice(1)).toEqual(
      names.filter((_, index) => index % 3 === 1).map((name) => `f1/${name}`),
    );
  });

  test('also through folders that are written in another Unicode form', async () => {
    const names = Array.from({ length: 600 }, (_, index) => `${'x'.repeat(100)}${index + 1_000}`);
    await plant(...names.map((name) => `e\u0301/${name}`), 'f');
    const { entries, count } = await pages([], { recursive: true });
    expect(count).toBeGreaterThan(1);
    expect(told(entries)).toEqual(['\u00e9/', ...names.map((name) => `\u00e9/${name}`), 'f']);
  });

  test('that go on behind what is gone by now', async () => {
    await plant(...Array.from({ length: 500 }, (_, index) => `a/${'x'.repeat(100)}${index + 1_000}`), 'b/c');
    const first = await shelf.list([], { recursive: true });
    await rm(join(dir, 'a'), { recursive: true });
    const second = await shelf.list([], { recursive: true, after: first.next! });
    expect(told(second.entries)).toEqual(['b/', 'b/c']);
  });

  test('and whatever a peer gives as cursor, it gets nothing from outside', async () => {
    await plant('a', 'b/c');
    await writeFile(join(directory.path, 'outside'), 'x');
    const cursor = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .array(fc.oneof(fc.constantFrom('..', '.', '/', 'a', 'b', 'c', ''), fc.string()))
        .map((names) => JSON.stringify(names)),
    );
    await fc.assert(
      fc.asyncProperty(cursor, async (after) => {
        const all = ['a', 'b/', 'b/c'];
        const { entries } = await shelf.list([], { recursive: true, after });
        for (const path of told(entries)) expect(all).toContain(path);
      }),
      { numRuns: 100 },
    );
  });

  test('until nobody waits for it any more', async () => {
    await plant('a');
    await expect(shelf.list([], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('a file on the shelf', () => {
  test('is a source of its name and folder, as pathSource is one', async () => {
    await plant('a/b/x');
    const { open: _open, again: _again, ...source } = await fileAt('a/b/x');
    const { open: _alsoOpen, again: _alsoAgain, ...expected } = await pathSource(join(dir, 'a', 'b', 'x'));
    expect(source).toEqual({ ...expected, folder: ['a', 'b'] });
    expect(await read(await fileAt('a/b/x'))).toBe('a/b/x');
  });

  test('that is not there, is a folder, or a symlink is NOT_FOUND', async () => {
    await plant('a/x');
    await writeFile(join(directory.path, 'outside'), 'x');
    await symlink(join(directory.path, 'outside'), join(dir, 'link'));
    await symlink(directory.path, join(dir, 'folder-link'));
    for (const path of ['none', 'none/x', 'a', 'a/x/y', 'link', 'folder-link/outside']) {
      await expect(fileAt(path)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
  });

  test.each([
    ['removed', (path: string) => unlink(path), 'SOURCE_FAILED'],
    [
      'replaced by a symlink',
      (path: string) => unlink(path).then(() => symlink(join(dir, 'other'), path)),
      'SOURCE_CHANGED',
    ],
    ['replaced by another file', (path: string) => rename(join(dir, 'other'), path), 'SOURCE_CHANGED'],
  ])('that was %s when it is opened is %s', async (_how, harm, code) => {
    await plant('x', 'other');
    const source = await fileAt('x');
    await harm(join(dir, 'x'));
    await expect(read(source)).rejects.toMatchObject({ code });
  });
});
