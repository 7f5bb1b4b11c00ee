import { readdir, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FakeClock, smallDisk, temporaryDirectory } from '@wsferry/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { noControl, offerOf } from '../../test/offers.ts';
import { TransferError } from '../index.ts';
import { type DirectoryReceiver, type DirectoryReceiverOptions, directoryReceiver } from './directory-receiver.ts';
import { DiskSpace } from './disk-space.ts';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let dir: string;
beforeEach(async () => {
  directory = await temporaryDirectory();
  dir = directory.path;
});
const receivers: DirectoryReceiver[] = [];
const closeReceivers = () => Promise.all(receivers.splice(0).map((one) => one.close()));
afterEach(async () => {
  await closeReceivers();
  await directory.remove();
});

async function receiver(options: DirectoryReceiverOptions) {
  const one = await directoryReceiver(dir, { fsync: false, ...options });
  const { accept } = one;
  receivers.push(one);
  let id = 0;
  return (name: string, size?: number) =>
    accept(offerOf(name, { id: ++id, ...(size === undefined ? {} : { size }) }), noControl);
}

const noSpace = (message: string) => ({ code: 'NO_SPACE', message });

describe('a folder that may hold only so much', () => {
  test('refuses what would be too much beside what lies in it and what is on its way, at any depth', async () => {
    await writeFile(join(dir, 'old'), new Uint8Array(300_000));
    const accept = await receiver({ maxTotalBytes: 1_000_000 });
    const { sink } = await accept('a', 500_000);
    await expect(accept('b', 200_001)).rejects.toMatchObject(
      noSpace(
        'the file has 201 kB, the receiver has room for 200 kB of the 1 MB that its folder may hold beside the files that are on their way',
      ),
    );
    await (await accept('c', 200_000)).sink.discard();
    await sink.write(new Uint8Array(500_000));
    await sink.commit();
    await expect(accept('b', 200_001)).rejects.toMatchObject(
      noSpace('the file has 201 kB, the receiver has room for 200 kB of the 1 MB that its folder may hold'),
    );
    expect((await readdir(dir)).sort()).toEqual(['a', 'old']);
  });

  test('stops a file of unknown size where it is full, and takes the next one', async () => {
    const accept = await receiver({ maxTotalBytes: 1_000_000 });
    const { sink } = await accept('stream');
    for (let written = 0; written < 10; written++) await sink.write(new Uint8Array(100_000));
    await expect(sink.write(new Uint8Array(1))).rejects.toMatchObject({ code: 'NO_SPACE' });
    await sink.discard();
    await (await accept('b', 1_000_000)).sink.discard();
  });

  test('two streams together get no more than there is', async () => {
    const accept = await receiver({ maxTotalBytes: 1_000_000 });
    const sinks = [(await accept('a')).sink, (await accept('b')).sink];
    let written = 0;
    const fill = async (sink: (typeof sinks)[number]) => {
      for (;;) {
        await sink.write(new Uint8Array(50_000));
        written += 50_000;
      }
    };
    const ends = await Promise.allSettled(sinks.map(fill));
    for (const end of ends) expect(end).toMatchObject({ status: 'rejected', reason: { code: 'NO_SPACE' } });
    expect(written).toBeLessThanOrEqual(1_000_000);
  });

  test('has room again when files are taken away', async () => {
    await writeFile(join(dir, 'old'), new Uint8Array(900_000));
    const clock = new FakeClock();
    const space = new DiskSpace(dir, { minFreeBytes: 0, maxTotalBytes: 1_000_000 }, () => clock.now());
    await expect(space.keep(200_000)).rejects.toBeInstanceOf(TransferError);
    await unlink(join(dir, 'old'));
    // Whoever asks again and again does not make us look through the folder each time.
    await expect(space.keep(200_000)).rejects.toMatchObject({ code: 'NO_SPACE' });
    clock.advance(60_000);
    (await space.keep(200_000))!.release();
  });

  test('does not count what was thrown away', async () => {
    const accept = await receiver({ maxTotalBytes: 1_000_000 });
    for (let round = 0; round < 3; round++) {
      const { sink } = await accept('a', 900_000);
      await sink.write(new Uint8Array(900_000));
      await sink.discard();
    }
    const { sink } = await accept('a', 900_000);
    await sink.write(new Uint8Array(900_000));
    await sink.restart();
    await sink.write(new Uint8Array(900_000));
    await sink.commit();
    await expect(accept('b', 100_001)).rejects.toMatchObject({ code: 'NO_SPACE' });
    await (await accept('b', 100_000)).sink.discard();
  });

  test('an identical file that is there already needs no room', async () => {
    await writeFile(join(dir, 'old'), new Uint8Array(1_000_000));
    const accept = await receiver({ maxTotalBytes: 1_000_000 });
    const { sink, offset } = await accept('old', 1_000_000);
    expect(offset).toBe(1_000_000);
    expect(await sink.commit()).toMatchObject({ existing: true });
  });
});

describe('a disk of which some is to stay free', () => {
  const DISK_BYTES = 1_048_576;
  let disk: Awaited<ReturnType<typeof smallDisk>>;
  beforeEach(async ({ skip }) => {
    disk = await smallDisk(dir, DISK_BYTES);
    if (typeof disk === 'string') skip(disk);
  });
  afterEach(async () => {
    await closeReceivers();
    if (typeof disk !== 'string') await disk.unmount();
  });

  test('refuses what would take from that, and stops a file of unknown size there', async () => {
    const accept = await receiver({ minFreeBytes: 500_000 });
    await expect(accept('a', 600_000)).rejects.toMatchObject({
      code: 'NO_SPACE',
      message: expect.stringMatching(/^the file has 600 kB, the receiver has room for 5\d\d kB$/),
    });
    const { sink } = await accept('stream');
    let written = 0;
    const fill = async () => {
      for (;;) {
        await sink.write(new Uint8Array(50_000));
        written += 50_000;
      }
    };
    await expect(fill()).rejects.toMatchObject({ code: 'NO_SPACE' });
    expect(written).toBeGreaterThan(400_000);
    expect(written).toBeLessThanOrEqual(DISK_BYTES - 500_000);
    await sink.discard();
  });

  test('takes nothing when there is less already', async () => {
    const accept = await receiver({ minFreeBytes: 2_000_000 });
    await expect(accept('a', 1)).rejects.toMatchObject({ code: 'NO_SPACE' });
    await expect(accept('stream')).rejects.toMatchObject({ code: 'NO_SPACE' });
  });
});

test.each<DirectoryReceiverOptions>([
  { minFreeBytes: -1 },
  { maxTotalBytes: 1.5 },
  { minFreeBytes: Number.POSITIVE_INFINITY },
])('%j is a RangeError', async (options) => {
  await expect(directoryReceiver(dir, options)).rejects.toThrow(RangeError);
});
