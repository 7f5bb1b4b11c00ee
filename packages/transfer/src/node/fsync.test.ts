import { type FileHandle, mkdir, open, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { noControl, offerOf } from '../../test/offers.ts';
import { deferred } from '../../test/raw-peer.ts';
import type { FileSink } from '../ports.ts';
import { safeFolder, safeName } from '../safe-name.ts';
import { type DirectoryReceiverOptions, directoryReceiver } from './directory-receiver.ts';
import { FolderHandle } from './folder-handle.ts';
import { FolderTree } from './folder-tree.ts';

// No test can cut the power. What one can see is the order in which the kernel is asked, at the call where it is asked:
// the bytes of a file before it has its name, the names before anybody is told.

type Sync = (what: 'file' | 'directory') => Promise<void>;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let dir: string;
let sync: Sync;
let synced: bigint[];
beforeEach(async () => {
  directory = await temporaryDirectory();
  dir = directory.path;
  const probe = await open(dir, 'r');
  const prototype: FileHandle = Object.getPrototypeOf(probe);
  await probe.close();
  for (const call of ['sync', 'datasync'] as const) {
    vi.spyOn(prototype, call).mockImplementation(async function (this: FileHandle) {
      const { ino } = await this.stat({ bigint: true });
      synced.push(ino);
      await sync((await this.stat()).isDirectory() ? 'directory' : 'file');
    });
  }
  synced = [];
});
afterEach(async () => {
  vi.restoreAllMocks();
  await directory.remove();
});

async function begin(name: string, options?: DirectoryReceiverOptions) {
  const { accept } = await directoryReceiver(dir, options);
  const { sink } = await accept(offerOf(name), noControl);
  await sink.write(new TextEncoder().encode(name));
  return sink;
}

const failing = (code: string) => Object.assign(new Error(code), { code });

describe('a file that counts as stored survives a power cut', () => {
  test('its bytes are synced before it has its name, the name before commit resolves', async () => {
    const asked: string[] = [];
    const gate = deferred();
    const atGate = deferred();
    sync = async (what) => {
      asked.push(`${what}: ${(await readdir(dir)).filter((name) => name !== '.wsferry')}`);
      if (what === 'file') return;
      atGate.resolve();
      await gate.promise;
    };
    let told = false;
    const committing = (await begin('a')).commit().then(() => {
      told = true;
    });
    await atGate.promise;
    expect(asked).toEqual(['file: ', 'directory: a']);
    expect(told).toBe(false);
    gate.resolve();
    await committing;
  });

  test('one that was there is synced as well, and its name: whoever wrote it may not have waited for the disk', async () => {
    await writeFile(join(dir, 'a'), 'a');
    const asked: string[] = [];
    sync = async (what) => void asked.push(what);
    const { accept } = await directoryReceiver(dir);
    const { sink, offset } = await accept({ ...offerOf('a'), size: 1 }, noControl);
    expect(offset).toBe(1);
    expect(await sink.commit()).toMatchObject({ existing: true });
    expect(asked).toEqual(['file', 'directory']);
    expect(synced[0]).toBe((await stat(join(dir, 'a'), { bigint: true })).ino);
  });

  test('when its bytes cannot be synced it fails, and gets no name', async () => {
    sync = (what) => (what === 'file' ? Promise.reject(failing('EIO')) : Promise.resolve());
    await expect((await begin('a')).commit()).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    expect(await readdir(dir)).toEqual([]);
  });

  test('a file system that cannot sync directories is taken as it is; one that fails to is not', async () => {
    sync = (what) => (what === 'directory' ? Promise.reject(failing('EINVAL')) : Promise.resolve());
    expect(await (await begin('a')).commit()).toMatchObject({ name: 'a' });
    sync = (what) => (what === 'directory' ? Promise.reject(failing('EIO')) : Promise.resolve());
    await expect((await begin('b')).commit()).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
  });

  test('files that finish while names are synced share the next sync, and do not count on the one that runs', async () => {
    const gates = [deferred(), deferred()];
    const atGate = [deferred(), deferred()];
    let syncs = 0;
    sync = async (what) => {
      if (what === 'file') return;
      const mine = syncs++;
      atGate[mine]!.resolve();
      await gates[mine]!.promise;
    };
    const folder = await new FolderTree(dir, true).use([]);
    const told: string[] = [];
    const name = (who: string) => folder.syncNames().then(() => told.push(who));
    const first = name('a');
    await atGate[0]!.promise;
    const others = [name('b'), name('c'), name('d')];
    gates[0]!.resolve();
    await first;
    await atGate[1]!.promise;
    expect(told).toEqual(['a']);
    gates[1]!.resolve();
    await Promise.all(others);
    expect(syncs).toBe(2);
  });

  test('unless the user traded that for speed', async () => {
    sync = () => Promise.reject(failing('must not be asked'));
    expect(await (await begin('a', { fsync: false })).commit()).toMatchObject({ name: 'a' });
  });
});

const inode = async (...path: string[]) => (await stat(join(dir, ...path), { bigint: true })).ino;

describe('the folders of a file that counts as stored survive a power cut', () => {
  test('the names of those that were made are synced before commit resolves, each in the folder above it', async () => {
    sync = async () => {};
    await mkdir(join(dir, 'there'));
    const { accept } = await directoryReceiver(dir);
    const folder = safeFolder(['there', 'made', 'also made']);
    const { sink } = await accept(offerOf('a', { folder }), noControl);
    await sink.commit();
    expect(synced).toContain(await inode('there'));
    expect(synced).toContain(await inode('there', 'made'));
    expect(synced).toContain(await inode('there', 'made', 'also made'));
    expect(synced).not.toContain(await inode());
  });

  test('a name that cannot be synced fails the file', async () => {
    const { accept } = await directoryReceiver(dir);
    sync = (what) => (what === 'directory' ? Promise.reject(failing('EIO')) : Promise.resolve());
    const { sink } = await accept(offerOf('a', { folder: safeFolder(['made']) }), noControl);
    await expect(sink.commit()).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
  });

  test('so does a folder that is sent', async () => {
    sync = async () => {};
    const { acceptFolder } = await directoryReceiver(dir);
    await acceptFolder({ name: safeName('empty'), folder: [], modified: 1 });
    expect(synced.sort()).toEqual([await inode(), await inode('empty')].sort());
  });
});

describe('bytes that are acknowledged', () => {
  const offer = offerOf('a', { size: 200_000, resumeKey: 'key' });
  const half = () => new Uint8Array(100_000);

  test('are not synced by default', async () => {
    sync = () => Promise.reject(failing('must not be asked'));
    const { accept } = await directoryReceiver(dir);
    const { sink } = await accept(offer, noControl);
    await sink.write(half());
    await sink.flush!();
    await sink.discard({ keepPartial: true });
  });

  test('durable: are synced, and at the first time the names that lead to them', async () => {
    sync = async () => {};
    const { accept } = await directoryReceiver(dir, { durable: true });
    const { sink } = await accept(offer, noControl);
    const [part] = (await readdir(join(dir, '.wsferry'))).filter((name) => name.endsWith('.part'));
    const file = await inode('.wsferry', part!);
    await sink.write(half());
    await sink.flush!();
    expect(synced).toEqual([file, await inode('.wsferry'), await inode()]);
    await sink.write(half().subarray(0, 1));
    await sink.flush!();
    expect(synced.slice(3)).toEqual([file]);
    await sink.discard();
  });

  test.each([
    ['acknowledged', 'durable', (sink: FileSink) => sink.flush!()],
    ['named', 'fsync', (sink: FileSink) => sink.commit()],
  ] as const)('and that the disk did not take when they were to be %s are not kept', async (_when, option, ask) => {
    // Linux may have forgotten them, and says that all is well when it is asked again.
    const { accept } = await directoryReceiver(dir, { [option]: true });
    const { sink } = await accept(offer, noControl);
    await sink.write(half());
    sync = (what) => (what === 'file' ? Promise.reject(failing('EIO')) : Promise.resolve());
    await expect(ask(sink)).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    await sink.discard({ keepPartial: true });
    expect(await readdir(dir)).toEqual([]);
  });

  test('are kept when there is no room for their name', async () => {
    sync = async () => {};
    const { accept } = await directoryReceiver(dir);
    const { sink } = await accept(offer, noControl);
    await sink.write(half());
    await sink.write(half());
    vi.spyOn(FolderHandle.prototype, 'link').mockRejectedValueOnce(failing('ENOSPC'));
    await expect(sink.commit()).rejects.toMatchObject({ code: 'NO_SPACE' });
    const next = await accept(offer, noControl);
    expect(next.offset).toBe(200_000);
    expect(await next.sink.commit()).toMatchObject({ name: 'a', size: 200_000 });
  });
});
