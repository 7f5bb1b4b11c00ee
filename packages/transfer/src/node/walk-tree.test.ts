import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rename, stat, symlink, unlink, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openSession, pipePair } from '../index.ts';
import type { FileSource } from '../ports.ts';
import { safeFolder, safeName } from '../safe-name.ts';
import { directoryReceiver } from './directory-receiver.ts';
import { pathSource } from './path-source.ts';
import { type TreeEntry, type WalkOptions, walkTree } from './walk-tree.ts';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let dir: string;
beforeEach(async () => {
  directory = await temporaryDirectory();
  dir = join(directory.path, 'tree');
  await mkdir(dir);
});
afterEach(() => directory.remove());

/** Files that contain their own path; what ends in `/` is a folder. */
async function plant(...paths: string[]): Promise<void> {
  for (const path of paths) {
    const parts = path.split('/');
    const name = parts.pop()!;
    await mkdir(join(dir, ...parts), { recursive: true });
    if (name !== '') await writeFile(join(dir, path), path);
  }
}

async function walk(options?: WalkOptions, from = dir): Promise<TreeEntry[]> {
  const entries: TreeEntry[] = [];
  for await (const entry of walkTree(from, options)) entries.push(entry);
  return entries;
}

/** What is found, as the other side is told: folders with a slash behind them. */
function told(entries: readonly TreeEntry[]): string[] {
  return entries.map((entry) => {
    if (entry.kind === 'left-out') return `${entry.why}: ${entry.path.slice(dir.length + 1)}`;
    const path = [...(entry.source.folder ?? []), entry.source.name].join('/');
    return entry.kind === 'folder' ? `${path}/` : path;
  });
}

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

const fileIn = (entries: readonly TreeEntry[], name: string): FileSource => {
  const found = entries.find((entry) => entry.kind === 'file' && entry.source.name === name);
  if (found?.kind !== 'file') throw new Error(`no ${name}`);
  return found.source;
};

