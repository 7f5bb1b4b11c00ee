import { mkdir, readdir, readFile, readlink, realpath, rename, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { temporaryDirectory } from '@wsferry/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { noControl, offerOf } from '../../test/offers.ts';
import { md5 } from '../../test/plain-sender.ts';
import { RawPeer } from '../../test/raw-peer.ts';
import { openSession, pipePair, safeFolder } from '../index.ts';
import { directoryReceiver } from './directory-receiver.ts';

/** Everything below a folder: what it is, and of a file what is in it. */
async function contentOf(dir: string, within = ''): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for (const entry of await readdir(join(dir, within), { withFileTypes: true })) {
    const path = join(within, entry.name);
    if (entry.isSymbolicLink()) all[path] = `-> ${await readlink(join(dir, path))}`;
    else if (entry.isFile()) all[path] = await readFile(join(dir, path), 'latin1');
    else {
      all[path] = 'folder';
      Object.assign(all, await contentOf(dir, path));
    }
  }
  return all;
}

/** A receiving folder beside things that are none of its business. */
async function places() {
  const directory = await temporaryDirectory();
  const outside = join(directory.path, 'outside');
  const inside = join(directory.path, 'inside');
  await mkdir(join(outside, 'a', 'b'), { recursive: true });
  await mkdir(inside);
  for (const name of ['a/a', 'a/b/a', 'b']) await writeFile(join(outside, name), 'untouched');
  const before = await contentOf(directory.path);
  /** What was there before, all but what is inside. */
  const untouched = async () => {
    const now = await contentOf(directory.path);
    const others = Object.entries(now).filter(([path]) => !path.startsWith('inside/'));
    expect(Object.fromEntries(others)).toEqual(before);
    return now;
  };
  return { directory, outside, inside, untouched };
}

const likely = fc.constantFrom('a', 'b', 'A', 'é', 'e\u0301');
const evil = fc.constantFrom(
  '..',
  '.',
  '',
  '/',
  '../b',
  '../outside/b',
  'a/b',
  'a\\b',
  '/etc/passwd',
  'C:a',
  'a\0b',
  '．．',
  '.wsferry',
  '.wsferry/x',
  '.WSFERRY',
  '\ud800',
);
const anyBytes = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('utf8'));
const name = fc.oneof(
  { weight: 6, arbitrary: likely },
  { weight: 2, arbitrary: evil },
  { weight: 1, arbitrary: anyBytes },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
);
const folder = fc.array(name, { maxLength: 3 });
const policy = fc.constantFrom('rename', 'overwrite', 'skip', 'fail', undefined);

const target = fc.constantFrom('outside', 'outside/a', 'outside/a/b', 'outside/b', 'outside/new', '.');

/** Where a symlink is planted, and where it leads to. */
interface Plant {
  readonly at: readonly string[];
  readonly to: string;
}

type Step =
  | { readonly do: 'plant'; readonly plant: Plant }
  | { readonly do: 'folder'; readonly name: string; readonly folder: readonly string[] }
  | {
      readonly do: 'send';
      readonly name: string;
      readonly folder: readonly string[];
      readonly onConflict: string | undefined;
      /** In the middle of it a symlink takes the place of so many components of its own path. */
      readonly meanwhile: { readonly depth: number; readonly to: string } | undefined;
    };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('plant' as const),
    plant: fc.record({
      at: fc.array(fc.oneof(likely, fc.constant('.wsferry')), { minLength: 1, maxLength: 3 }),
      to: target,
    }),
  }),
  fc.record({ do: fc.constant('folder' as const), name, folder }),
  fc.record({
    do: fc.constant('send' as const),
    name,
    folder,
    onConflict: policy,
    meanwhile: fc.option(fc.record({ depth: fc.integer({ min: 1, max: 3 }), to: target }), { nil: undefined }),
  }),
);

/** A symlink in the place of what is there, if its folder is there and inside. */
async function plant(directory: string, { at, to }: Plant): Promise<void> {
  const path = join(directory, 'inside', ...at);
  const above = await realpath(dirname(path)).catch(() => '');
  if (above !== dirname(path)) return;
  await rename(path, `${path}.was`).catch(() => {});
  await symlink(join(directory, to), path).catch(() => {});
}

const bytes = Buffer.from('new');

