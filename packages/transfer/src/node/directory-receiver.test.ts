import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { noControl, offerOf } from '../../test/offers.ts';
import type { FileOffer } from '../ports.ts';
import { type DirectoryReceiver, directoryReceiver } from './directory-receiver.ts';
import { storageError } from './file-errors.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const md5 = (data: Uint8Array) => createHash('md5').update(data).digest('hex');

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let dir: string;
beforeEach(async () => {
  directory = await temporaryDirectory();
  dir = directory.path;
});
const receivers: DirectoryReceiver[] = [];
const closeReceivers = () => Promise.all(receivers.splice(0).map((receiver) => receiver.close()));
afterEach(async () => {
  await closeReceivers();
  await directory.remove();
});

async function accept(name: string, rest: Partial<FileOffer> = {}) {
  const receiver = await directoryReceiver(dir);
  receivers.push(receiver);
  return receiver.accept(offerOf(name, rest), noControl);
}

async function store(name: string, content: string, rest: Partial<FileOffer> = {}) {
  const { sink } = await accept(name, rest);
  await sink.write(bytes(content));
  return sink.commit();
}

describe('a directory as receiver', () => {
  test('shows a file under its name only when it is committed, and leaves nothing else', async () => {
    const { sink } = await accept('note.txt', { size: 11, modified: Date.UTC(2001, 1, 3) });
    await sink.write(bytes('hello '));
    expect(await readdir(dir)).toEqual(['.wsferry']);
    await sink.write(bytes('world'));
    expect(await sink.digest()).toBe(md5(bytes('hello world')));
    const path = join(dir, 'note.txt');
    expect(await sink.commit()).toEqual({
      name: 'note.txt',
      path,
      toldPath: 'note.txt',
      size: 11,
      digest: md5(bytes('hello world')),
      algorithm: 'md5',
      existing: false,
    });
    expect(await readdir(dir)).toEqual(['note.txt']);
    expect(await readFile(path, 'utf8')).toBe('hello world');
    expect((await stat(path)).mtimeMs).toBe(Date.UTC(2001, 1, 3));
    expect((await stat(path)).nlink).toBe(1);
  });

  test('takes long files in odd pieces, in the order they come', async () => {
    const data = Uint8Array.from({ length: 3_000_001 }, (_, index) => (index * 7 + (index >> 9)) & 0xff);
    const { sink } = await accept('long.bin');
    for (let at = 0; at < data.length; at += 99_991) await sink.write(data.subarray(at, at + 99_991));
    expect((await sink.commit()).digest).toBe(md5(data));
    expect(Buffer.compare(await readFile(join(dir, 'long.bin')), data)).toBe(0);
  });

  test('never overwrites: other content gets a number', async () => {
    expect((await store('a.txt', 'one')).name).toBe('a.txt');
    expect((await store('a.txt', 'two')).name).toBe('a (1).txt');
    expect((await store('a.txt', 'three')).name).toBe('a (2).txt');
    expect(await readFile(join(dir, 'a.txt'), 'utf8')).toBe('one');
  });

  test('takes names that only Windows cannot hold, except on Windows or when told so', async () => {
    const offer = offerOf('what?.txt');
    const elsewhere = await directoryReceiver(dir, { windowsNames: false });
    if (process.platform !== 'win32') {
      await (await elsewhere.accept(offer, noControl)).sink.commit();
      expect(await readdir(dir)).toEqual(['what?.txt']);
    }
    const windows = await directoryReceiver(dir, { windowsNames: true });
    await expect(windows.accept(offer, noControl)).rejects.toMatchObject({ code: 'BAD_NAME' });
    await (await windows.accept(offerOf('what.txt'), noControl)).sink.discard();
  });

  test('offers the identical file as already stored, and keeps it', async () => {
    await store('a.txt', 'same');
    const again = await accept('a.txt', { size: 4 });
    expect(again).toMatchObject({ offset: 4, prefixDigest: md5(bytes('same')) });
    expect(await again.sink.digest()).toBe(md5(bytes('same')));
    expect(await again.sink.commit()).toMatchObject({ name: 'a.txt', size: 4, existing: true });
    expect(await readdir(dir)).toEqual(['a.txt']);
  });

  test('finds at the end that a stream of unknown length, or a file with a number, is there already', async () => {
    await store('a.txt', 'one!');
    await store('a.txt', 'two!');
    expect(await store('a.txt', 'two!')).toMatchObject({ name: 'a (1).txt', existing: true });
    expect((await readdir(dir)).sort()).toEqual(['a (1).txt', 'a.txt']);
  });

  test('starts a fresh file when the sender of the same size has other bytes', async () => {
    await store('a.txt', 'same');
    const { sink, offset } = await accept('a.txt', { size: 4 });
    expect(offset).toBe(4);
    await sink.restart();
    await sink.write(bytes('diff'));
    expect(await sink.commit()).toMatchObject({ name: 'a (1).txt', existing: false, digest: md5(bytes('diff')) });
    expect(await readFile(join(dir, 'a.txt'), 'utf8')).toBe('same');
  });

  test('does not call a file identical that was changed while it was being proven', async () => {
    await store('a.txt', 'same');
    const { sink } = await accept('a.txt', { size: 4 });
    await writeFile(join(dir, 'a.txt'), 'else');
    await expect(sink.commit()).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
  });

  test('restart forgets what was written', async () => {
    const { sink } = await accept('a.txt');
    await sink.write(bytes('a long beginning'));
    await sink.restart();
    await sink.write(bytes('short'));
    expect(await sink.commit()).toMatchObject({ size: 5, digest: md5(bytes('short')) });
    expect(await readFile(join(dir, 'a.txt'), 'utf8')).toBe('short');
  });

  test('discard leaves nothing behind', async () => {
    const { sink } = await accept('a.txt', { size: 1_000_000 });
    await sink.write(new Uint8Array(500_000));
    await sink.discard();
    await sink.discard();
    expect(await readdir(dir)).toEqual([]);
  });

  test('does not follow a symlink planted at the final name', async () => {
    const outside = await temporaryDirectory();
    const target = join(outside.path, 'target');
    await writeFile(target, 'mine');
    await symlink(target, join(dir, 'a.txt'));
    await symlink(join(outside.path, 'dangling'), join(dir, 'b.txt'));
    const first = await accept('a.txt', { size: 4 });
    expect(first).not.toHaveProperty('offset');
    await first.sink.discard();
    expect((await store('a.txt', 'mine')).name).toBe('a (1).txt');
    expect((await store('b.txt', 'mine')).name).toBe('b (1).txt');
    expect(await readdir(outside.path)).toEqual(['target']);
    expect(await readlink(join(dir, 'a.txt'))).toBe(target);
    await outside.remove();
  });

  test('refuses a `.wsferry` that is a symlink or a file', async () => {
    const outside = await temporaryDirectory();
    await symlink(outside.path, join(dir, '.wsferry'));
    await expect(accept('a.txt')).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    expect(await readdir(outside.path)).toEqual([]);
    await outside.remove();
  });

  test('a directory or anything else of that name counts as taken', async () => {
    await mkdir(join(dir, 'a.txt'));
    expect((await store('a.txt', 'x', { size: 1 })).name).toBe('a (1).txt');
  });

  test('fifty senders of one name never mix', async () => {
    const receiver = await directoryReceiver(dir, { fsync: false });
    const stored = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const text = `content ${index % 25}`.repeat(1000);
        const { sink } = await receiver.accept(offerOf('a.txt', { id: index + 1 }), noControl);
        for (let at = 0; at < text.length; at += 1000) await sink.write(bytes(text.slice(at, at + 1000)));
        return { text, file: await sink.commit() };
      }),
    );
    for (const { text, file } of stored) expect(await readFile(file.path!, 'utf8')).toBe(text);
    expect(stored.filter(({ file }) => !file.existing).length).toBe((await readdir(dir)).length);
    expect(await readdir(dir)).not.toContain('.wsferry');
  });

  test('that is missing or no directory is refused, and nothing is made', async () => {
    await expect(directoryReceiver(join(dir, 'none'))).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      message: expect.stringContaining('there is no such directory'),
    });
    await writeFile(join(dir, 'file'), '');
    await expect(directoryReceiver(join(dir, 'file'))).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    expect(await readdir(dir)).toEqual(['file']);
  });

  test('that is removed while it is used says that it is gone, and takes files again when it is back', async () => {
    const into = join(dir, 'into');
    await mkdir(into);
    const receiver = await directoryReceiver(into);
    const offer = offerOf('a.txt', { size: 4 });
    const gone = { code: 'STORAGE_FAILED', message: 'the file could not be stored: the receiving folder is gone' };
    const { sink } = await receiver.accept(offer, noControl);
    await sink.write(bytes('lost'));
    await rm(into, { recursive: true });
    await expect(sink.commit()).rejects.toMatchObject(gone);
    await expect(receiver.accept(offer, noControl)).rejects.toMatchObject(gone);
    await expect(receiver.accept({ ...offer, size: undefined } as never, noControl)).rejects.toMatchObject(gone);
    await mkdir(into);
    const again = await receiver.accept(offer, noControl);
    await again.sink.write(bytes('here'));
    expect(await again.sink.commit()).toMatchObject({ name: 'a.txt' });
  });

  test('refuses at once what the disk cannot hold', async () => {
    await expect(accept('huge', { size: Number.MAX_SAFE_INTEGER })).rejects.toMatchObject({ code: 'NO_SPACE' });
    expect(await readdir(dir)).toEqual([]);
  });
});

