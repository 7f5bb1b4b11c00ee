import { mkdir, mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finish, peakMemory, shell, startServe, stop } from './shell.ts';

interface Row {
  what: string;
  seconds: number;
  megabytesPerSecond: number;
  senderPeakMB: number;
  receiverPeakMB: number;
}

/** 150 MB: what either process may hold for one transfer, whatever the file's size. Many senders each have their window. */
const MEMORY_LIMIT_MB = 150;

/** Carries what the project promises to carry; the exit code is 1 when one does not arrive or memory grows too far. */
export async function runSizes({ large, json }: { large: number; json: boolean }): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'wsferry-bench-'));
  const rows: Row[] = [];
  try {
    rows.push(await largeFile(folder, large), await manyFiles(folder, 1000), await manySenders(folder, 50));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  if (json) console.log(JSON.stringify({ node: process.version, rows }));
  else console.table(rows);
  const [largest] = rows;
  if (largest && Math.max(largest.senderPeakMB, largest.receiverPeakMB) > MEMORY_LIMIT_MB) {
    console.error(`expected peak memory of at most ${MEMORY_LIMIT_MB} MB for ${largest.what}`);
    process.exitCode = 1;
  }
}

async function largeFile(folder: string, bytes: number): Promise<Row> {
  const path = join(folder, 'large.bin');
  const file = await open(path, 'w');
  // Not all zeros: a mark at every GiB, so that a chunk in a wrong place changes the digest.
  await file.truncate(bytes);
  for (let at = 0; at < bytes; at += 1024 ** 3) await file.write(Buffer.from(`at ${at}`), 0, undefined, at);
  await file.close();
  return measure(folder, `1 file of ${(bytes / 1024 ** 3).toFixed(2)} GiB`, [[path]], bytes, 1);
}

async function manyFiles(folder: string, count: number): Promise<Row> {
  const paths = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const path = join(folder, `small-${index}.txt`);
      await writeFile(path, `file ${index}\n`.repeat(300));
      return path;
    }),
  );
  return measure(folder, `${count} small files, one call`, [paths], count * 3000, count);
}

async function manySenders(folder: string, count: number): Promise<Row> {
  const path = join(folder, 'shared.bin');
  await writeFile(path, Buffer.alloc(4 * 1024 * 1024, 7));
  const calls = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const copy = join(folder, `sender-${index}.bin`);
      await writeFile(copy, Buffer.alloc(4 * 1024 * 1024, index));
      return [copy];
    }),
  );
  return measure(folder, `${count} senders at once, 4 MiB each`, calls, count * 4 * 1024 * 1024, count);
}

async function measure(folder: string, what: string, calls: string[][], bytes: number, files: number): Promise<Row> {
  const dir = join(folder, 'received');
  await mkdir(dir);
  const { url, child } = await startServe(folder, dir);
  const startedAt = performance.now();
  const ends = await Promise.all(
    calls.map((paths) => finish(shell(['send', ...paths, '--to', url, '--quiet'], folder))),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  const receiverPeak = await peakMemory(child);
  await stop(child);
  const failed = ends.filter(({ code }) => code !== 0);
  if (failed.length > 0) throw new Error(`${what}: ${failed.length} senders ended with ${failed[0]?.code}`);
  const stored = (await readdir(dir)).filter((name) => !name.startsWith('.'));
  if (stored.length !== files) throw new Error(`${what}: expected ${files} files, found ${stored.length}`);
  await rm(dir, { recursive: true });
  return {
    what,
    seconds: round(seconds),
    megabytesPerSecond: round(bytes / 1e6 / seconds),
    senderPeakMB: round(Math.max(...ends.map(({ peakBytes }) => peakBytes)) / 1e6),
    receiverPeakMB: round(receiverPeak / 1e6),
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
