import { createHash } from 'node:crypto';
import { PassThrough, Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { type Cut, cuttablePair } from '../../test/cuttable-pair.ts';
import { RawPeer } from '../../test/raw-peer.ts';
import { memoryShelf, openSession, pipePair } from '../index.ts';
import { streamReceiver } from './index.ts';

const windowBytes = 8000;
const chunkBytes = 1000;
const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 31 + (index >> 8)) & 0xff);
const md5 = (part: Uint8Array) => createHash('md5').update(part).digest('hex');

/** A stream that keeps what it is given, and takes it when the test says so; at once when it never does. */
function collecting() {
  const parts: Uint8Array[] = [];
  let held: (() => void)[] | undefined;
  const stream = new Writable({
    write(chunk: Uint8Array, _, done) {
      parts.push(chunk);
      if (held) held.push(done);
      else done();
    },
  });
  const hold = () => {
    held = [];
  };
  const release = () => {
    const waiting = held ?? [];
    held = undefined;
    for (const done of waiting) done();
  };
  return { stream, written: () => Buffer.concat(parts), hold, release };
}

function keeper(content: Uint8Array) {
  return memoryShelf({ files: new Map([['a', content]]) });
}

/** Gets `a` over one line after the other, each cut where it is told; from the second on the keeper has `later`. */
async function overLines(stream: Writable, cuts: readonly Cut[], later = bytes) {
  const receiver = streamReceiver(stream);
  const lines: ReturnType<typeof cuttablePair>[] = [];
  let got: unknown;
  for (const cut of [...cuts, undefined]) {
    const line = cuttablePair(cut);
    lines.push(line);
    openSession(line.far, { role: 'acceptor', shelf: keeper(lines.length === 1 ? bytes : later), chunkBytes });
    const session = openSession(line.near, { role: 'opener', windowBytes });
    got = await session.getFile('a', { accept: receiver.accept }).catch((error: unknown) => error);
    await (line.broken() ? session.closed : session.close());
    if (!line.broken()) break;
  }
  for (const line of lines) line.end();
  return { got, lines, receiver };
}

describe('a stream that takes a file', () => {
  test('has all of it, and the digest is told', async () => {
    const { stream, written } = collecting();
    const { got, receiver } = await overLines(stream, []);
    expect(got).toMatchObject({ name: 'a', size: bytes.length, digest: md5(bytes), existing: false });
    expect(Buffer.compare(written(), bytes)).toBe(0);
    expect(receiver.writtenBytes).toBe(bytes.length);
    expect(stream.writableEnded).toBe(false);
  });

  test('may keep what it is given, as a PassThrough does', async () => {
    const stream = new PassThrough({ highWaterMark: 10 * bytes.length });
    await overLines(stream, []);
    stream.end();
    expect(Buffer.compare(Buffer.concat(await stream.toArray()), bytes)).toBe(0);
  });

  test('goes on behind what it has when the line is cut, and nothing comes twice', async () => {
    const { stream, written } = collecting();
    const { got, lines } = await overLines(stream, [
      { after: 40, how: 'lost' },
      { after: 30, how: 'lost' },
    ]);
    expect(got).toMatchObject({ size: bytes.length, digest: md5(bytes) });
    expect(Buffer.compare(written(), bytes)).toBe(0);
    expect(lines.map(({ data }) => data[0]!.offset > 0)).toEqual([false, true, true]);
  });

  test('whose file has become another one meanwhile ends with SOURCE_CHANGED, and gets nothing of that', async () => {
    const { stream, written } = collecting();
    const other = new Uint8Array(bytes.length).fill(1);
    const { got } = await overLines(stream, [{ after: 40, how: 'lost' }], other);
    expect(got).toMatchObject({ code: 'SOURCE_CHANGED' });
    expect(Buffer.compare(written(), bytes.subarray(0, written().length))).toBe(0);
  });

  test('that is slow is not given more than the window', async () => {
    const { stream, written, hold, release } = collecting();
    hold();
    const [near, far] = pipePair();
    openSession(far, { role: 'acceptor', shelf: keeper(bytes), chunkBytes });
    const session = openSession(near, { role: 'opener', windowBytes });
    const getting = session.getFile('a', { accept: streamReceiver(stream).accept });
    for (let turns = 0; turns < 100; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(session.pendingBytes).toBeGreaterThan(0);
    expect(session.pendingBytes).toBeLessThanOrEqual(windowBytes);
    expect(stream.writableLength).toBeLessThanOrEqual(windowBytes);
    release();
    await getting;
    expect(Buffer.compare(written(), bytes)).toBe(0);
    await session.close();
  });

  test('has got wrong bytes by the time that DIGEST_MISMATCH is told', async () => {
    const { stream, written } = collecting();
    const [near, far] = pipePair();
    const session = openSession(near, { role: 'opener' });
    const getting = session.getFile('a', { accept: streamReceiver(stream).accept });
    const peer = new RawPeer(far);
    await peer.hearA('GET_FILE');
    peer.say(
      { type: 'ACK_GET_FILE', request: 1, code: 'OK' },
      { type: 'NEW_FILE', id: 2, name: 'a', size: 3, request: 1 },
    );
    await peer.hearA('ACK_NEW_FILE');
    peer.say(
      { type: 'FILE_DATA', id: 2, offset: 0, bytes: Buffer.from('abc') },
      { type: 'FILE_END', id: 2, md5: md5(Buffer.from('abd')) },
    );
    await expect(getting).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    expect(written().toString()).toBe('abc');
    await session.close();
  });

  test.each([
    ['whose reader has left', 'EPIPE', 'CANCELLED'],
    ['on a full disk', 'ENOSPC', 'NO_SPACE'],
    ['that fails', 'EIO', 'STORAGE_FAILED'],
  ])('%s (%s) ends the transfer with %s, and takes nothing more', async (_, system, code) => {
    const cause = Object.assign(new Error(`${system}: write`), { code: system, syscall: 'write' });
    const stream = new Writable({ write: (_chunk, _encoding, done) => done(cause) });
    const { got, receiver } = await overLines(stream, []);
    expect(got).toMatchObject({ code, cause });
    expect(receiver.writtenBytes).toBe(0);
    const [near, far] = pipePair();
    openSession(far, { role: 'acceptor', shelf: keeper(bytes) });
    const session = openSession(near, { role: 'opener' });
    await expect(session.getFile('a', { accept: receiver.accept })).rejects.toMatchObject({ code });
    await session.close();
  });

  test('that nobody reads holds nobody who gives up', async () => {
    const { stream, hold } = collecting();
    hold();
    const abort = new AbortController();
    const [near, far] = pipePair();
    openSession(far, { role: 'acceptor', shelf: keeper(bytes), chunkBytes });
    const session = openSession(near, { role: 'opener', windowBytes });
    const { signal } = abort;
    const getting = session.getFile('a', { accept: streamReceiver(stream, { signal }).accept, signal });
    for (let turns = 0; turns < 100; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    abort.abort('enough');
    await expect(getting).rejects.toMatchObject({ code: 'CANCELLED' });
    await session.close();
  });

  test('takes one file', async () => {
    const { stream } = collecting();
    const { receiver } = await overLines(stream, []);
    const [near, far] = pipePair();
    openSession(far, { role: 'acceptor', shelf: keeper(bytes) });
    const session = openSession(near, { role: 'opener' });
    await expect(session.getFile('a', { accept: receiver.accept })).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    await session.close();
  });
});
