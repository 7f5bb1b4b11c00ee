import { type ListedEntry, printable } from '@wsferry/transfer';
import { transferFailure } from '../errors.ts';
import { ExitCode } from '../exit-codes.ts';
import { bytes, minute } from '../format.ts';
import { folderOf } from '../remote-path.ts';
import { type TalkOptions, talk } from './run-command.ts';

export interface ListOptions extends TalkOptions {
  readonly recursive?: boolean;
}

/** Prints what lies at the receiver, in `path` or in all that it shows: a line an entry, with `--json` an object a line. */
export function list(path: string | undefined, cwd: string, options: ListOptions): Promise<ExitCode> {
  const { recursive = false, json = false } = options;
  // The list itself is the output: what happens beside it is said only when it is trouble.
  return talk(cwd, { ...options, json, quiet: !json }, {}, async ({ line, reporter, signal }) => {
    const folder = path === undefined ? [] : folderOf(path);
    try {
      for await (const entry of line.courier.list(folder, { recursive, signal })) {
        if (json) reporter.report({ event: 'entry', ...named(entry) });
        else process.stdout.write(`${lineOf(entry)}\n`);
      }
    } catch (error) {
      throw transferFailure(error, path ?? '/');
    }
    return ExitCode.Done;
  });
}

function named({ name, folder = [], kind, size, modified, executable }: ListedEntry) {
  const known = { ...(size !== undefined && { size }), ...(modified !== undefined && { modified }) };
  return { path: [...folder, name].join('/'), kind, ...known, ...(executable && { executable }) };
}

function lineOf(entry: ListedEntry): string {
  const { path, kind, size, modified } = named(entry);
  const when = modified === undefined ? '' : minute(modified);
  const much = kind === 'folder' || size === undefined ? '' : bytes(size);
  return `${much.padStart(9)}  ${when.padEnd(16)}  ${printable(path)}${kind === 'folder' ? '/' : ''}`;
}
