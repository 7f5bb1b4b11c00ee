import { randomBytes } from 'node:crypto';
import { readdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { smallDisk, temporaryDirectory } from '@wsferry/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { noControl, offerOf } from '../../test/offers.ts';
import { md5, sendPlainly } from '../../test/plain-sender.ts';
import { bytesSource, type FileOffer, openSession, pipePair } from '../index.ts';
import { type DirectoryReceiver, directoryReceiver } from './directory-receiver.ts';

/** The whole file system. */
const DISK_BYTES = 1_048_576;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let dir: string;
let disk: Awaited<ReturnType<typeof smallDisk>>;
let receiver: DirectoryReceiver;
beforeEach(async ({ skip }) => {
  directory = await temporaryDirectory();
  dir = directory.path;
  disk = await smallDisk(dir, DISK_BYTES);
  if (typeof disk === 'string') skip(disk);
  receiver = await directoryReceiver(dir);
});
afterEach(async () => {
  await receiver?.close();
  if (typeof disk !== 'string') await disk.unmount();
  await directory.remove();
});

const accept = (name: string, rest: Partial<FileOffer> = {}) => receiver.accept(offerOf(name, rest), noControl);

async function fill(name: string, content: Uint8Array, rest: Partial<FileOffer> = {}) {
  const { sink, offset = 0 } = await accept(name, rest);
  for (let at = offset; at < content.length; at += 100_000) await sink.write(content.subarray(at, at + 100_000));
  return sink;
}

describe('a disk that fills up', () => {
  test('is NO_SPACE, what cannot be gone on with is removed, and the next file is served', async () => {
    const { sink } = await accept('long');
    const write = async () => {
      for (let round = 0; round < 20; round += 1) await sink.write(new Uint8Array(100_000));
    };
    await expect(write()).rejects.toMatchObject({ code: 'NO_SPACE', cause: { code: 'ENOSPC' } });
    await sink.discard({ keepPartial: true });
    expect(await readdir(dir)).toEqual([]);
    await expect(accept('long', { size: 2_000_000 })).rejects.toMatchObject({ code: 'NO_SPACE' });
    expect(await (await fill('short', Buffer.from('fits'), { size: 4 })).commit()).toMatchObject({ name: 'short' });
  });

  test('keeps what can be gone on with, and after room is made the same transfer goes on', async () => {
    const content = randomBytes(700_000);
    const file = { name: 'a.bin', content, resumeKey: 'key' };
    const [near, far] = pipePair();
    const receiving = openSession(far, { role: 'acceptor', accept: receiver.accept });
    // It would fit when it is offered; then somebody else writes.
    const first = await sendPlainly(near, file, () => writeFile(join(dir, 'other'), randomBytes(600_000)));
    expect(first.code).toBe('NO_SPACE');
    near.close();
    await receiving.closed;
    expect((await readdir(dir)).sort()).toEqual(['.wsferry', 'other']);
    // Still too full for the rest of it, which is refused before a byte moves. It stays all the same.
    await expect(accept('a.bin', { size: 700_000, resumeKey: 'key' })).rejects.toMatchObject({
      code: 'NO_SPACE',
      message: expect.stringMatching(/^the rest of the file has \d+ kB, the receiver has room for/),
    });
    await unlink(join(dir, 'other'));
    const { sink, offset, prefixDigest } = await accept('a.bin', { size: 700_000, resumeKey: 'key' });
    expect(offset).toBeGreaterThanOrEqual(first.acknowledged);
    expect(offset).toBeGreaterThan(300_000);
    expect(prefixDigest).toBe(md5(content.subarray(0, offset)));
    await sink.write(content.subarray(offset));
    expect(await sink.commit()).toMatchObject({ name: 'a.bin', digest: md5(content) });
    expect(await readdir(dir)).toEqual(['a.bin']);
    expect(Buffer.compare(await readFile(join(dir, 'a.bin')), content)).toBe(0);
  });

  test('has room for the rest of a file that would not fit twice', async () => {
    const content = randomBytes(900_000);
    const offer = { size: content.length, resumeKey: 'key' };
    const first = await fill('a.bin', content.subarray(0, 600_000), offer);
    await first.discard({ keepPartial: true });
    expect(await (await fill('a.bin', content, offer)).commit()).toMatchObject({ digest: md5(content) });
  });
});

test('of two files of 700 kB sent at once to a disk of 1 MiB one arrives', async () => {
  const [near, far] = pipePair();
  const receiving = openSession(far, { role: 'acceptor', accept: receiver.accept });
  const sending = openSession(near, { role: 'opener' });
  const outcomes = await Promise.allSettled(
    ['a', 'b'].map((name) => sending.sendFile(bytesSource(name, new Uint8Array(700_000)))),
  );
  expect(outcomes).toMatchObject([{ value: { size: 700_000 } }, { reason: { code: 'NO_SPACE', side: 'peer' } }]);
  await sending.close();
  await receiving.closed;
});
