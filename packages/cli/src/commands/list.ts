import { type ListedEntry, printable } from '@wsferry/transfer';
import { ExitCode } from '../exit-codes.ts';
import { bytes } from '../format.ts';
import { folderOf } from '../remote-path.ts';
import { type TalkOptions, talk } from './run-command.ts';

export interface ListOptions extends TalkOptions {
  readonly recursive?: boolean;
}

/** Prints what lies at the receiver, in `path` or in all that it shows: a line an entry, with `--json` an object a line. */
export function list(path: string | undefined, cwd: string, options: ListOptions): Promise<ExitCode> {
  const { recursive = false, json = false } = options;
  // The list itself is the output: what happens beside it is said only when it is trouble.
  return talk(cwd, { ...options, json, quiet: !json }, {}, async ({ line, signal }) => {
    const folder = path === undefined ? [] : folderOf(path);
    for await (const entry of line.courier.list(folder, { recursive, signal })) {
      process.stdout.write(`${json ? JSON.stringify({ event: 'entry', ...named(entry) }) : lineOf(entry)}\n`);
    }
    return ExitCode.Done;
  });
}

function named({ name, folder = [], ...facts }: ListedEntry) {
  return { path: [...folder, name].join('/'), ...facts };
}

function lineOf(entry: ListedEntry): string {
  const { path, kind, size, modified } = named(entry);
  const when = modified === undefined ? '' : new Date(modified).toISOString().slice(0, 16).replace('T', ' ');
  const much = kind === 'folder' || size === undefined ? '' : bytes(size);
  return `${much.padStart(9)}  ${when.padEnd(16)}  ${printable(path)}${kind === 'folder' ? '/' : ''}`;
}
