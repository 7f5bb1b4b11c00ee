import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { PassThrough, Readable } from 'node:stream';
import { temporaryDirectory } from '@wsferry/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Cut, cuttablePair } from '../../test/cuttable-pair.ts';
import { RawPeer } from '../../test/raw-peer.ts';
import { watchedReceiver } from '../../test/watched-receiver.ts';
import { type Accept, memoryReceiver, type OpenSource, openSession, pipePair } from '../index.ts';
import { directoryReceiver, streamSource } from './index.ts';
import { TAIL_BLOCK_BYTES } from './stream-tail.ts';

const MIB = 1024 * 1024;
const chunkBytes = 64 * 1024;
const how = { start: 0, chunkBytes, algorithm: 'md5' } as const;
const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');
const pattern = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 0xff);
const big = pattern(3 * MIB + 17);

/** A stream of `bytes` in chunks of `size`, which counts what was taken from it. */
function counted(bytes: Uint8Array, size: number) {
  const taken = { bytes: 0 };
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += size) {
      const chunk = bytes.subarray(at, at + size);
      taken.bytes += chunk.length;
      yield chunk;
    }
  }
  return { taken, stream: chunks() };
}

async function readAll(open: OpenSource): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let part = await open.read(); part !== undefined; part = await open.read()) parts.push(part.slice());
  return Buffer.concat(parts);
}

async function readTo(open: OpenSource, bytes: number): Promise<void> {
  for (let read = 0; read < bytes; ) read += (await open.read())!.length;
}

describe('a stream as a source', () => {
  test.each([
    [0, 1],
    [1, 1],
    [5000, 1],
    [big.length, 1000],
    [big.length, big.length],
  ])('of %d bytes in chunks of %d: size unknown, bytes and digest right', async (length, size) => {
    const bytes = big.subarray(0, length);
    const source = streamSource(counted(bytes, size).stream, { name: 'a' });
    expect(source).toMatchObject({ name: 'a', size: undefined });
    const open = await source.open(how);
    expect(Buffer.compare(await readAll(open), bytes)).toBe(0);
    expect(await open.digest()).toBe(md5(bytes));
  });

  test('may be any that Node or the web has', async () => {
    for (const stream of [Readable.from([Buffer.from('ab'), Buffer.from('c')]), new Blob(['abc']).stream()]) {
      const open = await streamSource(stream, { name: 'a' }).open(how);
      expect(Buffer.from(await readAll(open)).toString()).toBe('abc');
    }
  });

  test('gives what there is at once, however little', async () => {
    const stream = new PassThrough();
    const open = await streamSource(stream, { name: 'a' }).open(how);
    for (const word of ['a', 'few', 'words']) {
      stream.write(word);
      expect(Buffer.from((await open.read())!).toString()).toBe(word);
    }
  });

  test('no two have the same resume key: the same command run again is another stream', () => {
    const one = streamSource(Readable.from([]), { name: 'a' });
    const other = streamSource(Readable.from([]), { name: 'a' });
    expect(one.resumeKey).toMatch(/^[!-~]{1,128}$/);
    expect(one.resumeKey).not.toBe(other.resumeKey);
  });

  test('that fails, or is not of bytes, is SOURCE_FAILED each time it is read', async () => {
    const failing = Readable.from(
      (async function* () {
        yield Buffer.from('a');
        throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', errno: -5 });
      })(),
    );
    for (const stream of [failing, Readable.from(['text'])]) {
      const source = streamSource(stream as AsyncIterable<Uint8Array>, { name: 'a' });
      for (let opened = 0; opened < 2; opened += 1) {
        await expect(readAll(await source.open(how))).rejects.toMatchObject({ code: 'SOURCE_FAILED' });
      }
    }
  });

  test('is not read by two at once', async () => {
    const source = streamSource(counted(big, 1000).stream, { name: 'a' });
    const older = await source.open(how);
    await older.read();
    await source.open(how);
    await expect(older.read()).rejects.toMatchObject({ code: 'SOURCE_FAILED' });
  });

  test.each([-1, 1.5, Number.NaN])('does not keep %d bytes', (keepBytes) => {
    expect(() => streamSource(Readable.from([]), { name: 'a', keepBytes })).toThrow(RangeError);
  });
});

