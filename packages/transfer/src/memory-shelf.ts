import { TransferError } from './errors.ts';
import { bytesSource } from './memory.ts';
import type { ListedEntry } from './packets.ts';
import { PageBuilder } from './page-builder.ts';
import type { FileShelf, FileSource, ListOptions, ListPage } from './ports.ts';

/** What is known of a file or a folder in memory beside its name. */
export interface MemoryDetails {
  /** Milliseconds since 1970. */
  readonly modified?: number | undefined;
  readonly executable?: boolean | undefined;
}

/** What a {@link memoryShelf} offers. Paths are names, behind their folders with a `/` after each. */
export interface MemoryFiles {
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Folders that are there also when nothing lies in them. */
  readonly folders?: ReadonlySet<string>;
  /** Of files and folders, by path. */
  readonly details?: ReadonlyMap<string, MemoryDetails>;
}

/** A shelf over a map, for tests and examples: what is put into the map later can be got, too. */
export function memoryShelf({ files, folders = new Set(), details = new Map() }: MemoryFiles): FileShelf {
  return {
    async file(name, folder): Promise<FileSource> {
      const path = [...folder, name].join('/');
      const bytes = files.get(path);
      if (bytes === undefined) throw new TransferError('NOT_FOUND', `there is no file ${path}`);
      const { modified, executable } = details.get(path) ?? {};
      return {
        ...bytesSource(name, bytes),
        folder,
        resumeKey: `memory:${encodeURIComponent(path)}`.slice(0, 128),
        ...(modified !== undefined && { modified }),
        ...(executable !== undefined && { executable }),
      };
    },

    async list(folder, { recursive = false, after = '' }: ListOptions = {}): Promise<ListPage> {
      const all = entriesOf(files, folders);
      const root = folder.join('/');
      if (root !== '' && !all.has(root)) throw new TransferError('NOT_FOUND', `there is no folder ${root}`);
      const prefix = root === '' ? '' : `${root}/`;
      const page = new PageBuilder();
      let last = '';
      for (const [path, kind] of [...all].sort(([one], [other]) => (one < other ? -1 : 1))) {
        const rest = path.slice(prefix.length).split('/');
        if (!path.startsWith(prefix) || path <= after || (!recursive && rest.length > 1)) continue;
        if (!page.add(entryOf(rest, kind, files.get(path)?.length, details.get(path)))) {
          return { entries: page.entries, next: last };
        }
        last = path;
      }
      return { entries: page.entries };
    },
  };
}

/** Every path, with the folders that are only there because something lies in them. */
function entriesOf(
  files: ReadonlyMap<string, Uint8Array>,
  folders: ReadonlySet<string>,
): Map<string, ListedEntry['kind']> {
  const all = new Map<string, ListedEntry['kind']>();
  for (const path of [...files.keys(), ...folders]) {
    for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) all.set(path.slice(0, at), 'folder');
  }
  for (const path of folders) all.set(path, 'folder');
  for (const path of files.keys()) all.set(path, 'file');
  return all;
}

function entryOf(
  path: readonly string[],
  kind: ListedEntry['kind'],
  size: number | undefined,
  { modified, executable }: MemoryDetails = {},
): ListedEntry {
  const folder = path.slice(0, -1);
  return {
    name: path.at(-1)!,
    ...(folder.length > 0 && { folder }),
    kind,
    ...(size !== undefined && { size }),
    ...(modified !== undefined && { modified }),
    ...(executable !== undefined && { executable }),
  };
}
