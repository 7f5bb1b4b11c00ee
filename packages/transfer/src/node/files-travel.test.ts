import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RawPeer } from '../../test/raw-peer.ts';
import { blobSource } from '../browser/index.ts';
import {
  bytesSource,
  encodePacket,
  type FileSource,
  openSession,
  pipePair,
  type SendProgress,
  type TransferError,
  type TransferEvent,
} from '../index.ts';
import { directoryReceiver, pathSource } from './index.ts';

const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let from: string;
let into: string;
beforeEach(async () => {
  directory = await temporaryDirectory();
  from = join(directory.path, 'from');
  into = join(directory.path, 'into');
  await mkdir(from);
  await mkdir(into);
});
afterEach(() => directory.remove());

/** A sender and a receiver into `into`, joined in memory. */
async function ferry() {
  const [near, far] = pipePair();
  const { accept } = await directoryReceiver(into, { fsync: false });
  const events: TransferEvent[] = [];
  const receiver = openSession(far, { role: 'acceptor', accept, onTransfer: (event) => events.push(event) });
  const sender = openSession(near, { role: 'opener' });
  const end = async () => {
    await sender.close();
    await receiver.closed;
  };
  return { near, far, sender, receiver, events, end };
}

/** The same receiver, and a sender under the test's control. */
async function rawFerry() {
  const [near, far] = pipePair();
  const { accept } = await directoryReceiver(into, { fsync: false });
  const receiver = openSession(far, { role: 'acceptor', accept });
  return { near: new RawPeer(near), end: () => receiver.close() };
}

async function made(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(from, name);
  await writeFile(path, bytes);
  return path;
}

