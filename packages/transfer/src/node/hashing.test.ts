import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HashFeed } from './hash-feed.ts';
import { createHasher, INLINE_HASH_BYTES } from './hashing.ts';

const run = promisify(execFile);
const digestOf = (algorithm: string, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest('hex');
const filled = (length: number, value: number) => new Uint8Array(length).fill(value);

describe.each([
  ['in the thread', undefined],
  ['inline', INLINE_HASH_BYTES],
])('a hasher %s', (_where, expectedBytes) => {
  test.each(['md5', 'sha256'] as const)('gives the %s, and that of any prefix on the way', async (algorithm) => {
    const hasher = createHasher(algorithm, expectedBytes);
    expect(await hasher.peek()).toBe(digestOf(algorithm, new Uint8Array()));
    await hasher.update(filled(1000, 1));
    expect(await hasher.peek()).toBe(digestOf(algorithm, filled(1000, 1)));
    await hasher.update(filled(500, 1));
    expect(await hasher.digest()).toBe(digestOf(algorithm, filled(1500, 1)));
    hasher.drop();
  });

  test('gives the very range back, to be used again', async () => {
    const hasher = createHasher('md5', expectedBytes);
    const bytes = filled(100, 7).subarray(10, 30);
    const back = await hasher.update(bytes);
    expect([back.byteOffset, back.byteLength, back.buffer.byteLength]).toEqual([10, 20, 100]);
    expect(back).toEqual(filled(20, 7));
    expect(await hasher.digest()).toBe(digestOf('md5', filled(20, 7)));
  });

  test('keeps to the order of the calls without anybody waiting, many states at once', async () => {
    const digests = await Promise.all(
      Array.from({ length: 20 }, (_, index) => {
        const hasher = createHasher('md5', expectedBytes);
        for (let round = 0; round < 10; round += 1) void hasher.update(filled(round * 100, index + round));
        return hasher.digest();
      }),
    );
    for (const [index, digest] of digests.entries()) {
      const parts = Array.from({ length: 10 }, (_, round) => filled(round * 100, index + round));
      expect(digest).toBe(digestOf('md5', Buffer.concat(parts)));
    }
  });
});

test('a feed digests parts however they are cut, and takes nothing away that lies beside one', async () => {
  const size = fc.oneof(fc.nat({ max: 400_000 }), fc.nat({ max: 20_000 }));
  const part = fc.record({ size, before: fc.constantFrom(0, 16, 1000), calls: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 8 }), fc.boolean(), async (cuts, known) => {
      const total = cuts.reduce((sum, { size }) => sum + size, 0);
      const feed = new HashFeed('md5', known ? total : undefined);
      const parts = cuts.map(({ size, before }, index) => filled(before + size, index + 1).subarray(before));
      const digest = digestOf('md5', Buffer.concat(parts));
      const neighbours = parts.filter((_, index) => cuts[index]!.before === 1000).map(({ buffer }) => buffer);
      let together: Uint8Array[] = [];
      for (const [index, next] of parts.entries()) {
        together.push(next);
        if (!cuts[index]!.calls) continue;
        await feed.add(together);
        together = [];
      }
      await feed.add(together);
      await feed.rest();
      expect(await feed.digest()).toBe(digest);
      for (const { byteLength } of neighbours) expect(byteLength).toBeGreaterThanOrEqual(1000);
      feed.drop();
    }),
    { numRuns: 40 },
  );
});

test('a feed waits for the hashing thread, so that what it holds stays bounded', async () => {
  const feed = new HashFeed('md5');
  let waited = 0;
  for (let megabytes = 0; megabytes < 64; megabytes += 1) {
    let taken = false;
    const adding = feed.add([filled(1_048_576, megabytes)]).then(() => {
      taken = true;
    });
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    if (!taken) waited += 1;
    await adding;
  }
  expect(waited).toBeGreaterThan(8);
  feed.drop();
});

test('when the thread dies its hashers reject, the next one has a new thread, and an idle one keeps nobody alive', async () => {
  const program = `
    import { createHasher } from ${JSON.stringify(new URL('./hashing.ts', import.meta.url).href)};
    const threads = [];
    process.on('worker', (thread) => threads.push(thread));
    const unable = createHasher('no-such-digest');
    await unable.update(new Uint8Array(10)).catch((error) => console.log(error.message));
    // Newer Nodes announce the loader's own thread too; ours is the last one that began.
    const first = threads.length - 1;
    const doomed = createHasher('md5');
    await doomed.update(new Uint8Array(10));
    threads[first].terminate();
    await doomed.update(new Uint8Array(10)).catch((error) => console.log(error.message));
    await doomed.digest().catch((error) => console.log('still:', error.message));
    const good = createHasher('md5');
    await good.update(new Uint8Array(10));
    console.log(threads.length - first, await good.digest());
  `;
  const options = ['--conditions=@wsferry/source', '--import', 'tsx', '--input-type=module', '-e', program];
  const { stdout } = await run(process.execPath, options, { cwd: new URL('.', import.meta.url) });
  expect(stdout.split('\n')).toEqual([
    expect.stringContaining('the hashing thread could not hash'),
    'the hashing thread died',
    'still: the hashing thread died',
    `2 ${digestOf('md5', new Uint8Array(10))}`,
    '',
  ]);
});
