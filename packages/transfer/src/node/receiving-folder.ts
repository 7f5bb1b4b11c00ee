import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { relative, sep } from 'node:path';
import { TransferError } from '../errors.ts';
import type { SafeName } from '../safe-name.ts';
import { BroughtFiles } from './brought-files.ts';
import { Comparisons } from './comparisons.ts';
import { DiskSpace, type SpaceLimits } from './disk-space.ts';
import { reason, storageError, systemCode } from './file-errors.ts';
import { identity } from './folder-handle.ts';
import { receivingStep } from './folder-step.ts';
import { type Folder, FolderTree } from './folder-tree.ts';
import { PartialsFolder } from './partials-folder.ts';

/** What a {@link ReceivingFolder} does with what it stores. */
export interface StoringOptions extends SpaceLimits {
  /** Whether the disk is waited for before a file counts as stored. */
  readonly fsync: boolean;
  /** Whether it is waited for before bytes count as stored, too. */
  readonly durable: boolean;
  /** Whether files that are there are compared with what is offered. */
  readonly compare: boolean;
}

/** A directory that takes files: the folders in it, the unfinished files, and its room. */
export class ReceivingFolder {
  /** Absolute, symlinks resolved once. */
  readonly path: string;
  /** Room for the files that come. */
  readonly space: DiskSpace;
  readonly tree: FolderTree;
  readonly partials: PartialsFolder;
  /** What was stored under which resume key, when nothing else is compared. */
  readonly brought = new BroughtFiles();
  readonly comparisons = new Comparisons();
  readonly options: StoringOptions;
  /** The same for all receivers of this folder in this process, whatever path they were given. */
  readonly #identity: string;

  private constructor(path: string, ownIdentity: string, options: StoringOptions) {
    this.path = path;
    this.options = options;
    this.#identity = ownIdentity;
    this.space = new DiskSpace(path, options);
    this.tree = new FolderTree(path, options.fsync);
    this.partials = new PartialsFolder(() => this.tree.use([]));
  }

  /** Checks that `dir` is a directory in which files can be made; makes nothing. */
  static async at(dir: string, options: StoringOptions): Promise<ReceivingFolder> {
    try {
      const path = await realpath(dir);
      const found = await stat(path, { bigint: true });
      if (!found.isDirectory()) {
        throw new TransferError('STORAGE_FAILED', `cannot receive into ${dir}: it is not a directory`);
      }
      await access(path, constants.W_OK | constants.X_OK);
      return new ReceivingFolder(path, identity(found), options);
    } catch (error) {
      if (error instanceof TransferError) throw error;
      const missing = systemCode(error) === 'ENOENT';
      const why = missing ? 'there is no such directory' : reason(error);
      throw new TransferError(storageError(error).code, `cannot receive into ${dir}: ${why}`, { cause: error });
    }
  }

  /** A folder to receive into, made when it is not there; its names are known. */
  async open(names: readonly SafeName[]): Promise<Folder> {
    const folder = await this.tree.use(names, receivingStep);
    try {
      await folder.names.refresh(folder.look);
      return folder;
    } catch (error) {
      folder.release();
      throw error;
    }
  }

  /** How others are told where a file in this folder is. */
  toldPath(path: string): string {
    return relative(this.path, path).split(sep).join('/');
  }

  /** What stands in this process for a partial file in this folder. */
  idOf(key: string): string {
    return `${this.#identity}/${key}`;
  }
}
