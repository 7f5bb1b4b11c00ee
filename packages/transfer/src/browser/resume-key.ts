import { md5 } from 'hash-wasm';
import type { FileLike } from './blob-source.ts';

/**
 * A `resumeKey` for a file that somebody chose in a page: the same one when the same file is chosen again, also after a reload,
 * if `browser` is the same: 1 to 64 characters from `!` to `~` that tell this browser from all others (keep them in its
 * storage), so that two people who send a file of one name never meet. A page never learns where a file lies, so its name,
 * and its place in a folder that was dropped, have to do; size and time are compared by the receiver, and the bytes by both.
 *
 * So two different files of one name have one key, and of two transfers of a key the newer takes over (SUPERSEDED). Say
 * `besideAnother` for the one that is sent while another file with that key still is: its key has size and time in it, too.
 *
 * @throws {RangeError} as a rejection, for a `browser` that is none.
 */
export async function fileResumeKey(
  file: FileLike,
  browser: string,
  { besideAnother = false }: { readonly besideAnother?: boolean } = {},
): Promise<string> {
  if (!/^[\x21-\x7e]{1,64}$/.test(browser)) {
    throw new RangeError(`expected browser to be 1 to 64 characters from ! to ~, got ${JSON.stringify(browser)}`);
  }
  const apart = besideAnother ? `\n${file.size}\n${file.lastModified ?? ''}` : '';
  return `page-${browser}-${await md5(`${file.webkitRelativePath ?? ''}\n${file.name}${apart}`)}`;
}
