import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Accept, AcceptFolder, OnConflict, SafeName, TransferEvent } from '@wsferry/transfer';
import { limitAccept, RateLimit, safeFolder, TransferError } from '@wsferry/transfer';
import { directoryReceiver } from '@wsferry/transfer/node';
import { eachConcurrently } from '../each-concurrently.ts';
import { CliError, explainTransfer } from '../errors.ts';
import { ExitCode, worst } from '../exit-codes.ts';
import { folderError } from '../folder-errors.ts';
import { explainWritten, type Output, openOutput, readerLeft, STANDARD } from '../output.ts';
import { type Pausing, pauseByKey } from '../pausing.ts';
import { namesOf } from '../remote-path.ts';
import type { Reporter } from '../reporters/reporter.ts';
import { storedEvent } from '../stored-event.ts';
import { type Talk, type TalkOptions, talk } from './run-command.ts';

export interface GetOptions extends TalkOptions {
  readonly dir?: string;
  readonly recursive?: boolean;
  /** What becomes of a file whose name is taken here by another one. Default `rename`. */
  readonly onConflict?: OnConflict;
  /** A file that the one file becomes; `-` is standard output. */
  readonly output?: string;
  /** Bytes per second, of all files together. */
  readonly limitRate?: number;
}

/** One file to get: where it lies there, and the folders it is to lie in here. */
interface Wanted {
  readonly name: string;
  readonly folder: readonly string[];
  readonly into: readonly string[];
  readonly size?: number | undefined;
}

/** Gets files, and with `recursive` folders, into `dir`: verified, resumed, over something else only when told so. */
export function get(paths: readonly string[], cwd: string, options: GetOptions): Promise<ExitCode> {
  const limit = options.limitRate === undefined ? undefined : new RateLimit(options.limitRate);
  // Standard output has the file to carry, and nothing else.
  const output = options.output === STANDARD ? process.stderr : undefined;
  // Lines that are redrawn would redraw over a file on the same screen.
  const progress = output === undefined || !process.stdout.isTTY;
  const settings = { progress, output, windowBytes: limit?.windowBytes };
  return talk(cwd, options, settings, async ({ line, reporter, signal }) => {
    signal.addEventListener('abort', () => limit?.lift());
    const place = await placeFor(options, cwd, signal);
    const { acceptFolder, close } = place;
    const accept = limit ? limitAccept(place.accept, limit) : place.accept;
    const codes: ExitCode[] = [];
    const counts = { stored: 0, failed: 0, id: 0 };
    const failed = (name: string, error: unknown, id = ++counts.id) => {
      counts.failed++;
      if (readerLeft(error)) {
        codes.push(ExitCode.BrokenPipe);
        reporter.report({ event: 'cancelled', id, name });
        return;
      }
      const { exitCode, ...why } = place.isStream ? explainWritten(explainTransfer(error)) : explainTransfer(error);
      codes.push(exitCode);
      reporter.report({ event: 'failed', id, name, ...why });
    };
    // Whoever reads what we write may read the keyboard, too.
    const pausing = pauseByKey(reporter, { keyboard: options.output !== STANDARD });
    try {
      for (const path of paths) {
        if (signal.aborted) break;
        try {
          const found = await find(path, options.recursive ?? false, { line, reporter, signal });
          await eachConcurrently(
            found.files,
            ({ size }) => size,
            async (wanted) => {
              if (signal.aborted) return;
              const id = ++counts.id;
              try {
                await getOne(id, wanted, accept, pausing, { line, reporter, signal }, options.output);
                counts.stored++;
              } catch (error) {
                const name = [...wanted.into, wanted.name].join('/');
                if (signal.aborted) reporter.report({ event: 'cancelled', id, name });
                else if (error instanceof TransferError && error.code === 'SKIPPED') {
                  reporter.report({ event: 'skipped', id, name });
                } else failed(name, error, id);
              }
            },
          );
          // After what lies in them, so that their times stay.
          for (const folder of found.folders) {
            if (signal.aborted) break;
            try {
              await acceptFolder?.(folder);
            } catch (error) {
              failed([...folder.folder, folder.name].join('/'), error);
            }
          }
        } catch (error) {
          if (!signal.aborted) failed(path, error);
        }
      }
    } finally {
      pausing.close();
    }
    await close();
    const exitCode = worst(codes);
    reporter.report({ event: 'done', stored: counts.stored, failed: counts.failed, exitCode });
    return exitCode;
  });
}

