import { type FileHandle, open, readdir } from 'node:fs/promises';
import { temporaryDirectory } from '@wsferry/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { noControl, offerOf } from '../../test/offers.ts';
import { deferred } from '../../test/raw-peer.ts';
import { type DirectoryReceiverOptions, directoryReceiver } from './directory-receiver.ts';
import { FolderTree } from './folder-tree.ts';

// No test can cut the power. What one can see is the order in which the kernel is asked, at the call where it is asked:
// the bytes of a file before it has its name, the names before anybody is told.

type Sync = (what: 'file' | 'directory') => Promise<void>;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let dir: string;
let sync: Sync;
beforeEach(async () => {
  directory = await temporaryDirectory();
  dir = directory.path;
  const probe = await open(dir, 'r');
  const prototype: FileHandle = Object.getPrototypeOf(probe);
  await probe.close();
  vi.spyOn(prototype, 'sync').mockImplementation(async function (this: FileHandle) {
    await sync((await this.stat()).isDirectory() ? 'directory' : 'file');
  });
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
