import { TransferError } from '../errors.ts';
import { systemCode } from './file-errors.ts';
import { candidateFolders, MAX_NUMBER } from './final-name.ts';
import type { Folder, Step } from './folder-tree.ts';

type Parent = Pick<Folder, 'handle' | 'names'>;

/**
 * A folder that is received into: the first of `NAME`, `NAME (1)`, … that is a folder already, or that nothing is called.
 * Names that differ from it in their Unicode form only are the same, those that differ in upper and lower case are taken. So
 * the same tree, sent again, finds the same folders.
 */
export const receivingStep: Step = async (parent, name) => {
  await parent.names.refresh();
  for (const candidate of candidateFolders(name)) {
    const found = await findFolder(parent, candidate);
    if (found !== undefined) return { name: found, made: false };
    if (await parent.names.take(candidate, () => makeFolder(parent, candidate))) return { name: candidate, made: true };
    // Another transfer, or another process, may have made it just now.
    const late = await findFolder(parent, candidate);
    if (late !== undefined) return { name: late, made: false };
  }
  throw new TransferError('EXISTS', `there are ${MAX_NUMBER} folders of this name already`);
};

/** A symlink to a folder is none. */
async function findFolder({ handle, names }: Parent, name: string): Promise<string | undefined> {
  for (const other of names.same(name)) {
    if (other.normalize('NFC') !== name.normalize('NFC')) continue;
    if ((await handle.lookAt(other))?.isDirectory()) return other;
  }
  return undefined;
}

async function makeFolder({ handle }: Parent, name: string): Promise<boolean> {
  try {
    await handle.makeFolder(name);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}
