import { randomBytes } from 'node:crypto';
import { appendFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FakeClock, temporaryDirectory } from '@wsferry/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  Courier,
  type FileSource,
  limitRate,
  type MemoryPipe,
  openSession,
  pipePair,
  RateLimit,
  type SendingEvent,
  type Session,
  TransferError,
} from '../index.ts';
import { type DirectoryReceiver, directoryReceiver, pathSource, walkTree } from './index.ts';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let from: string;
let into: string;
let receiver: DirectoryReceiver;
beforeEach(async () => {
  directory = await temporaryDirectory();
  from = join(directory.path, 'from');
  into = join(directory.path, 'into');
  await mkdir(from);
  await mkdir(into);
  receiver = await directoryReceiver(into, { fsync: false });
});
afterEach(async () => {
  await receiver.close();
  await directory.remove();
});

function connect(): MemoryPipe {
  const [near, far] = pipePair();
  openSession(far, { role: 'acceptor', accept: receiver.accept, windowBytes: 100_000 });
  return near;
}

/** Sends, and says what happened beside. */
async function send(source: FileSource, session: Session = openSession(connect(), { role: 'opener' })) {
  const events: SendingEvent[] = [];
  const stored = await session.sendFile(source, { onEvent: (event) => events.push(event) });
  return { stored, events };
}

const restarted = [{ type: 'restarted', reason: 'SOURCE_CHANGED' }];

describe('a file that was changed after it was looked at, before a byte of it has travelled', () => {
  test.each([100, 300_000])('is offered anew, as it is by now: %i bytes', async (size) => {
    const path = join(from, 'a');
    await writeFile(path, randomBytes(size));
    const source = await pathSource(path);
    await appendFile(path, 'more');
    const { stored, events } = await send(source);
    expect(stored.size).toBe(size + 4);
    expect(events).toEqual(restarted);
    expect((await readFile(join(into, 'a'))).equals(await readFile(path))).toBe(true);
  });

  test('of a tree, and replaced as editors do, is so, too; also under a limit', async () => {
    await writeFile(join(from, 'a'), 'before');
    let source: FileSource | undefined;
    for await (const entry of walkTree(from)) if (entry.kind === 'file') source = entry.source;
    await writeFile(join(from, '.a.new'), 'and after');
    await rename(join(from, '.a.new'), join(from, 'a'));
    const { stored, events } = await send(limitRate(source!, new RateLimit(1_000_000)));
    expect(stored).toMatchObject({ name: 'a', size: 9 });
    expect(events).toEqual(restarted);
    expect(await readFile(join(into, 'from', 'a'), 'utf8')).toBe('and after');
  });

  test('and is gone by now fails as SOURCE_CHANGED, or as what it is', async () => {
    const path = join(from, 'a');
    await writeFile(path, 'before');
    const [source, other] = [await pathSource(path), await pathSource(path)];
    await rm(path);
    await expect(send(source)).rejects.toMatchObject({ code: 'SOURCE_FAILED' });
    await mkdir(path);
    await expect(send(other)).rejects.toMatchObject({ code: expect.stringMatching(/^SOURCE_/) });
  });

  test('and changes whenever it is offered is given up at the third time', async () => {
    let offers = 0;
    const restless = (): FileSource => ({
      name: 'a',
      size: 1,
      open: async () => {
        offers += 1;
        throw new TransferError('SOURCE_CHANGED');
      },
      again: async () => restless(),
    });
    await expect(send(restless())).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
    expect(offers).toBe(3);
  });
});

test('a file that is changed while it travels fails as SOURCE_CHANGED: what came of it is of no use', async () => {
  const path = join(from, 'a');
  await writeFile(path, randomBytes(5_000_000));
  const changed: Promise<void>[] = [];
  const sent = openSession(connect(), { role: 'opener' }).sendFile(await pathSource(path), {
    onProgress: ({ stored }) => {
      if (stored > 0 && changed.length === 0) changed.push(appendFile(path, 'more'));
    },
  });
  await expect(sent).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
});

test('a file that was changed while the line was down begins anew, and loses nothing of that by the next loss', async () => {
  const path = join(from, 'a');
  await writeFile(path, randomBytes(3_000_000));
  const clock = new FakeClock();
  const pipes: MemoryPipe[] = [];
  const lost = [() => appendFile(path, 'more')];
  const courier = new Courier({
    clock,
    random: () => 1,
    connect: async () => {
      pipes.push(connect());
      return pipes.at(-1)!;
    },
    onEvent: async (event) => {
      if (event.type !== 'lost') return;
      await lost.shift()?.();
      clock.advance(event.retryInMs);
    },
  });
  const events: SendingEvent[] = [];
  const stored = await courier.sendFile(await pathSource(path), {
    onEvent: (event) => events.push(event),
    onProgress: ({ stored }) => {
      if (stored > 1_000_000 && pipes.length <= 2) pipes.at(-1)!.abort();
    },
  });
  expect(stored.size).toBe(3_000_004);
  expect(events).toEqual([...restarted, { type: 'resumed', offset: expect.any(Number) }]);
  expect((await readFile(join(into, 'a'))).equals(await readFile(path))).toBe(true);
});
