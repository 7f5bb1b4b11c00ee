import { createHash, randomBytes } from 'node:crypto';
import {
  appendFile,
  type FileHandle,
  link,
  open,
  readdir,
  readFile,
  rename,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { md5 } from '../../test/plain-sender.ts';
import { content, modified, part, Receiving } from '../../test/receiving.ts';
import type { Accepted, FileOffer } from '../ports.ts';
import { FolderHandle } from './folder-handle.ts';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let dir: string;
let receiving: Receiving;
beforeEach(async () => {
  directory = await temporaryDirectory();
  dir = directory.path;
  receiving = new Receiving(dir);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await receiving.close();
  await directory.remove();
});

const begin: Receiving['begin'] = (...how) => receiving.begin(...how);
const interrupted: Receiving['interrupted'] = (...how) => receiving.interrupted(...how);

async function finish({ sink, offset = 0 }: Accepted): Promise<void> {
  await sink.write(part(offset));
  expect(await sink.digest()).toBe(md5(content));
  expect(await sink.commit()).toMatchObject({ name: 'a.bin', size: content.length, existing: false });
  expect(await readdir(dir)).toEqual(['a.bin']);
  expect(Buffer.compare(await readFile(join(dir, 'a.bin')), content)).toBe(0);
}

/** Where the one partial file lies. */
async function partial(): Promise<string> {
  const partials = (await readdir(join(dir, '.wsferry'))).filter((name) => name.endsWith('.part'));
  expect(partials).toHaveLength(1);
  return join(dir, '.wsferry', partials[0]!);
}

describe('an interrupted transfer', () => {
  test('is gone on with also by a sender that now offers another digest: it is read again for that', async () => {
    await interrupted(300_000);
    const { sink, offset, prefixDigest, digest } = await begin({ digest: 'sha256' });
    const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
    expect([offset, prefixDigest, digest]).toEqual([300_000, sha256(content.subarray(0, 300_000)), 'sha256']);
    await sink.write(part(300_000));
    expect(await sink.commit()).toMatchObject({ digest: sha256(content), algorithm: 'sha256', existing: false });
  });

  test('is gone on with where it broke off, and leaves nothing else in the end', async () => {
    await interrupted(200_000);
    expect(await readdir(dir)).toEqual(['.wsferry']);
    const next = await begin();
    expect(next).toMatchObject({ offset: 200_000, prefixDigest: md5(content.subarray(0, 200_000)) });
    expect(next).not.toHaveProperty('restarted');
    await finish(next);
    expect((await stat(join(dir, 'a.bin'))).mtimeMs).toBe(modified);
  });

  test('is not lost when it cannot be opened just now, for want of descriptors', async () => {
    await interrupted(200_000);
    const { open: really } = FolderHandle.prototype;
    const opening = vi.spyOn(FolderHandle.prototype, 'open').mockImplementation(function (this: FolderHandle, ...how) {
      if (how[0].endsWith('.part')) throw Object.assign(new Error('EMFILE'), { code: 'EMFILE' });
      return really.call(this, ...how);
    });
    await expect(begin()).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    opening.mockRestore();
    const next = await begin();
    expect(next).toMatchObject({ offset: 200_000 });
    await finish(next);
  });

  test('is gone on with as often as it breaks off', async () => {
    await interrupted(100_000);
    for (const bytes of [100_000, 150_000, 300_000]) {
      const { sink, offset, prefixDigest } = await begin();
      expect(prefixDigest).toBe(md5(content.subarray(0, offset)));
      await sink.write(part(offset!, bytes + 50_000));
      await sink.discard({ keepPartial: true });
    }
    await finish(await begin());
  });

  test('is not read again by the process that wrote it, and is by another', async () => {
    await interrupted(200_000);
    const probe = await open(dir, 'r');
    const prototype: FileHandle = Object.getPrototypeOf(probe);
    await probe.close();
    const read = vi.spyOn(prototype, 'read');
    await (await begin()).sink.discard({ keepPartial: true });
    expect(read).not.toHaveBeenCalled();
    // The same bytes, but no longer the file that was written here: as if another process had.
    const path = await partial();
    await writeFile(`${path}.new`, await readFile(path));
    await rename(`${path}.new`, path);
    expect(await begin()).toMatchObject({ restarted: 'PARTIAL_CHANGED' });
  });

  test.each([
    ['without a resume key', { resumeKey: undefined }, {}],
    ['of a small file', { size: 65_536 }, {}],
    ['when nothing is to be kept', {}, { keepPartialsMs: 0 }],
  ])('%s leaves nothing', async (_which, rest, options) => {
    await interrupted(50_000, rest as Partial<FileOffer>, options);
    expect(await readdir(dir)).toEqual([]);
  });

  test('that had stored nothing leaves nothing', async () => {
    await interrupted(0);
    expect(await readdir(dir)).toEqual([]);
  });

  test('whose bytes are known to be wrong leaves nothing', async () => {
    const { sink } = await begin();
    await sink.write(part(0, 100_000));
    await sink.discard({ keepPartial: false });
    expect(await readdir(dir)).toEqual([]);
  });

  test('of unknown size is gone on with', async () => {
    const stream = { size: undefined, modified: undefined } as never;
    await interrupted(200_000, stream);
    const next = await begin(stream);
    expect(next.offset).toBe(200_000);
    await finish(next);
  });

  test.each([
    ['another resume key', { resumeKey: 'other' }],
    ['another name', { name: 'b.bin' }],
  ])('is not found by %s', async (_which, rest) => {
    await interrupted(200_000);
    expect(await begin(rest as Partial<FileOffer>)).not.toHaveProperty('offset');
  });

  test('takes no more than was declared', async () => {
    await interrupted(200_000);
    const { sink } = await begin();
    await expect(sink.write(part(0, 300_001))).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
    await sink.discard();
  });
});

describe('a transfer begins anew, and says why', () => {
  test.each([
    ['size', { size: content.length - 1 }],
    ['modification time', { modified: modified + 1 }],
  ])('when the source has another %s', async (_which, changed) => {
    await interrupted(200_000);
    const next = await begin(changed);
    expect(next.restarted).toBe('SOURCE_CHANGED');
    expect(next.offset ?? 0).toBe(0);
    await next.sink.write(part(0, 100_000));
    await next.sink.discard({ keepPartial: true });
    // What it is a part of now is the changed one.
    const again = await begin(changed);
    expect(again).toMatchObject({ offset: 100_000, prefixDigest: md5(content.subarray(0, 100_000)) });
    await again.sink.discard();
  });

  test.each([
    ['cut', (path: string) => truncate(path, 100_000)],
    ['written to', (path: string) => appendFile(path, 'more')],
    ['longer than the file', (path: string) => truncate(path, content.length + 1)],
  ])('when what was kept was %s', async (_how, harm) => {
    await interrupted(200_000);
    await harm(await partial());
    const next = await begin();
    expect(next.restarted).toBe('PARTIAL_CHANGED');
    await finish(next);
  });

  test('when the sender proves nothing', async () => {
    await interrupted(200_000);
    const { sink } = await begin();
    await sink.restart();
    await finish({ sink });
  });
});

describe('a transfer that resumes another one', () => {
  test('ends its ghost at once, and has every byte that the ghost wrote', async () => {
    const ghost = await begin();
    await ghost.sink.write(part(0, 250_000));
    const next = await begin();
    expect(ghost.ended).toMatchObject([{ code: 'SUPERSEDED' }]);
    expect(next.offset).toBe(250_000);
    await finish(next);
  });

  test('is the only one of many that come at once', async () => {
    await interrupted(100_000);
    const many = await Promise.all(Array.from({ length: 10 }, () => begin()));
    expect(many.map(({ ended }) => ended.length).sort()).toEqual([0, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    expect(many.every(({ offset }) => offset === 100_000)).toBe(true);
    await finish(many.find(({ ended }) => ended.length === 0)!);
  });

  test('finds a file that the ghost had finished meanwhile', async () => {
    const ghost = await begin();
    await ghost.sink.write(part());
    await ghost.sink.commit();
    expect(await begin()).toMatchObject({ offset: content.length, prefixDigest: md5(content) });
  });
});

describe('a file that is there already', () => {
  test('and has the time of the source is compared rather than what was kept', async () => {
    await interrupted(200_000);
    await writeFile(join(dir, 'a.bin'), content);
    await utimes(join(dir, 'a.bin'), new Date(), new Date(modified));
    const { sink, offset } = await begin();
    expect(offset).toBe(content.length);
    expect(await sink.commit()).toMatchObject({ existing: true });
  });

  test('and has the size only does not keep an interrupted transfer from ever ending', async () => {
    await writeFile(join(dir, 'a.bin'), randomBytes(content.length));
    const first = await begin();
    expect(first.offset).toBe(content.length);
    await first.sink.restart();
    await first.sink.write(part(0, 300_000));
    await first.sink.discard({ keepPartial: true });
    const next = await begin();
    expect(next.offset).toBe(300_000);
    await next.sink.write(part(300_000));
    expect(await next.sink.commit()).toMatchObject({ name: 'a (1).bin', digest: md5(content) });
  });

  test('is not written to when it still has the name of its partial file, too', async () => {
    await interrupted(200_000);
    const path = await partial();
    await link(path, join(dir, 'b.bin'));
    const next = await begin();
    expect(next.offset ?? 0).toBe(0);
    await next.sink.write(part());
    expect(await next.sink.commit()).toMatchObject({ name: 'a.bin', digest: md5(content), existing: false });
    expect(Buffer.compare(await readFile(join(dir, 'b.bin')), content.subarray(0, 200_000))).toBe(0);
  });
});