describe('a stream that is opened again', () => {
  test('goes on where the receiver is, proves that prefix, and ends with the digest of all', async () => {
    const source = streamSource(counted(big, 10_000).stream, { name: 'a' });
    const first = await source.open(how);
    await readTo(first, 2 * MIB);
    first.stored?.(1.2 * MIB);
    await first.close();
    const start = 1.3 * MIB - 0.8;
    const again = await source.open({ ...how, start: Math.floor(start) });
    expect(again.prefixDigest).toBe(md5(big.subarray(0, Math.floor(start))));
    expect(Buffer.compare(await readAll(again), big.subarray(Math.floor(start)))).toBe(0);
    expect(await again.digest()).toBe(md5(big));
  });

  test('begins anew as long as nothing of it was stored, also in another digest', async () => {
    const source = streamSource(counted(big, 10_000).stream, { name: 'a' });
    await readTo(await source.open(how), 2 * MIB);
    const again = await source.open({ ...how, algorithm: 'sha256' });
    expect(Buffer.compare(await readAll(again), big)).toBe(0);
    expect(await again.digest()).toBe(createHash('sha256').update(big).digest('hex'));
  });

  test('loses nothing to a read that was under way', async () => {
    const stream = new PassThrough();
    const source = streamSource(stream, { name: 'a' });
    const first = await source.open(how);
    const lost = first.read();
    await first.close();
    const again = await source.open(how);
    stream.end('abc');
    await lost.catch(() => {});
    expect(Buffer.from(await readAll(again)).toString()).toBe('abc');
  });

  test.each([
    ['an offset before it', { start: 1000, algorithm: 'md5' }],
    ['another digest', { start: 2 * MIB, algorithm: 'sha256' }],
  ] as const)('cannot be after bytes were stored and given up: %s is SOURCE_FAILED', async (_, options) => {
    const source = streamSource(counted(big, 10_000).stream, { name: 'a' });
    const first = await source.open(how);
    await readTo(first, 2 * MIB);
    first.stored?.(2 * MIB);
    await first.close();
    await expect(source.open({ ...how, ...options })).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
      message: expect.stringContaining('cannot be read again'),
    });
  });

  test('holds no more than it was told, also when nothing is ever acknowledged', async () => {
    const source = streamSource(counted(big, 10_000).stream, { name: 'a', keepBytes: MIB });
    const open = await source.open(how);
    let most = 0;
    for (let read = 0; read < big.length; ) {
      read += (await open.read())!.length;
      most = Math.max(most, source.heldBytes);
    }
    expect(most).toBeLessThanOrEqual(MIB + 6 * TAIL_BLOCK_BYTES);
    expect(await open.digest()).toBe(md5(big));
  });
});

