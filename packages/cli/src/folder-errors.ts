import { stat } from 'node:fs/promises';
import { CliError, systemCode } from './errors.ts';
import { ExitCode } from './exit-codes.ts';

/** Why nothing can be stored in the folder `dir`, or it cannot be read; what is no error of the system stays as it is. */
export function folderError(error: unknown, dir: string): unknown {
  const said = (code: string, message: string, hint: string) =>
    new CliError(code, message, ExitCode.Failed, { hint, cause: error });
  if (error instanceof CliError) return error;
  const system = systemCode(error);
  switch (system) {
    case undefined:
      return error;
    case 'ENOENT':
      return said('NO_DIRECTORY', `the folder ${dir} does not exist`, 'create it first, or choose another');
    case 'EEXIST':
    case 'ENOTDIR':
      return said('NOT_A_DIRECTORY', `${dir} is not a directory`, 'choose a folder');
    default:
      return said('DIRECTORY_READ_ONLY', `nothing can be written into ${dir} (${system})`, 'choose another folder');
  }
}

/** Rejects unless `dir` is a folder that is there. */
export async function checkFolder(dir: string): Promise<void> {
  try {
    if ((await stat(dir)).isDirectory()) return;
  } catch (error) {
    throw folderError(error, dir);
  }
  throw new CliError('NOT_A_DIRECTORY', `${dir} is not a directory`, ExitCode.Failed, { hint: 'choose a folder' });
}
