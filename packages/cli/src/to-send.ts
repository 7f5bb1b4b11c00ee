import { fstatSync } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { type FileSource, type FolderSource, safeName } from '@wsferry/transfer';
import { pathSource, streamSource, walkTree } from '@wsferry/transfer/node';
import { eachConcurrently } from './each-concurrently.ts';
import { CliError } from './errors.ts';
import { ExitCode } from './exit-codes.ts';
import { STANDARD } from './output.ts';
import { namesOf } from './remote-path.ts';

/** What the paths of a command line stand for. */
export interface ToSend {
  readonly files: readonly { readonly id: number; readonly path: string; readonly source: FileSource }[];
  /** To be sent one after the other behind all files, so that their times stay. */
  readonly folders: readonly FolderSource[];
}

export interface ToSendOptions {
  readonly cwd: string;
  /** What to leave out of folders, as in a `.gitignore`. */
  readonly ignore: readonly string[];
  /** What standard input, or else the one file, is called there; may have folders before it. */
  readonly as?: string | undefined;
  /** A path that cannot be sent. */
  readonly fail: (id: number, path: string, error: unknown) => void;
  /** Something in a folder that is not sent, and half a sentence why. */
  readonly leaveOut: (path: string, why: string) => void;
  /** A path that stands for what one before it stands for: it is sent once. */
  readonly twice: (path: string) => void;
}

/** Files as they are, folders with all that lies in them. */
export async function toSend(named: readonly string[], options: ToSendOptions): Promise<ToSend> {
  const { cwd, ignore, as, fail, leaveOut } = options;
  const paths = await eachOnce(named, options);
  const place = as === undefined ? undefined : placeOf(as);
  const found: { path: string; source: FileSource }[][] = [];
  const folders: FolderSource[][] = [];
  let failed = 0;
  await eachConcurrently(
    [...paths.entries()],
    () => undefined,
    async ([index, path]) => {
      const files: { path: string; source: FileSource }[] = [];
      found[index] = files;
      folders[index] = [];
      const absolute = resolve(cwd, path);
      try {
        if (path === STANDARD && place !== undefined) {
          files.push({ path, source: streamSource(standardInput(), place) });
          return;
        }
        if (!(await stat(absolute)).isDirectory()) {
          const source = await pathSource(absolute);
          files.push({ path, source: paths.length === 1 ? { ...source, ...place } : source });
          return;
        }
        if (place !== undefined && paths.length === 1) {
          throw new CliError('IS_DIRECTORY', 'is a directory, and --as is for one file', ExitCode.Usage);
        }
        for await (const entry of walkTree(absolute, { ignore })) {
          if (entry.kind === 'file') files.push({ path: entry.path, source: entry.source });
          else if (entry.kind === 'folder') folders[index].push(entry.source);
          else leaveOut(entry.path, entry.message);
        }
      } catch (error) {
        failed += 1;
        fail(failed, path, error);
      }
    },
  );
  return { files: found.flat().map((file, index) => ({ id: failed + index + 1, ...file })), folders: folders.flat() };
}

/** One file twice under one name would be two transfers of one source, of which the newer takes over from the other. */
async function eachOnce(paths: readonly string[], { cwd, twice }: ToSendOptions): Promise<string[]> {
  const known = new Set<string>();
  const once: string[] = [];
  for (const path of paths) {
    const absolute = resolve(cwd, path);
    const real = path === STANDARD ? path : await realpath(absolute).catch(() => absolute);
    const place = JSON.stringify([real, basename(absolute)]);
    if (known.has(place)) twice(path);
    else once.push(path);
    known.add(place);
  }
  return once;
}

/** For Node a folder is an empty input. */
function standardInput(): AsyncIterable<Uint8Array> {
  if (!fstatSync(0).isDirectory()) return process.stdin;
  throw new CliError('IS_DIRECTORY', 'standard input is a directory', ExitCode.Failed, { hint: 'name it' });
}

/** What `--as` says: a name, and the folders before it. */
function placeOf(as: string): { readonly name: string; readonly folder?: readonly string[] } {
  const names = namesOf(as);
  try {
    for (const each of names) safeName(each);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CliError('BAD_NAME', `--as ${as}: ${why}`, ExitCode.Usage);
  }
  const name = names.at(-1) as string;
  return names.length === 1 ? { name } : { name, folder: names.slice(0, -1) };
}