describe('a stream over a session', () => {
  test('is read no faster than the receiver gives credit, and what is stored is given up', async () => {
    const windowBytes = 512 * 1024;
    const { taken, stream } = counted(big, 10_000);
    const source = streamSource(stream, { name: 'a' });
    const [near, far] = pipePair();
    const session = openSession(near, { role: 'opener', chunkBytes });
    const sending = session.sendFile(source);
    const peer = new RawPeer(far);
    await peer.hearA('NEW_FILE');
    peer.say({ type: 'ACK_NEW_FILE', id: 1, code: 'OK', window: windowBytes });
    let received = 0;
    let most = 0;
    let stored = 0;
    while (received < big.length) {
      received += (await peer.hearA('FILE_DATA')).bytes.length;
      expect(taken.bytes - stored).toBeLessThanOrEqual(windowBytes + TAIL_BLOCK_BYTES);
      most = Math.max(most, source.heldBytes);
      if (received - stored < windowBytes && received < big.length) continue;
      stored = received;
      peer.say({ type: 'ACK_FILE_DATA', id: 1, stored });
    }
    const end = await peer.hearA('FILE_END');
    expect(end.md5).toBe(md5(big));
    peer.say({ type: 'ACK_FILE_END', id: 1, code: 'OK' });
    await sending;
    // The window, the block that is being filled, and those that wait to be used again.
    expect(most).toBeLessThanOrEqual(windowBytes + 6 * TAIL_BLOCK_BYTES);
    await session.close();
  });

  test('however often the line is cut, it arrives whole', async () => {
    const bytes = big.subarray(0, 1_500_000);
    const someCut = fc.record<Cut>({
      after: fc.integer({ min: 0, max: 150 }),
      how: fc.constantFrom('lost' as const, 'ghost' as const),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(someCut, { maxLength: 5 }),
        fc.integer({ min: 10_000, max: 200_000 }),
        async (cuts, size) => {
          const { taken, stream } = counted(bytes, size);
          const source = streamSource(stream, { name: 'a' });
          const receiver = memoryReceiver();
          const lines: ReturnType<typeof cuttablePair>[] = [];
          let stored: unknown;
          for (const cut of [...cuts, undefined]) {
            const line = cuttablePair(cut);
            lines.push(line);
            openSession(line.far, { role: 'acceptor', accept: receiver.accept, windowBytes: 400_000 });
            const session = openSession(line.near, { role: 'opener', chunkBytes });
            stored = await session.sendFile(source).catch((error: unknown) => error);
            await (line.broken() ? session.closed : session.close());
            if (!line.broken()) break;
          }
          for (const line of lines) line.end();
          expect(stored).toMatchObject({ size: bytes.length, digest: md5(bytes) });
          expect(Buffer.compare(receiver.files.get('a')!, bytes)).toBe(0);
          expect(taken.bytes).toBe(bytes.length);
        },
      ),
      // The second: cut between storing and the last answer, and again before it could be told.
      {
        numRuns: 25,
        examples: [
          [
            [
              { after: 52, how: 'lost' },
              { after: 7, how: 'lost' },
            ],
            107_143,
          ],
        ],
      },
    );
  });

  test('whichever packet is the last to come through, also an answer that it is stored, it is there once and said to be', async () => {
    const bytes = big.subarray(0, 8 * TAIL_BLOCK_BYTES);
    // A small window, so that most of it is acknowledged, and given up, before it is all there.
    for (let after = 1; ; after += 1) {
      const into = await temporaryDirectory();
      const { accept, close } = await directoryReceiver(into.path);
      const source = streamSource(counted(bytes, 30_000).stream, { name: 'a' });
      const first = cuttablePair({ after, how: 'lost' });
      openSession(first.far, { role: 'acceptor', accept, windowBytes: 3 * TAIL_BLOCK_BYTES });
      const losing = openSession(first.near, { role: 'opener', chunkBytes: TAIL_BLOCK_BYTES });
      const outcome = await losing.sendFile(source).catch((error: unknown) => error);
      const lost = first.broken();
      await (lost ? losing.closed : losing.close());
      first.end();
      const second = cuttablePair();
      openSession(second.far, { role: 'acceptor', accept });
      const session = openSession(second.near, { role: 'opener' });
      const stored = lost ? await session.sendFile(source) : outcome;
      expect(stored, `cut after ${after}`).toMatchObject({ size: bytes.length, digest: md5(bytes) });
      expect(await readdir(into.path).then((names) => names.filter((name) => !name.startsWith('.')))).toEqual(['a']);
      await session.close();
      await close();
      await into.remove();
      if (!lost) break;
    }
  });

  test('whose receiver has lost what it had stored fails, and says why', async () => {
    const source = streamSource(counted(big, 10_000).stream, { name: 'a' });
    const first = cuttablePair({ after: 200, how: 'lost' });
    const windowBytes = 512 * 1024;
    openSession(first.far, { role: 'acceptor', accept: memoryReceiver().accept, windowBytes });
    const losing = openSession(first.near, { role: 'opener', chunkBytes });
    await expect(losing.sendFile(source)).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    await losing.closed;
    const [near, far] = pipePair();
    openSession(far, { role: 'acceptor', accept: memoryReceiver().accept });
    const session = openSession(near, { role: 'opener', chunkBytes });
    await expect(session.sendFile(source)).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
      message: expect.stringContaining('byte 0 is wanted'),
    });
    await session.close();
  });

  test('that fails midway is no file there, and nothing is kept of it', async () => {
    const { accept, ends, files } = watchedReceiver();
    const [near, far] = pipePair();
    const receiving = openSession(far, { role: 'acceptor', accept: accept as Accept });
    const session = openSession(near, { role: 'opener' });
    const stream = Readable.from(
      (async function* () {
        yield new Uint8Array(1000);
        throw new Error('the program was killed');
      })(),
    );
    await expect(session.sendFile(streamSource(stream, { name: 'a' }))).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
      message: expect.stringContaining('the program was killed'),
    });
    await session.close();
    await receiving.closed;
    expect({ ends, files: files.size }).toEqual({ ends: ['removed'], files: 0 });
  });
});
