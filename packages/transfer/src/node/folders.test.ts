import { access, chmod, constants, mkdir, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { noControl, offerOf } from '../../test/offers.ts';
import { Receiving } from '../../test/receiving.ts';
import type { FileOffer } from '../ports.ts';
import { safeFolder, safeName } from '../safe-name.ts';
import { directoryReceiver } from './directory-receiver.ts';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let dir: string;
let receiving: Receiving;
beforeEach(async () => {
  directory = await temporaryDirectory();
  dir = join(directory.path, 'into');
  await mkdir(dir);
  receiving = new Receiving(dir);
});
afterEach(async () => {
  await receiving.close();
  await directory.remove();
});

const modified = Date.UTC(2001, 1, 3);

describe('a file in folders', () => {
  test('appears there, in folders that are made as the umask says, with its time', async () => {
    const umask = process.umask(0o027);
    try {
      const stored = await receiving.store('a/b c/ü.txt', 'text', { modified });
      expect(stored).toMatchObject({ name: 'ü.txt', path: join(dir, 'a', 'b c', 'ü.txt') });
      expect(await readFile(stored.path!, 'utf8')).toBe('text');
      expect((await stat(stored.path!)).mtimeMs).toBe(modified);
      expect((await stat(stored.path!)).mode & 0o7777).toBe(0o640);
      expect((await stat(join(dir, 'a'))).mode & 0o7777).toBe(0o750);
      expect(await readdir(dir)).toEqual(['a']);
    } finally {
      process.umask(umask);
    }
  });

  test('goes into folders that are there', async () => {
    await mkdir(join(dir, 'a', 'b'), { recursive: true });
    await writeFile(join(dir, 'a', 'b', 'old'), 'old');
    await receiving.store('a/b/new', 'new');
    expect((await readdir(join(dir, 'a', 'b'))).sort()).toEqual(['new', 'old']);
    expect(await readdir(dir)).toEqual(['a']);
  });

  test('is found there when it is sent again', async () => {
    await receiving.store('a/b/same', 'same');
    expect(await receiving.store('a/b/same', 'same')).toMatchObject({ name: 'same', existing: true });
  });

  test('goes where its folder was when it was offered, wherever that is by now', async () => {
    const { accept } = await receiving.receiver();
    const { sink } = await accept(offerOf('x', { folder: safeFolder(['a']), size: 1 }), noControl);
    await rename(join(dir, 'a'), join(dir, 'moved'));
    await sink.write(new Uint8Array(1));
    if (process.platform !== 'linux') return;
    await sink.commit();
    expect(await readdir(join(dir, 'moved'))).toEqual(['x']);
    // And the next one goes where its names lead.
    const next = await accept(offerOf('y', { folder: safeFolder(['a']), size: 0 }), noControl);
    expect(await next.sink.commit()).toMatchObject({ path: join(dir, 'a', 'y') });
    expect(await readdir(join(dir, 'moved'))).toEqual(['x']);
  });

  test('thirty at once make each folder once', async () => {
    const { accept } = await receiving.receiver();
    await Promise.all(
      Array.from({ length: 30 }, async (_, index) => {
        const folder = safeFolder(['a', `b${index % 3}`, 'c']);
        const { sink } = await accept(offerOf(`file ${index}`, { folder, size: 0 }), noControl);
        await sink.commit();
      }),
    );
    expect(await readdir(dir)).toEqual(['a']);
    expect((await readdir(join(dir, 'a'))).sort()).toEqual(['b0', 'b1', 'b2']);
    expect(await readdir(join(dir, 'a', 'b1', 'c'))).toHaveLength(10);
  });
});

describe('a folder whose name is taken', () => {
  test.each([
    ['a file', (path: string) => writeFile(path, 'mine')],
    ['a symlink to a folder', (path: string) => symlink(directory.path, path)],
  ])('by %s gets a number, and the same one the next time', async (_what, occupy) => {
    await occupy(join(dir, 'Docs'));
    const path = join(dir, 'Docs (1)', 'sub', 'x');
    expect(await receiving.store('Docs/sub/x', 'x')).toMatchObject({ path, existing: false });
    await receiving.close();
    expect(await receiving.store('Docs/sub/x', 'x')).toMatchObject({ path, existing: true });
    expect((await readdir(dir)).sort()).toEqual(['Docs', 'Docs (1)']);
    expect(await readdir(directory.path)).toEqual(['into']);
  });

  test('by one that differs in case only gets a number, on every file system, and the same one the next time', async () => {
    await mkdir(join(dir, 'docs'));
    expect(await receiving.store('Docs/x', 'x')).toMatchObject({ path: join(dir, 'Docs (1)', 'x') });
    await receiving.close();
    expect(await receiving.store('Docs/x', 'x')).toMatchObject({ path: join(dir, 'Docs (1)', 'x'), existing: true });
    expect(await receiving.store('docs/x', 'x')).toMatchObject({ path: join(dir, 'docs', 'x'), existing: false });
  });

  test('by itself in another Unicode form is itself', async () => {
    await mkdir(join(dir, 'e\u0301'));
    await receiving.store('\u00e9/x', 'x');
    expect(await readdir(dir)).toEqual(['e\u0301']);
    expect(await readdir(join(dir, 'e\u0301'))).toEqual(['x']);
  });

  test('keeps what looks like an extension before the number', async () => {
    await writeFile(join(dir, 'v1.2'), 'mine');
    expect(await receiving.store('v1.2/x', 'x')).toMatchObject({ path: join(dir, 'v1.2 (1)', 'x') });
  });
});

describe('a folder that is sent', () => {
  const offer = (path: string, rest = {}) => {
    const folder = path.split('/');
    return { name: safeName(folder.pop()!), folder: safeFolder(folder), ...rest };
  };

  test('is made, also empty, and has its time, whatever was put into it before', async () => {
    const { acceptFolder } = await receiving.receiver();
    await receiving.store('a/b/x', 'x');
    expect(await acceptFolder(offer('a/empty'))).toEqual({ name: 'empty' });
    expect(await acceptFolder(offer('a/b', { modified }))).toEqual({ name: 'b' });
    expect(await acceptFolder(offer('a', { modified: modified + 5_000 }))).toEqual({ name: 'a' });
    expect((await stat(join(dir, 'a', 'b'))).mtimeMs).toBe(modified);
    expect((await stat(join(dir, 'a'))).mtimeMs).toBe(modified + 5_000);
    expect((await readdir(join(dir, 'a'))).sort()).toEqual(['b', 'empty']);
  });

  test('is told under the name that its files got', async () => {
    await mkdir(join(dir, 'A'));
    await receiving.store('a/x', 'x');
    const { acceptFolder } = await receiving.receiver();
    expect(await acceptFolder(offer('a', { modified }))).toEqual({ name: 'a (1)' });
    expect((await stat(join(dir, 'a (1)'))).mtimeMs).toBe(modified);
  });

  test('is refused where a file is not', async () => {
    const { acceptFolder, accept } = await receiving.receiver({ windowsNames: true });
    await expect(acceptFolder(offer('a/what?'))).rejects.toMatchObject({ code: 'BAD_NAME' });
    const inside = offerOf('a', { folder: safeFolder(['what?']) });
    await expect(accept(inside, noControl)).rejects.toMatchObject({ code: 'BAD_NAME' });
    expect(await readdir(dir)).toEqual([]);
  });
});

describe.skipIf(process.platform === 'win32')('the executable bit', () => {
  const modeOf = async (name: string) => (await stat(join(dir, name))).mode & 0o7777;

  test('is set as the umask allows, and nothing else is', async () => {
    const umask = process.umask(0o023);
    try {
      await receiving.store('run', 'x', { executable: true });
      await receiving.store('read', 'x', { executable: false });
      await receiving.store('old', 'x');
      expect([await modeOf('run'), await modeOf('read'), await modeOf('old')]).toEqual([0o754, 0o644, 0o644]);
    } finally {
      process.umask(umask);
    }
  });

  test('is set on the identical file that is there; nothing is taken away, and no wish to leave it alone is overruled', async () => {
    const offered = async (name: string, options: Partial<FileOffer>) => {
      const { accept } = await directoryReceiver(dir, { allowedOnConflict: ['rename', 'skip'] });
      const { sink } = await accept({ ...offerOf(name), size: 1, ...options }, noControl);
      expect(await sink.commit()).toMatchObject({ existing: true });
      return modeOf(name);
    };
    for (const name of ['gets', 'keeps', 'left']) await writeFile(join(dir, name), 'x', { mode: 0o644 });
    expect(await offered('gets', { executable: true })).toBe(0o755);
    expect(await offered('gets', { executable: false })).toBe(0o755);
    expect(await offered('keeps', {})).toBe(0o644);
    expect(await offered('left', { executable: true, onConflict: 'skip' })).toBe(0o644);
  });

  test.each([
    [true, 0o755],
    [false, 0o644],
  ])('is that of the last offer when a transfer is gone on with: %s', async (executable, mode) => {
    const umask = process.umask(0o022);
    try {
      const { accept } = await receiving.receiver();
      const rest = { size: 200_000, resumeKey: 'key' };
      const first = await accept(offerOf('x', { ...rest, executable: !executable }), noControl);
      await first.sink.write(new Uint8Array(100_000));
      await first.sink.discard({ keepPartial: true });
      const { sink, offset } = await accept(offerOf('x', { ...rest, executable }), noControl);
      expect(offset).toBe(100_000);
      await sink.write(new Uint8Array(100_000));
      await sink.commit();
      expect(await modeOf('x')).toBe(mode);
    } finally {
      process.umask(umask);
    }
  });

  test('a directory that may be written to but not read takes files all the same', async () => {
    await chmod(directory.path, 0o755);
    await chmod(dir, 0o733);
    const root = process.geteuid?.() === 0;
    if (root) process.seteuid?.(65_534);
    try {
      await expect(access(dir, constants.R_OK).then(() => readdir(dir))).rejects.toMatchObject({ code: 'EACCES' });
      expect(await receiving.store('x', 'x')).toMatchObject({ name: 'x' });
      expect(await receiving.store('x', 'y')).toMatchObject({ name: 'x (1)' });
    } finally {
      if (root) process.seteuid?.(0);
    }
  });
});