describe('whatever is sent stays inside the receiving folder', () => {
  test('by any names, and with symlinks planted before and while it is sent', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 10 }), async (steps) => {
        const { directory, inside, untouched } = await places();
        const { accept, acceptFolder, close } = await directoryReceiver(inside, {
          fsync: false,
          allowedOnConflict: ['rename', 'overwrite', 'skip', 'fail'],
        });
        const [near, far] = pipePair();
        const session = openSession(far, { role: 'acceptor', accept, acceptFolder });
        const peer = new RawPeer(near);
        let id = -1;
        const stored: (string | undefined)[] = [];
        for (const step of steps) {
          if (step.do === 'plant') {
            await plant(directory.path, step.plant);
            continue;
          }
          id += 2;
          const { name, folder } = step;
          if (step.do === 'folder') {
            peer.say({ type: 'NEW_FOLDER', id, name, folder, modified: 1_000_000_000_000 });
            await peer.hear();
            continue;
          }
          peer.say({ type: 'NEW_FILE', id, name, folder, onConflict: step.onConflict, size: bytes.length });
          const answer = await peer.hear();
          if (answer?.type !== 'ACK_NEW_FILE' || answer.code !== 'OK') continue;
          const { depth, to } = step.meanwhile ?? { depth: 0, to: '' };
          if (depth > 0) await plant(directory.path, { at: [...folder, name].slice(0, depth), to });
          peer.say({ type: 'FILE_DATA', id, offset: 0, bytes }, { type: 'FILE_END', id, md5: md5(bytes) });
          const end = await peer.hearA('ACK_FILE_END');
          if (end.code === 'OK') stored.push(end.path);
        }
        near.close();
        await session.closed;
        await close();
        const now = await untouched();
        // And it did store something: as many files as it says, all of them its own.
        const files = Object.entries(now).filter(([path, content]) => path.startsWith('inside/') && content === 'new');
        expect(files.length).toBeGreaterThanOrEqual(stored.length > 0 ? 1 : 0);
        await directory.remove();
      }),
      { numRuns: 150 },
    );
  });

  test.skipIf(process.platform !== 'linux')(
    'also when a folder and a symlink take turns in one place as fast as they can',
    { timeout: 120_000 },
    async () => {
      const { directory, outside, inside, untouched } = await places();
      await mkdir(join(inside, 'a', 'b'), { recursive: true });
      const turns = new Int32Array(new SharedArrayBuffer(8));
      const worker = new Worker(swapping, {
        eval: true,
        workerData: { turns, place: join(inside, 'a'), kept: join(inside, 'kept'), outside: join(outside, 'a') },
      });
      const { accept, acceptFolder, close } = await directoryReceiver(inside, { fsync: false });
      const folder = safeFolder(['a', 'b', 'c']);
      let refused = 0;
      for (let id = 1; id < 400 || Atomics.load(turns, 0) < 2_000; id += 1) {
        try {
          const { sink } = await accept(offerOf(`file ${id}`, { folder, size: bytes.length }), noControl);
          await sink.write(new Uint8Array(bytes));
          await sink.commit();
          await acceptFolder({ name: offerOf(`folder ${id}`).name, folder, modified: 1 });
        } catch {
          refused += 1; // the folder was away: gone, or a symlink
        }
      }
      Atomics.store(turns, 1, 1);
      await new Promise((resolve) => worker.once('exit', resolve));
      await close();
      await untouched();
      expect(refused).toBeLessThan(400);
      await directory.remove();
    },
  );
});

/**
 * A thread that puts a folder out of its place, a symlink into it, and back, until it is told to stop. Whenever it is gone
 * the receiver may make another one there: then that is the next to be moved.
 */
const swapping = `
  const { renameSync, symlinkSync, unlinkSync } = require('node:fs');
  const { turns, place, kept, outside } = require('node:worker_threads').workerData;
  const attempt = (call, ...args) => { try { call(...args); } catch {} };
  for (let turn = 0; Atomics.load(turns, 1) === 0; turn += 1) {
    attempt(renameSync, place, kept + turn);
    attempt(symlinkSync, outside, place);
    attempt(unlinkSync, place);
    attempt(renameSync, kept + turn, place);
    Atomics.add(turns, 0, 1);
  }
`;