/** Where what is got goes. */
interface Place extends Output {
  /** Not there for a single file. */
  readonly acceptFolder?: AcceptFolder;
}

async function placeFor(options: GetOptions, cwd: string, signal: AbortSignal): Promise<Place> {
  const { dir: named, output, onConflict } = options;
  const storing = onConflict === undefined ? {} : { onConflict };
  // Whoever names the file reads that one next: under another name the new one would never be found.
  if (output !== undefined) return openOutput(output, { cwd, signal, storing: { onConflict: 'fail', ...storing } });
  const dir = resolve(cwd, named ?? '.');
  try {
    if (named !== undefined) await mkdir(dir, { recursive: true });
    const { accept, acceptFolder, close } = await directoryReceiver(dir, storing);
    return { accept, acceptFolder, close, isStream: false };
  } catch (error) {
    throw folderError(error, dir);
  }
}

interface Found {
  readonly files: readonly Wanted[];
  /** Deepest first. */
  readonly folders: readonly {
    readonly name: SafeName;
    readonly folder: readonly SafeName[];
    readonly modified?: number;
  }[];
}

/** What a path stands for at the peer: one file, or all that lies in a folder. */
async function find(path: string, recursive: boolean, { line, signal }: Talk): Promise<Found> {
  const names = namesOf(path);
  const name = names.at(-1) as string;
  const folder = names.slice(0, -1);
  let listed: { kind: string; size?: number | undefined } | undefined;
  for await (const entry of line.courier.list(folder, { signal })) {
    if (entry.name === name.normalize('NFC') && !entry.folder) listed = entry;
  }
  if (listed?.kind !== 'folder') return { files: [{ name, folder, into: [], size: listed?.size }], folders: [] };
  if (!recursive) {
    throw new CliError('IS_DIRECTORY', 'is a folder', ExitCode.Failed, { hint: 'get it with -r' });
  }
  const files: Wanted[] = [];
  const folders: Found['folders'][number][] = [{ name: safeFolder([name])[0] as SafeName, folder: [] }];
  for await (const entry of line.courier.list(names, { recursive: true, signal })) {
    const inside = entry.folder ?? [];
    const into = [name, ...inside];
    if (entry.kind === 'file') files.push({ name: entry.name, folder: [...names, ...inside], into, size: entry.size });
    else {
      const [last] = safeFolder([entry.name]);
      folders.push({
        name: last as SafeName,
        folder: safeFolder(into),
        ...(entry.modified !== undefined && { modified: entry.modified }),
      });
    }
  }
  return { files, folders: folders.sort((a, b) => b.folder.length - a.folder.length) };
}

async function getOne(
  id: number,
  wanted: Wanted,
  accept: Accept,
  { pause }: Pausing,
  { line, reporter, signal }: Talk,
  output: string | undefined,
): Promise<void> {
  const into = safeFolder(wanted.into);
  const name = [...wanted.into, wanted.name].join('/');
  const startedAt = performance.now();
  const size = wanted.size === undefined ? {} : { size: wanted.size };
  reporter.report({ event: 'offered', id, name, ...size });
  const file = await line.courier.getFile(wanted.name, {
    folder: wanted.folder,
    accept: (offer, control) => accept({ ...offer, folder: into }, control),
    signal,
    pause,
    onEvent: (event) => report(event, id, name, line.safe.set.bind(line.safe), reporter),
  });
  line.safe.set(id, file.size);
  // A stream has no path of its own.
  const path = file.path ?? output;
  reporter.report(storedEvent(id, name, path === undefined ? file : { ...file, path }, startedAt));
}

function report(
  event: TransferEvent,
  id: number,
  name: string,
  safe: (id: number, stored: number) => void,
  reporter: Reporter,
): void {
  const size = event.size === undefined ? {} : { size: event.size };
  if (event.type === 'progress') {
    safe(id, event.stored);
    reporter.report({ event: 'progress', id, name, stored: event.stored, ...size });
  }
  if (event.type === 'resumed') reporter.report({ event: 'resumed', id, name, offset: event.offset, ...size });
  if (event.type === 'restarted') reporter.report({ event: 'restarted', id, name, reason: event.reason });
  if ((event.type === 'paused' || event.type === 'continued') && event.by === 'peer') {
    reporter.report({ event: event.type, by: event.by, id, name });
  }
}
