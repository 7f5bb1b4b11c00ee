import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryDirectory } from '@wsferry/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cuttablePair } from '../../test/cuttable-pair.ts';
import { deferred } from '../../test/raw-peer.ts';
import { memoryReceiver, type OpenSource, openSession, pipePair } from '../index.ts';
import { pathSource } from './index.ts';

const chunkBytes = 64 * 1024;
const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');
const pattern = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 0xff);

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let path: string;
beforeEach(async () => {
  directory = await temporaryDirectory();
  path = join(directory.path, 'pipe');
  await promisify(execFile)('mkfifo', [path]);
});
afterEach(() => directory.remove());

async function readAll(source: OpenSource): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (let chunk = await source.read(); chunk !== undefined; chunk = await source.read()) {
    expect(chunk.byteLength).toBeLessThanOrEqual(chunkBytes);
    chunks.push(chunk.slice());
  }
  return Buffer.concat(chunks);
}

describe.skipIf(process.platform === 'win32')('a named pipe as a source', () => {
  test.each([0, 1, 1_000_001])('is a stream of unknown length: %i bytes and their digest', async (size) => {
    const source = await pathSource(path);
    expect(source).toMatchObject({ name: 'pipe', size: undefined });
    const bytes = pattern(size);
    const writing = writeFile(path, bytes);
    const opened = await source.open({ start: 0, chunkBytes, algorithm: 'md5' });
    expect(Buffer.compare(await readAll(opened), bytes)).toBe(0);
    expect(await opened.digest()).toBe(md5(bytes));
    await writing;
    await opened.close();
  });

  test('is gone on with when the line is cut: nothing that was read is lost', async () => {
    const bytes = pattern(1_000_000);
    const source = await pathSource(path);
    const writing = writeFile(path, bytes);
    const receiver = memoryReceiver();
    for (const cut of [{ after: 20, how: 'lost' } as const, undefined]) {
      const line = cuttablePair(cut);
      openSession(line.far, { role: 'acceptor', accept: receiver.accept });
      const session = openSession(line.near, { role: 'opener', chunkBytes });
      const stored = await session.sendFile(source).catch((error: unknown) => error);
      expect(stored).toMatchObject(cut ? { code: 'CONNECTION_LOST' } : { size: bytes.length, digest: md5(bytes) });
      await (cut ? session.closed : session.close());
    }
    await writing;
    expect(Buffer.compare(receiver.files.get('pipe')!, bytes)).toBe(0);
  });

  test('gives what there is at once, however little', async () => {
    const source = await pathSource(path);
    const reading = await source.open({ start: 0, chunkBytes, algorithm: 'md5' });
    const writer = await open(path, 'w');
    for (const word of ['a', 'few', 'words']) {
      await writer.write(word);
      expect(new TextDecoder().decode(await reading.read())).toBe(word);
    }
    await writer.close();
    expect(await reading.read()).toBeUndefined();
    await reading.close();
  });

  test.each(['nobody writes', 'the writer is silent'])(
    'when %s: a transfer is cancelled and the session closes',
    async (when) => {
      const [near, far] = pipePair();
      const accepted = deferred();
      const { accept } = memoryReceiver();
      const waiting = async (...asked: Parameters<typeof accept>) => {
        accepted.resolve();
        return accept(...asked);
      };
      openSession(far, { role: 'acceptor', accept: waiting });
      const sender = openSession(near, { role: 'opener' });
      const abort = new AbortController();
      // For reading and writing, so that it needs no reader to be opened.
      const writer = when === 'nobody writes' ? undefined : await open(path, 'r+');
      const sending = sender.sendFile(await pathSource(path), { signal: abort.signal });
      await accepted.promise;
      abort.abort();
      await expect(sending).rejects.toMatchObject({ code: 'CANCELLED' });
      await sender.close();
      await writer?.close();
    },
  );

  test('is left when it is closed, also while a read waits, and twice', async () => {
    const opened = await (await pathSource(path)).open({ start: 0, chunkBytes, algorithm: 'md5' });
    const read = opened.read().catch(() => {});
    await opened.close();
    await opened.close();
    await read;
    // What a writer hears who finds no reader.
    await expect(open(path, constants.O_WRONLY | constants.O_NONBLOCK)).rejects.toMatchObject({ code: 'ENXIO' });
  });

  test('idle ones take none of the threads in which files are read', async () => {
    const source = await pathSource(path);
    // Node has four of them.
    const idle = await Promise.all(
      Array.from({ length: 5 }, () => source.open({ start: 0, chunkBytes, algorithm: 'md5' })),
    );
    for (const opened of idle) opened.read().catch(() => {});
    const file = join(directory.path, 'file');
    await writeFile(file, 'read');
    expect(await readFile(file, 'utf8')).toBe('read');
    await Promise.all(idle.map((opened) => opened.close()));
  });
});
