import { randomBytes } from 'node:crypto';
import { readdir, readFile, rename, stat, symlink, unlink, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FileSource, openSession, pipePair, type Session, type StoredFile } from '../index.ts';
import { directoryReceiver } from './directory-receiver.ts';
import { pathSource } from './path-source.ts';
import { crowdThread, joinCrowd, readAside, storeAside } from './small-files.ts';
import { walkTree } from './walk-tree.ts';

const COUNT = 40;

let from: Awaited<ReturnType<typeof temporaryDirectory>>;
let into: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeEach(async () => {
  from = await temporaryDirectory();
  into = await temporaryDirectory();
});
afterEach(async () => {
  await from.remove();
  await into.remove();
});

async function withSession<T>(work: (session: Session) => Promise<T>): Promise<T> {
  const [near, far] = pipePair();
  const { accept, close } = await directoryReceiver(into.path);
  const receiver = openSession(far, { role: 'acceptor', accept });
  try {
    return await work(openSession(near, { role: 'opener' }));
  } finally {
    await receiver.close();
    await close();
  }
}

/** All at once: a crowd. */
async function sendAll(paths: readonly string[]): Promise<StoredFile[]> {
  const sources = await Promise.all(paths.map((path) => pathSource(path)));
  return withSession((session) =>
    Promise.all(sources.map((source, index) => session.sendFile(source, index % 2 ? { digest: 'sha256' } : {}))),
  );
}

const thread = () => {
  const leave = Array.from({ length: 4 }, joinCrowd);
  const found = crowdThread()!;
  for (const one of leave) one();
  return found;
};

describe('a crowd of small files', () => {
  const contents = Array.from({ length: COUNT }, (_, index) => randomBytes(index * 1700));
  const paths = () => contents.map((_, index) => join(from.path, `f${index}`));
  beforeEach(async () => {
    for (const [index, path] of paths().entries()) {
      await writeFile(path, contents[index]!);
      await utimes(path, 1_000_000_000, 1_000_000_000 + index);
    }
  });

  test('arrives whole, with times, and leaves nothing else', async () => {
    const stored = await sendAll(paths());
    expect(await readdir(into.path)).toHaveLength(COUNT);
    for (const [index, { path, size, existing }] of stored.entries()) {
      expect([size, existing]).toEqual([contents[index]!.length, false]);
      expect(Buffer.compare(await readFile(join(into.path, path!)), contents[index]!)).toBe(0);
      expect((await stat(join(into.path, path!))).mtimeMs).toBe((1_000_000_000 + index) * 1000);
      expect((await stat(join(into.path, path!))).nlink).toBe(1);
    }
  });

  test('sent again is there already, and of other content gets a number', async () => {
    await sendAll(paths());
    await writeFile(paths()[7]!, 'something else');
    const again = await sendAll(paths());
    expect(again.map(({ existing }) => existing)).toEqual(contents.map((_, index) => index !== 7));
    expect(again[7]).toMatchObject({ name: 'f7 (1)', size: 14 });
    expect(await readdir(into.path)).toHaveLength(COUNT + 1);
  });

  test('of which all have the same name is stored once for the same content, and numbered for the others', async () => {
    const stored = await withSession((session) =>
      Promise.all(
        contents.map(async (_, index) => {
          const source = await pathSource(paths()[index % 10]!);
          return session.sendFile({ ...source, name: 'same' });
        }),
      ),
    );
    const names = await readdir(into.path);
    expect(names).toHaveLength(10);
    expect(new Set(stored.map(({ name }) => name))).toEqual(new Set(names));
    const bytes = await Promise.all(names.map((name) => readFile(join(into.path, name))));
    expect(new Set(bytes.map((content) => content.toString('hex')))).toEqual(
      new Set(contents.slice(0, 10).map((content) => content.toString('hex'))),
    );
  });

  test('one of which was changed after it was named arrives as it is by then', async () => {
    const sources = await Promise.all(paths().map((path) => pathSource(path)));
    await writeFile(paths()[9]!, 'changed');
    await withSession((session) => Promise.all(sources.map((each) => session.sendFile(each))));
    expect(await readdir(into.path)).toHaveLength(COUNT);
    expect(await readFile(join(into.path, 'f9'), 'utf8')).toBe('changed');
  });
});

test('of a crowd below a folder each is the very file that was found: a symlink in its place is SOURCE_CHANGED, another file is sent as what it is', async () => {
  const paths = Array.from({ length: COUNT }, (_, index) => join(from.path, `file ${index}`));
  const at = new Date(1e12);
  for (const path of paths) {
    await writeFile(path, 'abc');
    await utimes(path, at, at);
  }
  const files: FileSource[] = [];
  for await (const entry of walkTree(from.path)) if (entry.kind === 'file') files.push(entry.source);
  const [linked, replaced] = paths;
  await unlink(linked!);
  await symlink(paths[2]!, linked!);
  // As before in all but which file it is.
  await writeFile(`${replaced}.new`, 'xyz');
  await utimes(`${replaced}.new`, at, at);
  await rename(`${replaced}.new`, replaced!);
  const outcomes = await withSession((session) => Promise.allSettled(files.map((each) => session.sendFile(each))));
  expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([
    { status: 'rejected', reason: expect.objectContaining({ code: 'SOURCE_CHANGED', side: 'local' }) },
  ]);
  const arrived = join(into.path, basename(from.path), basename(replaced!));
  expect(await readFile(arrived, 'utf8')).toBe('xyz');
});

describe('the thread for small files', () => {
  test('reads a file with room in front of it, and rejects as the system does', async () => {
    const path = join(from.path, 'a');
    await writeFile(path, 'abc');
    const { bytes, before, after } = await readAside(thread(), path, 3, { headroomBytes: 16, follow: true });
    expect([new TextDecoder().decode(bytes), bytes.byteOffset, before]).toEqual(['abc', 16, after]);
    const how = { headroomBytes: 16, follow: false };
    await expect(readAside(thread(), join(from.path, 'none'), 3, how)).rejects.toMatchObject({ code: 'ENOENT' });
    await symlink(path, join(from.path, 'link'));
    await expect(readAside(thread(), join(from.path, 'link'), 3, how)).rejects.toMatchObject({ code: 'ELOOP' });
  });

  test('stores nothing over a name that is taken, and leaves nothing behind', async () => {
    const path = join(into.path, 'a');
    await writeFile(path, 'mine');
    const file = { temporary: join(into.path, 't'), path, bytes: new Uint8Array(9), modified: undefined, fsync: true };
    expect(await storeAside(thread(), file)).toBe(false);
    expect(await readdir(into.path)).toEqual(['a']);
    expect(await readFile(path, 'utf8')).toBe('mine');
  });
});
