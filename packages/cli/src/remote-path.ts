import { CliError } from './errors.ts';
import { ExitCode } from './exit-codes.ts';

/** `photos/2024/a.jpg` as names, outermost first. The peer judges each of them; `/` at the ends and doubled is forgiven. */
export function namesOf(path: string): readonly [...string[], string] {
  const names = folderOf(path);
  const last = names.at(-1);
  if (last !== undefined) return [...names.slice(0, -1), last];
  throw new CliError('BAD_NAME', `expected the name of a file or folder, got ${JSON.stringify(path)}`, ExitCode.Usage);
}

/** The same for a folder; none is the outermost one. */
export function folderOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}
