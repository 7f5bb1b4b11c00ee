import { mkdir, mkdtemp, readdir, readFile, rm, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@wsferry/connection';
import { bytesSource, Courier, type FileSource, SUBPROTOCOL } from '@wsferry/transfer';
import { Random } from '../fuzz/random.ts';
import { CuttingProxy } from './cutting-proxy.ts';
import { freePort, Party } from './parties.ts';

export interface SoakOptions {
  readonly seconds: number;
  readonly senders: number;
  readonly seed: number;
  readonly print: (line: string) => void;
}

/** What a soak showed. */
export interface Soaked {
  readonly files: number;
  readonly bytes: number;
  readonly cuts: number;
  readonly failures: readonly string[];
  /** The receiver's resident memory: the highest in the second and in the last third of the time, in bytes. */
  readonly peakBytes: { readonly before: number; readonly after: number };
  /** Whether the memory is flat: what comes later is within a tenth, and a little, of what was there before. */
  readonly flat: boolean;
}

/** One reading a second is enough for a trend, and no load. */
const LOOK_EVERY_MS = 1000;
const CUT_EVERY_MS = 5000;
/** Garbage that is not collected yet is no leak. */
const NOISE_BYTES = 16e6;

/**
 * Many senders, each with one file after another, over lines that are cut now and then, into one receiver, for a long time.
 * Who has sent a file takes it away, so that no disk is filled: it must be there, and once.
 */
export async function soak({ seconds, senders, seed, print }: SoakOptions): Promise<Soaked> {
  const folder = await mkdtemp(join(tmpdir(), 'wsferry-soak-'));
  const inbox = join(folder, 'inbox');
  await mkdir(inbox);
  const port = await freePort();
  const receiver = new Party(['serve', '--port', String(port), '--dir', inbox], folder);
  receiver.forget = true;
  const proxy = new CuttingProxy(port);
  const random = new Random(seed);
  const failures: string[] = [];
  const tally = { files: 0, bytes: 0, cuts: 0 };
  try {
    receiver.start();
    await receiver.next('receiver');
    const url = `ws://127.0.0.1:${await proxy.listen()}`;
    const endAt = performance.now() + seconds * 1000;
    const memory: number[] = [];
    const look = setInterval(() => {
      void residentBytesOf(receiver.pid).then((bytes) => memory.push(bytes));
    }, LOOK_EVERY_MS);
    const cut = setInterval(() => {
      tally.cuts += 1;
      if (random.once(2)) proxy.drop();
      else proxy.reset();
      print(
        `${Math.round((endAt - performance.now()) / 1000)} s left: ${tally.files} files, ${megabytes(tally.bytes)}, receiver ${megabytes(memory.at(-1) ?? 0)}`,
      );
    }, CUT_EVERY_MS);
    await Promise.all(
      Array.from({ length: senders }, (_, index) =>
        sendOn(index, { url, inbox, endAt }, new Random(seed + index), tally, failures),
      ),
    );
    clearInterval(look);
    clearInterval(cut);
    const twice = (await readdir(inbox)).filter((name) => name !== '.wsferry');
    failures.push(...twice.map((name) => `${name}: is there once more than it was sent`));
    const third = Math.floor(memory.length / 3);
    const before = Math.max(0, ...memory.slice(third, 2 * third));
    const after = Math.max(0, ...memory.slice(2 * third));
    return { ...tally, failures, peakBytes: { before, after }, flat: after <= before * 1.1 + NOISE_BYTES };
  } finally {
    await receiver.signal('SIGTERM');
    await proxy.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** One sender: a file, and another one, until time is up. */
async function sendOn(
  index: number,
  { url, inbox, endAt }: { readonly url: string; readonly inbox: string; readonly endAt: number },
  random: Random,
  tally: { files: number; bytes: number },
  failures: string[],
): Promise<void> {
  const courier = new Courier({
    connect: () => connect(url, { protocols: [SUBPROTOCOL] }),
    retry: { firstDelayMs: 100, longestDelayMs: 1000 },
  });
  for (let number = 0; performance.now() < endAt; number += 1) {
    const source = sourceOf(`sender-${index}-${number}`, random);
    try {
      const { name } = await courier.sendFile(source);
      await unlink(join(inbox, name));
      tally.files += 1;
      tally.bytes += source.size ?? 0;
    } catch (error) {
      failures.push(`${source.name}: ${(error as Error).message}`);
      break;
    }
  }
  await courier.close();
}

function sourceOf(name: string, random: Random): FileSource {
  const bytes = new Uint8Array(random.once(4) ? random.below(4_000_000) : random.below(60_000));
  bytes.fill(random.below(256));
  return { ...bytesSource(name, bytes), resumeKey: `soak-${name}` };
}

async function residentBytesOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
