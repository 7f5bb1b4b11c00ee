import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { noControl, offerOf } from '../../test/offers.ts';
import { Receiving } from '../../test/receiving.ts';
import type { FileOffer } from '../ports.ts';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let dir: string;
let receiving: Receiving;
beforeEach(async () => {
  directory = await temporaryDirectory();
  dir = directory.path;
  receiving = new Receiving(dir);
});
afterEach(async () => {
  await receiving.close();
  await directory.remove();
});

const sizes = [1_000, 100_000];
const contentOf = (size: number) => new Uint8Array(size).fill(7);

/** One receiver that does not compare, and how a file of such a size is sent to it. */
async function mute(size: number) {
  const { accept } = await receiving.receiver({ compare: false });
  return async (rest: Partial<FileOffer> = {}) => {
    const { sink, ...held } = await accept(offerOf('a.bin', { size, ...rest }), noControl);
    if (held.offset === undefined) await sink.write(contentOf(size));
    const stored = await sink.commit();
    return { held, stored };
  };
}

describe.each(sizes)('a receiver that does not compare, and files of %i bytes', (size) => {
  test('tells nothing of the file that has the name and size of what is offered; the identical one gets a number', async () => {
    await writeFile(join(dir, 'a.bin'), contentOf(size));
    const send = await mute(size);
    const { held, stored } = await send({ resumeKey: 'key' });
    expect(held).not.toHaveProperty('offset');
    expect(held).not.toHaveProperty('prefixDigest');
    expect(stored).toMatchObject({ name: 'a (1).bin', existing: false });
  });

  test('nor of one that takes the name while it is sent', async () => {
    const { accept } = await receiving.receiver({ compare: false });
    const { sink } = await accept(offerOf('a.bin', { size }), noControl);
    await sink.write(contentOf(size));
    await writeFile(join(dir, 'a.bin'), contentOf(size));
    expect(await sink.commit()).toMatchObject({ name: 'a (1).bin', existing: false });
  });

  test.each([
    ['skip', 'SKIPPED'],
    ['fail', 'EXISTS'],
  ] as const)('with %s answers the same, whatever is in the file of that name', async (onConflict, code) => {
    const send = await mute(size);
    for (const content of [contentOf(size), new Uint8Array(size), new Uint8Array(1)]) {
      await writeFile(join(dir, 'a.bin'), content);
      await expect(send({ onConflict })).rejects.toMatchObject({ code });
    }
  });

  test('knows what the same resume key has brought: who did not hear that it is stored sends it again, and it is there once', async () => {
    const send = await mute(size);
    expect((await send({ resumeKey: 'mine' })).stored).toMatchObject({ name: 'a.bin', existing: false });
    const again = await send({ resumeKey: 'mine' });
    expect(again.held).toMatchObject({ offset: size, prefixDigest: expect.any(String) });
    expect(again.stored).toMatchObject({ name: 'a.bin', existing: true });
    expect((await send({ resumeKey: "somebody else's" })).stored).toMatchObject({ name: 'a (1).bin' });
    expect((await readdir(dir)).filter((name) => name !== '.wsferry').sort()).toEqual(['a (1).bin', 'a.bin']);
  });

  test('tells nothing of what was changed since', async () => {
    const send = await mute(size);
    await send({ resumeKey: 'mine' });
    await writeFile(join(dir, 'a.bin'), new Uint8Array(size).fill(9));
    const { held, stored } = await send({ resumeKey: 'mine' });
    expect(held).not.toHaveProperty('prefixDigest');
    expect(stored).toMatchObject({ name: 'a (1).bin' });
    expect((await readFile(join(dir, 'a.bin')))[0]).toBe(9);
  });
});