/** Root may write anywhere, so a test of permissions steps down for a while. */
async function unprivileged(work: () => Promise<void>): Promise<void> {
  if (process.geteuid?.() !== 0) return work();
  process.seteuid?.(65_534);
  try {
    await work();
  } finally {
    process.seteuid?.(0);
  }
}

test.skipIf(process.platform === 'win32')(
  'a read-only directory is refused as FORBIDDEN, before and while it is used',
  async () => {
    const into = join(dir, 'into');
    await mkdir(into);
    await chmod(dir, 0o755);
    await chmod(into, 0o777);
    const receiver = await directoryReceiver(into);
    await chmod(into, 0o555);
    await unprivileged(async () => {
      const sentence = expect.stringMatching(/permission denied|not permitted/);
      // access(2) asks for the real user, which a test that runs as root cannot change back.
      if (process.getuid?.() !== 0)
        await expect(directoryReceiver(into)).rejects.toMatchObject({ code: 'FORBIDDEN', message: sentence });
      const offer = offerOf('a.txt');
      await expect(receiver.accept(offer, noControl)).rejects.toMatchObject({ code: 'FORBIDDEN', message: sentence });
    });
    expect(await readdir(into)).toEqual([]);
  },
);

test.each([
  ['ENOSPC', 'NO_SPACE'],
  ['EDQUOT', 'NO_SPACE'],
  ['EROFS', 'FORBIDDEN'],
  ['EACCES', 'FORBIDDEN'],
  ['EPERM', 'FORBIDDEN'],
  ['ENAMETOOLONG', 'BAD_NAME'],
  ['EIO', 'STORAGE_FAILED'],
  ['ENXIO', 'STORAGE_FAILED'],
])('the disk’s %s is told as %s, with no path in it', (system, code) => {
  const cause = Object.assign(new Error(`${system}: no, write '/secret/place'`), { code: system });
  const error = storageError(cause);
  expect(error).toMatchObject({ code, cause });
  expect(error.message).not.toContain('/secret');
});
