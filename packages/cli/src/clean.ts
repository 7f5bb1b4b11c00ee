import { cleanPartials, listLeftovers } from '@wsferry/transfer/node';
import { explain } from './errors.ts';
import { ExitCode } from './exit-codes.ts';
import { checkFolder, folderError } from './folder-errors.ts';
import { bytes } from './format.ts';
import type { Reporter } from './reporters/reporter.ts';

/** `serve --clean`: removes what interrupted transfers have left in `dir`, but for those that a living process writes to. */
export async function clean(dir: string, reporter: Reporter): Promise<ExitCode> {
  let exitCode: ExitCode = ExitCode.Done;
  try {
    await checkFolder(dir);
    const before = await listLeftovers(dir);
    const staying = await cleanPartials(dir);
    const sizeOf = (some: readonly { size: number }[]) => some.reduce((sum, { size }) => sum + size, 0);
    const removed = before.length - staying.length;
    reporter.report({
      event: 'cleaned',
      dir,
      removed,
      bytes: sizeOf(before) - sizeOf(staying),
      staying: staying.length,
    });
    for (const { path, size, owner } of staying) {
      const why =
        owner === 'alive'
          ? 'a running process writes to it'
          : 'its process may live in another container or on another machine; in five minutes that is known';
      reporter.report({ event: 'warning', message: `${path} (${bytes(size)}) stays: ${why}` });
    }
  } catch (error) {
    const why = explain(folderError(error, dir));
    exitCode = why.exitCode;
    reporter.report({ event: 'error', ...why });
  }
  reporter.close();
  return exitCode;
}
