import { systemCode } from './file-errors.ts';
import { SideThread } from './side-thread.ts';

/** Files up to this size are read and stored in one go. */
export const SMALL_FILE_BYTES = 64 * 1024;

/** With so many files at once the thread is worth its start: some 40 ms and 10 MB. */
const CROWD = 4;

let present = 0;
let thread: SideThread | undefined;

/** Tells that a file is being dealt with, until what it gives is called. */
export function joinCrowd(): () => void {
  present += 1;
  return () => {
    present -= 1;
  };
}

/** The thread for small files, when there is a crowd of them, or was one before. */
export function crowdThread(): SideThread | undefined {
  if (thread?.died) thread = undefined;
  if (thread === undefined && present >= CROWD) {
    thread = new SideThread(new URL('./small-files-worker.js', import.meta.url), 'small files');
  }
  return thread;
}

/** How a file looked; one that looks different later was changed under our hands. */
export interface Look {
  readonly size: number;
  /** Nanoseconds since 1970. */
  readonly modified: bigint;
}

/** How it looked when it was open, and which one it was: see `identity` of folder-handle.ts. */
export type OpenLook = Look & { readonly identity: string };

/** What the thread knows of a path: nothing when it leads to no regular file. */
export interface LookedAt {
  readonly look?: Look;
  readonly realPath?: string;
  readonly mode?: bigint;
}

/**
 * All of a small file, with `headroomBytes` free bytes in front of it, and how it looked before and after. A symlink is an
 * error unless it may be followed.
 */
export function readAside(
  thread: SideThread,
  path: string,
  byteLength: number,
  { headroomBytes, follow }: { readonly headroomBytes: number; readonly follow: boolean },
): Promise<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly before: OpenLook; readonly after: OpenLook }> {
  return thread.call({ op: 'read', path, byteLength, headroomBytes, follow });
}

/** What is to be stored, and where. */
export interface SmallFile {
  /** The path it is written under first. Must be free, and is again afterwards. */
  readonly temporary: string;
  /** Where it appears when it is complete. */
  readonly path: string;
  /** All there is in its buffer, which is copied. */
  readonly bytes: Uint8Array;
  /** Milliseconds since 1970. */
  readonly modified: number | undefined;
  /** Whether to wait for the disk before it appears. */
  readonly fsync: boolean;
}

/** Stores it, and nothing else is left behind; `false` when the path is taken. */
export async function storeAside(thread: SideThread, file: SmallFile): Promise<boolean> {
  try {
    await thread.call({ op: 'store', ...file });
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}