describe('a file on disk, sent into a directory', () => {
  test.each([0, 1, 262_144, 262_145, 5_000_001])('of %i bytes arrives whole, with its time and MD5', async (size) => {
    const bytes = randomBytes(size);
    const path = await made('a.bin', bytes);
    await utimes(path, 1_000_000_000, 1_000_000_000);
    const { sender, end } = await ferry();
    const stored = await sender.sendFile(await pathSource(path));
    expect(stored).toEqual({
      name: 'a.bin',
      path: 'a.bin',
      size,
      digest: md5(bytes),
      algorithm: 'md5',
      existing: false,
    });
    expect(Buffer.compare(await readFile(join(into, 'a.bin')), bytes)).toBe(0);
    await end();
    expect(await readdir(into)).toEqual(['a.bin']);
  });

  test.each([0, 1, 5_000_001])(
    'of %i bytes sent twice is there already the second time, and no byte moves',
    async (size) => {
      const path = await made('a.bin', randomBytes(size));
      const { sender, events, end } = await ferry();
      await sender.sendFile(await pathSource(path));
      events.length = 0;
      expect(await sender.sendFile(await pathSource(path))).toMatchObject({ name: 'a.bin', size, existing: true });
      expect(events.map(({ type }) => type)).toEqual(['offered', 'stored']);
      await end();
      expect(await readdir(into)).toEqual(['a.bin']);
    },
  );

  test.each([
    ['replaced by a folder', 'SOURCE_CHANGED', (path: string) => rm(path).then(() => mkdir(path))],
    ['removed', 'SOURCE_FAILED', (path: string) => rm(path)],
  ])('that is %s before it is sent: neither side is told where it lay', async (_how, code, harm) => {
    const source = await pathSource(await made('a.bin', randomBytes(20)));
    await harm(join(from, 'a.bin'));
    const { sender, events, end } = await ferry();
    const failure: TransferError = await sender.sendFile(source).then(
      () => expect.unreachable(),
      (error) => error,
    );
    await end();
    expect(failure).toMatchObject({ code, side: 'local' });
    expect(events.at(-1)).toMatchObject({ type: 'failed', code, message: failure.message });
    expect(failure.message).toMatch(/^the source /);
    expect(failure.message).not.toContain(from);
  });

  test.each([
    ['path', pathSource],
    ['Blob', async (path: string) => blobSource(Object.assign(new Blob([await readFile(path)]), { name: 'a.bin' }))],
  ] as const)(
    'sent again from a %s tells how far it is compared, for no byte moves meanwhile',
    async (_what, source) => {
      const size = 12_000_001;
      const path = await made('a.bin', randomBytes(size));
      const { sender, end } = await ferry();
      await sender.sendFile(await source(path), { onProgress: (seen) => expect(seen).not.toHaveProperty('compared') });
      const seen: SendProgress[] = [];
      await sender.sendFile(await source(path), { onProgress: (progress) => seen.push(progress) });
      await end();
      const comparing = seen.filter(({ compared }) => compared !== undefined);
      expect(comparing.length).toBeGreaterThan(10);
      for (const [index, progress] of comparing.entries()) {
        expect(progress).toMatchObject({ stored: 0, sent: 0, size });
        expect(progress.compared).toBeGreaterThan(comparing[index - 1]?.compared ?? 0);
      }
      expect(comparing.at(-1)?.compared).toBe(size);
      expect(seen.at(-1)).toMatchObject({ stored: size, sent: size, size });
      expect(seen.at(-1)).not.toHaveProperty('compared');
    },
  );

  test('with sha256 agreed arrives, is compared when sent again, and another of its size gets a number', async () => {
    const bytes = randomBytes(400_000);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const path = await made('a.bin', bytes);
    const { sender, end } = await ferry();
    const digest = 'sha256';
    const told = { name: 'a.bin', digest: sha256, algorithm: 'sha256' };
    expect(await sender.sendFile(await pathSource(path), { digest })).toMatchObject({ ...told, existing: false });
    expect(await sender.sendFile(await pathSource(path), { digest })).toMatchObject({ ...told, existing: true });
    await writeFile(path, randomBytes(400_000));
    expect(await sender.sendFile(await pathSource(path), { digest })).toMatchObject({ name: 'a (1).bin' });
    await end();
  });

  test('that is there already is kept when the sender ends with another digest, and nobody says it was removed', async () => {
    const path = join(into, 'a.bin');
    await writeFile(path, 'same');
    const { near, end } = await rawFerry();
    near.say({ type: 'NEW_FILE', id: 1, name: 'a.bin', size: 4 });
    await near.hearA('ACK_NEW_FILE');
    near.say({ type: 'FILE_END', id: 1, md5: '0'.repeat(32) });
    const { code, message } = await near.hearA('ACK_FILE_END');
    expect(code).toBe('DIGEST_MISMATCH');
    expect(message).not.toContain('removed');
    await end();
    expect(await readFile(path, 'utf8')).toBe('same');
  });

  test.each([
    ['the same length', 400_000],
    ['another length', 300_000],
  ])('with other content of %s gets a number', async (_which, size) => {
    const { sender, end } = await ferry();
    const first = randomBytes(400_000);
    await sender.sendFile(await pathSource(await made('a.bin', first)));
    const second = randomBytes(size);
    const stored = await sender.sendFile(await pathSource(await made('a.bin', second)));
    expect(stored).toMatchObject({ name: 'a (1).bin', digest: md5(second), existing: false });
    expect(Buffer.compare(await readFile(join(into, 'a.bin')), first)).toBe(0);
    expect(Buffer.compare(await readFile(join(into, 'a (1).bin')), second)).toBe(0);
    await end();
  });

  test('two hundred at once over one connection arrive, each with its own bytes', async () => {
    const files = new Map<string, Uint8Array>();
    for (let index = 0; index < 200; index += 1) files.set(`file-${index}`, randomBytes(index * 997));
    const { sender, end } = await ferry();
    await Promise.all(
      [...files].map(async ([name, bytes]) => sender.sendFile(await pathSource(await made(name, bytes)))),
    );
    for (const [name, bytes] of files) expect(Buffer.compare(await readFile(join(into, name)), bytes)).toBe(0);
    await end();
    expect((await readdir(into)).length).toBe(200);
  });

  test('of one name from ten senders never mix', async () => {
    const contents = Array.from({ length: 10 }, (_, index) => Buffer.alloc(700_000, index));
    const ferries = await Promise.all(contents.map(() => ferry()));
    const stored = await Promise.all(
      ferries.map(({ sender }, index) => sender.sendFile(bytesSource('same.bin', contents[index]!))),
    );
    for (const [index, file] of stored.entries()) {
      expect(Buffer.compare(await readFile(join(into, file.path!)), contents[index]!)).toBe(0);
    }
    expect(new Set(stored.map(({ name }) => name)).size).toBe(10);
    for (const { end } of ferries) await end();
    expect((await readdir(into)).length).toBe(10);
  });

  test('whose MD5 is not that of the bytes that came leaves nothing behind', async () => {
    const bytes = randomBytes(600_000);
    const honest = bytesSource('a.bin', bytes);
    const lying: FileSource = {
      ...honest,
      open: async (options) => ({ ...(await honest.open(options)), digest: async () => md5(Buffer.from('else')) }),
    };
    const { sender, receiver, end } = await ferry();
    await expect(sender.sendFile(lying)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH', side: 'peer' });
    await end();
    await receiver.closed;
    expect(await readdir(into)).toEqual([]);
  });

  test('that is truncated on the way fails as SOURCE_CHANGED on both sides and leaves nothing behind', async () => {
    const path = await made('a.bin', randomBytes(8_000_000));
    const { sender, events, end } = await ferry();
    let cut = false;
    const onProgress = ({ stored }: SendProgress) => {
      if (stored === 0 || cut) return;
      void truncate(path, 100);
      cut = true;
    };
    await expect(sender.sendFile(await pathSource(path), { onProgress })).rejects.toMatchObject({
      code: 'SOURCE_CHANGED',
      side: 'local',
    });
    await end();
    expect(events.at(-1)).toMatchObject({ type: 'failed', code: 'SOURCE_CHANGED' });
    expect(await readdir(into)).toEqual([]);
  });

  test('whose sender vanishes leaves nothing under its name, and the next one is served', async () => {
    const { near, far, receiver } = await ferry();
    near.send(encodePacket({ type: 'NEW_FILE', id: 3, name: 'a.bin', size: 100 }));
    near.send(encodePacket({ type: 'FILE_DATA', id: 3, offset: 0, bytes: new Uint8Array(50) }));
    far.abort();
    await receiver.closed;
    expect(await readdir(into)).toEqual([]);
    const { sender, end } = await ferry();
    await sender.sendFile(bytesSource('a.bin', new Uint8Array(3)));
    await end();
    expect(await readdir(into)).toEqual(['a.bin']);
  });

  test('does not go where a symlink under its name leads', async () => {
    await writeFile(join(directory.path, 'victim'), 'untouched');
    await symlink(join(directory.path, 'victim'), join(into, 'a.bin'));
    const { sender, end } = await ferry();
    expect(await sender.sendFile(bytesSource('a.bin', Buffer.from('untouched')))).toMatchObject({ name: 'a (1).bin' });
    await end();
    expect(await readFile(join(directory.path, 'victim'), 'utf8')).toBe('untouched');
  });

  test.each(['../../x', 'C:\\x', 'a/../../b', '', 'x'.repeat(5000), 'a\u0007b', '.wsferry'])(
    'named %j is refused as BAD_NAME',
    async (name) => {
      const { sender, end } = await ferry();
      await expect(sender.sendFile(bytesSource(name, new Uint8Array(1)))).rejects.toMatchObject({ code: 'BAD_NAME' });
      await end();
      expect(await readdir(into)).toEqual([]);
      expect((await readdir(directory.path)).sort()).toEqual(['from', 'into']);
    },
  );

  test('that is cancelled leaves nothing behind', async () => {
    const path = await made('a.bin', randomBytes(20_000_000));
    const { sender, receiver, end } = await ferry();
    const aborting = new AbortController();
    const onProgress = () => aborting.abort();
    await expect(
      sender.sendFile(await pathSource(path), { onProgress, signal: aborting.signal }),
    ).rejects.toMatchObject({ code: 'CANCELLED' });
    await end();
    await receiver.closed;
    expect(await readdir(into)).toEqual([]);
  });

  test('chosen in a page arrives the same way', async () => {
    const bytes = randomBytes(1_000_000);
    const { sender, end } = await ferry();
    const file = Object.assign(new Blob([bytes]), { name: 'photo.jpg', lastModified: 1_600_000_000_000 });
    expect(await sender.sendFile(blobSource(file))).toMatchObject({ digest: md5(bytes), existing: false });
    expect(await sender.sendFile(blobSource(file))).toMatchObject({ existing: true });
    await end();
  });
});