describe('walking a folder', () => {
  test('gives everything in it by name, each folder after its content, empty ones too', async () => {
    await plant('b/2', 'b/1', 'a', 'empty/', 'b/c/d', 'Z', '.hidden');
    expect(told(await walk())).toEqual([
      'tree/.hidden',
      'tree/Z',
      'tree/a',
      'tree/b/1',
      'tree/b/2',
      'tree/b/c/d',
      'tree/b/c/',
      'tree/b/',
      'tree/empty/',
      'tree/',
    ]);
  });

  test('gives sources as pathSource does, and the times of folders', async () => {
    await plant('a/run', 'a/read');
    if (process.platform !== 'win32') await chmod(join(dir, 'a', 'run'), 0o744);
    await utimes(join(dir, 'a', 'run'), 1_000_000_000, 1_000_000_000);
    await utimes(join(dir, 'a'), 1_100_000_000, 1_100_000_000);
    const entries = await walk();
    for (const name of ['run', 'read']) {
      const { open: _open, again: _again, folder, ...same } = fileIn(entries, name);
      const { open: _alsoOpen, again: _alsoAgain, ...expected } = await pathSource(join(dir, 'a', name));
      expect(same).toEqual(expected);
      expect(folder).toEqual(['tree', 'a']);
    }
    expect(fileIn(entries, 'run')).toMatchObject({ modified: 1_000_000_000_000, size: 5 });
    if (process.platform !== 'win32') expect(fileIn(entries, 'run').executable).toBe(true);
    expect(fileIn(entries, 'read')).not.toHaveProperty('executable');
    expect(await read(fileIn(entries, 'run'))).toBe('a/run');
    const folder = entries.find((entry) => entry.kind === 'folder' && entry.source.name === 'a');
    expect(folder).toMatchObject({ path: join(dir, 'a'), source: { folder: ['tree'], modified: 1_100_000_000_000 } });
  });

  test('calls it as it was called, though that be a symlink, and finds the name of `.`', async () => {
    await plant('a');
    await symlink(dir, join(directory.path, 'link'));
    expect(told(await walk({}, join(directory.path, 'link')))).toEqual(['link/a', 'link/']);
    const here = process.cwd();
    process.chdir(dir);
    try {
      expect((await walk({}, '.')).at(-1)).toMatchObject({ kind: 'folder', source: { name: 'tree', folder: [] } });
    } finally {
      process.chdir(here);
    }
  });

  test('follows no symlink and reads nothing but files, and says so', async () => {
    await plant('a', 'b/c');
    await symlink(join(dir, 'a'), join(dir, 'to a file'));
    await symlink('..', join(dir, 'b', 'to a folder'));
    await symlink('nowhere', join(dir, 'to nothing'));
    if (process.platform !== 'win32') execFileSync('mkfifo', [join(dir, 'pipe')]);
    const server = createServer().listen(join(dir, 'socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    const entries = await walk();
    server.close();
    expect(told(entries)).toEqual([
      'tree/a',
      'tree/b/c',
      'symlink: b/to a folder',
      'tree/b/',
      ...(process.platform === 'win32' ? [] : ['special: pipe']),
      'special: socket',
      'symlink: to a file',
      'symlink: to nothing',
      'tree/',
    ]);
    const messages = entries.flatMap((entry) => (entry.kind === 'left-out' ? [entry.message] : []));
    expect(messages).toContain('it is a symbolic link, and these are not followed');
    expect(messages).toContain('it is a socket');
  });

  test.skipIf(process.platform !== 'linux')(
    'says what it cannot send: unreadable folders, names that are no UTF-8',
    async () => {
      await plant('a/x', 'secret/x');
      await writeFile(Buffer.concat([Buffer.from(`${dir}/bad-`), Buffer.from([0xff])]), 'x');
      await chmod(directory.path, 0o755);
      await chmod(join(dir, 'secret'), 0o300);
      const root = process.geteuid?.() === 0;
      if (root) process.seteuid?.(65_534);
      try {
        const entries = await walk();
        expect(told(entries)).toEqual(['tree/a/x', 'tree/a/', 'bad-name: bad-\ufffd', 'unreadable: secret', 'tree/']);
        expect(entries.find((entry) => entry.kind === 'left-out' && entry.why === 'unreadable')).toMatchObject({
          message: 'permission denied',
        });
      } finally {
        if (root) process.seteuid?.(0);
      }
    },
  );

  test('ends at the depth that a receiver takes', async () => {
    let path = dir;
    for (let depth = 0; depth < 70; depth += 1) path = join(path, 'd');
    await mkdir(path, { recursive: true });
    const entries = await walk();
    const folders = entries.filter(({ kind }) => kind === 'folder');
    expect(entries[0]).toMatchObject({ kind: 'left-out', why: 'too-deep' });
    expect(Math.max(...folders.map((entry) => (entry.kind === 'folder' ? entry.source.folder!.length : 0)))).toBe(63);
  });

  test('leaves out the unfinished files of a receiver', async () => {
    await plant('a', '.wsferry/x.part', 'b/.wsferry/y');
    expect(told(await walk())).toEqual(['tree/a', 'tree/b/', 'tree/']);
  });

  test('finds what only begins as they do: the receiver says why it does not take it, and nothing is left out in silence', async () => {
    await plant('.wsferry', '.wsferry.md', '.wsferry-old/x');
    expect(told(await walk())).toEqual([
      'tree/.wsferry',
      'tree/.wsferry-old/x',
      'tree/.wsferry-old/',
      'tree/.wsferry.md',
      'tree/',
    ]);
  });

  test('that is missing, a file, or has no name is refused with a sentence', async () => {
    const failed = (message: string) => ({ code: 'SOURCE_FAILED', message: expect.stringContaining(message) });
    await expect(walk({}, join(dir, 'none'))).rejects.toMatchObject(failed('there is no such file'));
    await plant('a');
    await expect(walk({}, join(dir, 'a'))).rejects.toMatchObject(failed('it is not a directory'));
    if (process.platform !== 'win32') await expect(walk({}, '/')).rejects.toMatchObject(failed('it has no name'));
  });
});

describe('what is ignored', () => {
  test.each([
    ['by name, at any depth', ['node_modules', '*.tmp'], ['tree/a', 'tree/b/x', 'tree/b/']],
    [
      'by a path from the top',
      ['/b/x.tmp'],
      ['tree/a', 'tree/b/node_modules/', 'tree/b/x', 'tree/b/', 'tree/node_modules/y', 'tree/node_modules/'],
    ],
    ['folders only', ['a/', 'node_modules/'], ['tree/a', 'tree/b/x', 'tree/b/x.tmp', 'tree/b/']],
    ['all but', ['*', '!a'], ['tree/a']],
    [
      'in its own case',
      ['A', 'B', 'NODE_MODULES', '*.TMP', '/b'],
      ['tree/a', 'tree/node_modules/y', 'tree/node_modules/'],
    ],
  ])('%s', async (_how, patterns, left) => {
    await plant('a', 'b/x', 'b/x.tmp', 'b/node_modules/', 'node_modules/y');
    expect(told(await walk({ ignore: patterns }))).toEqual([...left, 'tree/']);
  });
});

describe('a file that was found', () => {
  test.each([
    ['a symlink', async (path: string) => symlink(join(directory.path, 'other'), path)],
    ['another file', async (path: string) => rename(join(directory.path, 'other'), path)],
    ['a folder', async (path: string) => mkdir(path)],
  ])('and in whose place there is %s by now, is not sent', async (_what, place) => {
    await plant('a/x');
    const source = fileIn(await walk(), 'x');
    const { mtime } = await stat(join(dir, 'a', 'x'));
    await writeFile(join(directory.path, 'other'), 'a/x');
    await utimes(join(directory.path, 'other'), mtime, mtime);
    await unlink(join(dir, 'a', 'x'));
    await place(join(dir, 'a', 'x'));
    await expect(read(source)).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
  });

  test('is not looked for through a symlink that took the place of its folder', async () => {
    await plant('a/x');
    const source = fileIn(await walk(), 'x');
    await rename(join(dir, 'a'), join(directory.path, 'moved'));
    await symlink(join(directory.path, 'moved'), join(dir, 'a'));
    await expect(read(source)).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
  });

  test('and is gone fails as SOURCE_FAILED, and neither message tells where it was', async () => {
    await plant('a/x');
    const source = fileIn(await walk(), 'x');
    await unlink(join(dir, 'a', 'x'));
    const error = await read(source).catch((error: unknown) => error as Error);
    expect(error).toMatchObject({ code: 'SOURCE_FAILED' });
    expect((error as Error).message).not.toContain(dir);
  });
});

test('a tree that is sent arrives as it was, and sent again it moves no byte', async () => {
  await plant('a/x', 'a/b/y', 'a/empty/', 'z');
  if (process.platform !== 'win32') await chmod(join(dir, 'z'), 0o755);
  await utimes(join(dir, 'a', 'b'), 1_000_000_000, 1_000_000_000);
  await utimes(join(dir, 'a'), 1_100_000_000, 1_100_000_000);
  const into = join(directory.path, 'into');
  await mkdir(into);
  const { accept, acceptFolder, close } = await directoryReceiver(into, { fsync: false });
  const send = async () => {
    const [near, far] = pipePair();
    const receiver = openSession(far, { role: 'acceptor', accept });
    const sender = openSession(near, { role: 'opener' });
    const existing: boolean[] = [];
    for await (const entry of walkTree(dir)) {
      if (entry.kind === 'file') existing.push((await sender.sendFile(entry.source)).existing);
      if (entry.kind === 'folder') {
        const { name, folder = [], modified } = entry.source;
        await acceptFolder({ name: safeName(name), folder: safeFolder(folder), ...(modified && { modified }) });
      }
    }
    await sender.close();
    await receiver.closed;
    return existing;
  };
  expect(await send()).toEqual([false, false, false]);
  expect(await send()).toEqual([true, true, true]);
  await close();
  expect(await readFile(join(into, 'tree', 'a', 'b', 'y'), 'utf8')).toBe('a/b/y');
  expect((await readdir(join(into, 'tree', 'a'))).sort()).toEqual(['b', 'empty', 'x']);
  expect((await stat(join(into, 'tree', 'a', 'b'))).mtimeMs).toBe(1_000_000_000_000);
  expect((await stat(join(into, 'tree', 'a'))).mtimeMs).toBe(1_100_000_000_000);
  if (process.platform !== 'win32') expect((await stat(join(into, 'tree', 'z'))).mode & 0o100).toBe(0o100);
});
