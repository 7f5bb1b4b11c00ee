import type { FileOffer } from '../ports.ts';
import type { FolderHandle } from './folder-handle.ts';
import { partialKey } from './partial-names.ts';
import { type FoundFile, foundAt } from './placing.ts';

/** More than senders are likely to ask for again because the last answer was lost. */
const MAX_REMEMBERED = 10_000;

/**
 * Which files were stored under which resume key, where nothing else is compared with: a sender that did not hear that its file
 * is stored, and sends it once more, has nothing to learn from what it has brought itself, and the file is to be there once. That
 * is so for a receiver that compares nothing, and for streams, of whose size nothing is known.
 */
export class BroughtFiles {
  readonly #found = new Map<string, FoundFile>();

  /** The offered file was stored under that name. That it cannot be looked at is no reason to fail. */
  async remember(offer: FileOffer, folder: FolderHandle, name: string): Promise<void> {
    const key = keyOf(offer);
    if (key === undefined) return;
    const found = await foundAt(folder, name).catch(() => undefined);
    this.#found.delete(key);
    if (found !== undefined) this.#found.set(key, found);
    const [oldest] = this.#found.keys();
    if (this.#found.size > MAX_REMEMBERED && oldest !== undefined) this.#found.delete(oldest);
  }

  /** The file that this sender has brought, if it has the offered size, where one is offered, and is untouched. */
  async find(offer: FileOffer, folder: FolderHandle): Promise<FoundFile | undefined> {
    const key = keyOf(offer);
    const brought = key === undefined ? undefined : this.#found.get(key);
    if (brought === undefined || brought.size !== (offer.size ?? brought.size)) return undefined;
    const found = await foundAt(folder, brought.name);
    return found?.look === brought.look ? found : undefined;
  }
}

function keyOf({ resumeKey, folder, name }: FileOffer): string | undefined {
  return resumeKey === undefined ? undefined : partialKey(resumeKey, folder, name);
}
