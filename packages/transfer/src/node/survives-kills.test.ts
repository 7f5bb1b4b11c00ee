import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '@wsferry/testing';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { channelPipe } from '../../test/channel-pipe.ts';
import { type PlainFile, type PlainOutcome, sendPlainly } from '../../test/plain-sender.ts';
import { deferred, RawPeer } from '../../test/raw-peer.ts';
import { openSession, pipePair } from '../index.ts';
import { directoryReceiver } from './index.ts';

const file: PlainFile = { name: 'a.bin', content: randomBytes(600_000), modified: 1_000_000_000_000, resumeKey: 'key' };

const { content: _content, ...offered } = file;

/** A process that receives into `dir`; see test/receiving-process.ts for `point`. */
async function receivingProcess(dir: string, point?: number): Promise<ChildProcess> {
  const program = fileURLToPath(new URL('../../test/receiving-process.ts', import.meta.url));
  const args = ['--conditions=@wsferry/source', '--import', 'tsx', program, dir];
  if (point !== undefined) args.push(`${point}`);
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  await Promise.race([once(child, 'message'), once(child, 'exit')]);
  return child;
}

/** Sends to a process, and waits until it has ended. */
async function sendTo(child: ChildProcess, onMessage?: () => void): Promise<PlainOutcome> {
  const exited = child.exitCode ?? child.signalCode ?? once(child, 'exit');
  const pipe = channelPipe(child, onMessage);
  const outcome = await sendPlainly(pipe, file);
  pipe.close();
  await exited;
  return outcome;
}

/** Sends to a receiver in this process. */
async function sendHere(dir: string): Promise<PlainOutcome> {
  const [near, far] = pipePair();
  const { accept, close } = await directoryReceiver(dir);
  const session = openSession(far, { role: 'acceptor', accept });
  const outcome = await sendPlainly(near, file);
  near.close();
  await session.closed;
  await close();
  return outcome;
}

type Kill = { readonly change: number } | { readonly message: number };

/** Receives until it is killed: at a change of the file system, or when its parent has heard so many messages. */
async function receiveUntil(dir: string, kill: Kill): Promise<PlainOutcome> {
  if ('change' in kill) return sendTo(await receivingProcess(dir, kill.change));
  const child = await receivingProcess(dir);
  let heard = 0;
  return sendTo(child, () => {
    heard += 1;
    if (heard === kill.message) child.kill('SIGKILL');
  });
}

const kills = fc.oneof(
  // A file of six chunks takes about fifty points, and a few more when there is something to tidy up.
  { weight: 2, arbitrary: fc.record({ change: fc.integer({ min: 0, max: 60 }) }) },
  { weight: 1, arbitrary: fc.record({ message: fc.integer({ min: 1, max: 8 }) }) },
);

describe('a receiver that is killed', () => {
  test('loses nothing that it acknowledged, and leaves nothing but the file to the next process', {
    timeout: 240_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(kills, { minLength: 1, maxLength: 2 }), async (points) => {
        await using directory = await temporaryDirectory();
        const dir = directory.path;
        let acknowledged = 0;
        let stored = false;
        for (const point of points) {
          const outcome = await receiveUntil(dir, point);
          acknowledged = Math.max(acknowledged, outcome.acknowledged);
          stored ||= outcome.code === 'OK';
        }
        const last = await sendHere(dir);
        expect(last.code).toBe('OK');
        expect(last.offset).toBeGreaterThanOrEqual(acknowledged);
        if (stored) expect(last.existing).toBe(true);
        expect(await readdir(dir)).toEqual([file.name]);
        expect(Buffer.compare(await readFile(join(dir, file.name)), file.content)).toBe(0);
      }),
      { numRuns: 5 },
    );
  });

  test('leaves what it had to one process only, and two never write to the same partial file', async () => {
    await using directory = await temporaryDirectory();
    const dir = directory.path;
    const killed = await receivingProcess(dir);
    const peer = new RawPeer(channelPipe(killed));
    const half = file.content.slice(0, 300_000);
    peer.say({ ...offered, type: 'NEW_FILE', id: 1, size: file.content.length });
    await peer.hearA('ACK_NEW_FILE');
    peer.say({ type: 'FILE_DATA', id: 1, offset: 0, bytes: half });
    await peer.hearA('ACK_FILE_DATA');
    const dead = once(killed, 'exit');
    killed.kill('SIGKILL');
    await dead;
    const one = channelPipe(await receivingProcess(dir));
    const other = channelPipe(await receivingProcess(dir));
    const accepted = deferred();
    const both = deferred();
    const offsets: number[] = [];
    const sending = sendPlainly(one, file, async (offset) => {
      offsets.push(offset);
      accepted.resolve();
      await both.promise;
    });
    await accepted.promise;
    const also = sendPlainly(other, file, async (offset) => {
      offsets.push(offset);
      both.resolve();
    });
    const codes = (await Promise.all([sending, also])).map(({ code }) => code);
    one.close();
    other.close();
    expect(codes).toEqual(['OK', 'OK']);
    expect(offsets).toEqual([half.length, 0]);
    // The processes tidy up behind their last word.
    await vi.waitFor(async () => expect(await readdir(dir)).toEqual([file.name]), 10_000);
    expect(Buffer.compare(await readFile(join(dir, file.name)), file.content)).toBe(0);
  });
});
