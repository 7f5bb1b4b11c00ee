import { type FileHandle, mkdir, mkdtemp, open, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuSecondsOfFamily, peakBytesOf } from '../process-facts.ts';
import type { Participant, Round } from '../results.ts';
import type { FileWorkload } from '../workloads.ts';
import { type Carrier, md5sum, tus, wsferry, wsStreams } from './carriers.ts';
import { runCommand } from './command.ts';
import { rsync, scp } from './daemons.ts';
import { longLine, ourDigests } from './within.ts';

export interface FilesMeasured {
  readonly participants: readonly Participant[];
  /** The workload's title with the size that was carried. */
  readonly title: string;
  readonly versions: Readonly<Record<string, string>>;
}

export interface FilePace {
  readonly rounds: number;
  readonly quick: boolean;
}

const MIB = 1024 * 1024;
/** docs/limits.md: what either process may hold, however large the file. */
const PEAK_LIMIT_BYTES = 120e6;

/** Runs one workload of files in a folder of its own, which is removed afterwards. */
export async function measureFiles(workload: FileWorkload, { rounds, quick }: FilePace): Promise<FilesMeasured> {
  const parent = (await statfs('/dev/shm').catch(() => undefined)) ? '/dev/shm' : tmpdir();
  const folder = await mkdtemp(join(parent, 'wsferry-bench-'));
  try {
    switch (workload.job.kind) {
      case 'file':
        return await oneFile(folder, workload, (quick ? 128 : 1024) * MIB, rounds);
      case 'small-files':
        return await smallFiles(folder, workload, quick ? 1000 : 10_000, rounds);
      case 'huge':
        return await hugeFile(folder, workload, (quick ? 1024 : 10 * 1024) * MIB);
      case 'digest': {
        const bytes = (quick ? 128 : 1024) * MIB;
        const path = await randomFile(join(folder, 'source.bin'), bytes);
        return { ...named(workload, bytes), participants: await ourDigests(folder, path, bytes, rounds) };
      }
      case 'long-line': {
        const bytes = (quick ? 64 : 512) * MIB;
        const path = await randomFile(join(folder, 'source.bin'), bytes);
        return { ...named(workload, bytes), participants: await longLine(folder, path, bytes, rounds) };
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function named(workload: FileWorkload, bytes: number): { title: string; versions: Record<string, string> } {
  const size = bytes >= 1024 * MIB ? `${bytes / 1024 / MIB} GiB` : `${bytes / MIB} MiB`;
  return { title: `${workload.title} (${size})`, versions: {} };
}

async function oneFile(folder: string, workload: FileWorkload, bytes: number, rounds: number): Promise<FilesMeasured> {
  const path = await randomFile(join(folder, 'source.bin'), bytes);
  const carriers = [wsferry, wsStreams, scp('scp', false), rsync, tus, md5sum];
  const measured = await carry(folder, carriers, {
    paths: [path],
    cwd: folder,
    amount: bytes / 1e6,
    rounds,
    check: path,
  });
  return { ...named(workload, bytes), ...measured };
}

async function smallFiles(
  folder: string,
  workload: FileWorkload,
  count: number,
  rounds: number,
): Promise<FilesMeasured> {
  const cwd = join(folder, 'source');
  await mkdir(cwd);
  const paths = Array.from({ length: count }, (_, index) => `file-${index}.bin`);
  for (const [index, path] of paths.entries()) await writeFile(join(cwd, path), Buffer.alloc(4096, `${index};`));
  const measured = await carry(folder, [wsferry, scp('scp -r', true)], { paths, cwd, amount: count, rounds });
  return { title: `${count.toLocaleString('en')} ${workload.title}`, ...measured };
}

/** Ours alone: what the process holds, not how fast it is. */
async function hugeFile(folder: string, workload: FileWorkload, bytes: number): Promise<FilesMeasured> {
  const path = join(folder, 'source.bin');
  const file = await open(path, 'w');
  // Sparse: only what arrives takes room. A mark at every GiB, so that a chunk in a wrong place changes the digest.
  await file.truncate(bytes);
  for (let at = 0; at < bytes; at += 1024 * MIB) await file.write(Buffer.from(`at ${at}`), 0, undefined, at);
  await file.close();
  const { bavail, bsize } = await statfs(folder);
  const limit = { name: 'the limit of 120 MB', rounds: [{ value: PEAK_LIMIT_BYTES }] };
  if (bavail * bsize < bytes * 1.2) {
    const absent = `needs ${Math.round((bytes * 1.2) / 1e9)} GB of free memory for what arrives`;
    return { ...named(workload, bytes), participants: [{ name: 'wsferry', rounds: [], absent }, limit] };
  }
  const job = { paths: [path], cwd: folder, amount: bytes / 1e6, rounds: 1, check: path };
  const { participants } = await carry(folder, [wsferry], job);
  const [ours] = participants;
  const peaks = ours!.rounds.map((round) => round?.peakBytes && { ...round, value: round.peakBytes });
  return { ...named(workload, bytes), participants: [{ ...ours!, rounds: peaks as Round[] }, limit] };
}

interface Carrying {
  readonly paths: readonly string[];
  readonly cwd: string;
  /** What is carried, in the workload's unit without "per second". */
  readonly amount: number;
  readonly rounds: number;
  /** Compared with what arrived, the first time. Without it the arrived files are counted. */
  readonly check?: string;
}

/** All carriers in every round, each round beginning with another one. */
async function carry(
  folder: string,
  carriers: readonly Carrier[],
  job: Carrying,
): Promise<{ participants: Participant[]; versions: Record<string, string> }> {
  const rounds = new Map<Carrier, (Round | undefined)[]>(carriers.map((carrier) => [carrier, []]));
  const absent = new Map(carriers.flatMap((carrier) => (carrier.absent ? [[carrier, carrier.absent] as const] : [])));
  const versions: Record<string, string> = {};
  for (const carrier of carriers) {
    if (carrier.absent || !carrier.version) continue;
    versions[carrier.name] = await carrier.version().catch((error: Error) => error.message);
  }
  for (let round = 0; round < job.rounds; round++) {
    for (let turn = 0; turn < carriers.length; turn++) {
      const carrier = carriers[(turn + round) % carriers.length]!;
      if (absent.has(carrier)) continue;
      const own = join(folder, 'carrier');
      const dir = join(folder, 'arrived');
      await mkdir(own);
      await mkdir(dir);
      try {
        rounds.get(carrier)![round] = await carryOnce(carrier, own, dir, job, round === 0);
      } catch (error) {
        absent.set(carrier, (error as Error).message);
      }
      await rm(own, { recursive: true });
      await rm(dir, { recursive: true });
    }
  }
  const participants = carriers.map((carrier) => {
    const reason = absent.get(carrier);
    return { name: carrier.name, rounds: rounds.get(carrier)!, ...(reason !== undefined && { absent: reason }) };
  });
  return { participants, versions };
}

async function carryOnce(carrier: Carrier, own: string, dir: string, job: Carrying, first: boolean): Promise<Round> {
  const receiving = await carrier.start(own, dir);
  try {
    const { pid, forks = false } = receiving;
    const before = cpuSecondsOfFamily(pid);
    const { seconds, cpuSeconds, peakBytes } = await runCommand(receiving.send(job.paths), job.cwd);
    const receiverCpuSeconds = cpuSecondsOfFamily(pid) - before;
    const peak = Math.max(peakBytes, forks ? 0 : peakBytesOf(pid));
    if (!carrier.readsOnly) await checkArrived(dir, job, first);
    return {
      value: job.amount / seconds,
      ...(peak > 0 && { peakBytes: peak }),
      ...(cpuSeconds > 0 && { senderCpuSeconds: cpuSeconds }),
      ...(pid > 0 && receiverCpuSeconds > 0 && { receiverCpuSeconds }),
    };
  } finally {
    await receiving.stop();
  }
}

async function checkArrived(dir: string, { paths, check }: Carrying, first: boolean): Promise<void> {
  // tus keeps a description beside each file; ours, a folder for unfinished ones.
  const names = (await readdir(dir)).filter((name) => !name.startsWith('.') && !name.endsWith('.json'));
  if (names.length !== paths.length) throw new Error(`expected ${paths.length} files to arrive, found ${names.length}`);
  if (check !== undefined && first && !(await sameBytes(check, join(dir, names[0]!)))) {
    throw new Error('what arrived is not what was sent');
  }
}

async function sameBytes(one: string, other: string): Promise<boolean> {
  const files = [await open(one), await open(other)] as const;
  const blocks = [Buffer.alloc(4 * MIB), Buffer.alloc(4 * MIB)] as const;
  try {
    for (;;) {
      const [a, b] = [await readBlock(files[0], blocks[0]), await readBlock(files[1], blocks[1])];
      if (!a.equals(b)) return false;
      if (a.length === 0) return true;
    }
  } finally {
    for (const file of files) await file.close();
  }
}

async function readBlock(file: FileHandle, block: Buffer): Promise<Buffer> {
  return block.subarray(0, (await file.read(block, 0, block.length)).bytesRead);
}

/** Not compressible, no two blocks alike, and quickly made. */
async function randomFile(path: string, bytes: number): Promise<string> {
  const { randomFillSync } = await import('node:crypto');
  const block = randomFillSync(Buffer.alloc(16 * MIB));
  const file = await open(path, 'w');
  for (let at = 0; at < bytes; at += block.length) {
    block.writeDoubleLE(at, 0);
    await file.write(block, 0, Math.min(block.length, bytes - at));
  }
  await file.close();
  return path;
}
