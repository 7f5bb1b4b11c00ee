import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A fresh folder for one test; `remove()` (or `await using`) takes it away with everything in it. */
export async function temporaryDirectory(): Promise<{ path: string; remove(): Promise<void> } & AsyncDisposable> {
  const path = await mkdtemp(join(await realpath(tmpdir()), 'wsferry-'));
  const remove = () => rm(path, { recursive: true, force: true });
  return { path, remove, [Symbol.asyncDispose]: remove };
}
