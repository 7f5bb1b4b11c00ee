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
import { offerOf } from '../../test/offers.ts';
import { md5 } from '../../test/plain-sender.ts';
import { deferred } from '../../test/raw-peer.ts';
import type { TransferError } from '../errors.ts';
import type { Accepted, FileOffer, TransferControl } from '../ports.ts';
import { type DirectoryReceiver, type DirectoryReceiverOptions, directoryReceiver } from './directory-receiver.ts';
import { cleanPartials, listLeftovers } from './leftovers.ts';

const content = randomBytes(500_000);
/** A copy: a sink owns what it is given. */
const part = (from = 0, to = content.length) => new Uint8Array(content.subarray(from, to));
const modified = Date.UTC(2020, 1, 1);

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let dir: string;
const receivers: DirectoryReceiver[] = [];
beforeEach(async () => {
  directory = await temporaryDirectory();
  dir = directory.path;
});
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await Promise.all(receivers.splice(0).map((receiver) => receiver.close()));
  await directory.remove();
});

/** A transfer of `content`, as a receiver sees it. Whoever ends it hears that it is over when its sink is. */
async function begin(rest: Partial<FileOffer> = {}, options: DirectoryReceiverOptions = {}) {
  const receiver = await directoryReceiver(dir, { fsync: false, ...options });
  receivers.push(receiver);
  const ended: TransferError[] = [];
  const accepted = deferred<Accepted>();
  const control: TransferControl = {
    end: async (error) => {
      ended.push(error);
      await (await accepted.promise).sink.discard({ keepPartial: true });
    },
    pause() {},
    resume() {},
  };
  const held = await receiver.accept(
    offerOf('a.bin', { size: content.length, modified, resumeKey: 'key', ...rest }),
    control,
  );
  accepted.resolve(held);
  return { ...held, ended };
}

/** A transfer that broke off after so many bytes. */
async function interrupted(bytes: number, rest: Partial<FileOffer> = {}, options: DirectoryReceiverOptions = {}) {
  const { sink } = await begin(rest, options);
  for (let at = 0; at < bytes; at += 50_000) await sink.write(part(at, Math.min(bytes, at + 50_000)));
  await sink.discard({ keepPartial: true });
}

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

describe('what was kept', () => {
  const day = 24 * 60 * 60 * 1000;

  test('is told with what it is a part of', async () => {
    const before = Date.now();
    await interrupted(200_000, { folder: [] });
    const [leftover, ...others] = await listLeftovers(dir);
    expect(others).toEqual([]);
    expect(leftover).toMatchObject({
      path: await partial(),
      size: 200_000,
      owner: 'dead',
      resumable: true,
      file: { name: 'a.bin', folder: [], size: content.length, modified },
    });
    expect(leftover!.modified).toBeGreaterThan(before - 5_000);
    expect(leftover!.file!.began).toBeGreaterThanOrEqual(before);
  });

  test('waits for seven days since it was written to, also when the process starts again', async () => {
    await interrupted(200_000);
    const { modified: written } = (await listLeftovers(dir))[0]!;
    vi.spyOn(Date, 'now').mockReturnValue(written + 7 * day - 1);
    receivers.push(await directoryReceiver(dir));
    expect(await listLeftovers(dir)).toHaveLength(1);
    vi.spyOn(Date, 'now').mockReturnValue(written + 7 * day);
    receivers.push(await directoryReceiver(dir));
    expect(await readdir(dir)).toEqual([]);
  });

  test('is looked after every hour', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'], now: Date.now() });
    await interrupted(200_000, {}, { keepPartialsMs: 2 * 60 * 60 * 1000 });
    await vi.advanceTimersByTimeAsync(60 * 60 * 1000);
    expect(await listLeftovers(dir)).toHaveLength(1);
    vi.advanceTimersByTime(2 * 60 * 60 * 1000);
    await vi.waitFor(async () => expect(await readdir(dir)).toEqual([]));
  });

  test('is removed on request, but not under the hands of a transfer', async () => {
    await interrupted(200_000);
    const other = await begin({ name: offerOf('b.bin').name });
    expect(await cleanPartials(dir)).toMatchObject([{ owner: 'alive', file: { name: 'b.bin' } }]);
    expect((await readdir(join(dir, '.wsferry'))).sort()).toHaveLength(2);
    await other.sink.discard();
    expect(await cleanPartials(dir)).toEqual([]);
    expect(await readdir(dir)).toEqual([]);
  });

  test('by a process nobody can ask stays, also on request, unless that is meant too', async () => {
    await interrupted(200_000);
    const path = await partial();
    await rename(path, path.replace('free-', '00000000-1-00000000-'));
    expect(await cleanPartials(dir)).toMatchObject([{ owner: 'unknown', resumable: true }]);
    // Nobody can go on with it either: its process might be writing to it.
    expect(await begin()).not.toHaveProperty('offset');
    expect(await cleanPartials(dir, { unknown: true })).toMatchObject([{ owner: 'alive' }]);
  });
});
