import { statfs } from 'node:fs/promises';
import { temporaryDirectory } from '@wsferry/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { noControl, offerOf } from '../../test/offers.ts';
import { directoryReceiver } from './directory-receiver.ts';
import { inUnits } from './disk-space.ts';

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  return { ...real, statfs: vi.fn(real.statfs) };
});

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let dir: string;
beforeEach(async () => {
  directory = await temporaryDirectory();
  dir = directory.path;
});
afterEach(async () => {
  vi.mocked(statfs).mockReset();
  await directory.remove();
});

/** From now on the disk says that it has so much room. */
function room(bytes: number): void {
  vi.mocked(statfs).mockResolvedValue({ blocks: 1e9, bsize: 1, bavail: bytes } as never);
}

async function receiver() {
  const { accept } = await directoryReceiver(dir, { fsync: false });
  let id = 0;
  return (name: string, size?: number) =>
    accept(offerOf(name, { id: ++id, ...(size === undefined ? {} : { size }) }), noControl);
}

describe('room on the disk', () => {
  test('that one file was promised is not promised to another, until it has ended', async () => {
    room(1_048_576);
    const accept = await receiver();
    const both = await Promise.allSettled([accept('a', 700_000), accept('b', 700_000)]);
    // Which of them is the first the disk decides.
    const first = both.find(({ status }) => status === 'fulfilled');
    const second = both.find(({ status }) => status === 'rejected');
    if (first?.status !== 'fulfilled') throw new Error('expected one of them to be accepted');
    expect(second).toMatchObject({
      reason: {
        code: 'NO_SPACE',
        message: 'the file has 700 kB, the receiver has room for 348 kB beside the files that are on their way',
      },
    });
    await (await accept('c', 300_000)).sink.discard();
    await first.value.sink.discard();
    await (await accept('b', 700_000)).sink.commit();
    await (await accept('d', 700_000)).sink.commit();
  });

  test('is asked for the rest only of a file that is written in part: the disk itself counts the other', async () => {
    room(1_000_000);
    const accept = await receiver();
    const { sink } = await accept('a', 700_000);
    await sink.write(new Uint8Array(600_000));
    room(400_000);
    await (await accept('b', 300_000)).sink.discard();
    await expect(accept('b', 300_001)).rejects.toMatchObject({ code: 'NO_SPACE' });
    await sink.restart();
    room(1_000_000);
    await expect(accept('b', 300_001)).rejects.toMatchObject({ code: 'NO_SPACE' });
    await sink.discard();
  });

  test('is asked for also when a file of the same size was there and turns out to be another', async () => {
    room(10);
    const accept = await receiver();
    const first = await accept('a', 4);
    await first.sink.write(new Uint8Array(4));
    await first.sink.commit();
    room(3);
    const { sink, offset } = await accept('a', 4);
    expect(offset).toBe(4);
    await expect(sink.restart()).rejects.toMatchObject({ code: 'NO_SPACE' });
    await sink.discard();
  });

  test('that a file system does not count is no reason to refuse', async () => {
    vi.mocked(statfs).mockResolvedValue({ blocks: 0, bsize: 4096, bavail: 0 } as never);
    await (await (await receiver())('a', 1_000_000)).sink.discard();
  });

  test.each([
    [0, '0 bytes', '0 bytes'],
    [999, '999 bytes', '999 bytes'],
    [1000, '1 kB', '1 kB'],
    [1100, '1.1 kB', '1.1 kB'],
    [1_048_576, '1.05 MB', '1.04 MB'],
    [999_999, '1000 kB', '999 kB'],
    [1_234_567_890, '1.24 GB', '1.23 GB'],
  ])('of %i bytes is told in few digits, rounded away from the other', (bytes, up, down) => {
    expect(inUnits(bytes, Math.ceil)).toBe(up);
    expect(inUnits(bytes, Math.floor)).toBe(down);
  });
});
