import type { ListedEntry } from './packets.ts';

/** The most characters of entries in one page: a FILE_LIST has room for as long a cursor beside them. */
export const MAX_PAGE_LENGTH = 32_768;

/**
 * Fills one page of a list with as many entries as fit well into a packet. A shelf adds what it finds until `add` says
 * that the page is full, and gives a cursor for that entry as `next`.
 */
export class PageBuilder {
  readonly #entries: ListedEntry[] = [];
  #length = 0;

  get entries(): readonly ListedEntry[] {
    return this.#entries;
  }

  /** `false`: the entry was not taken and belongs on the next page. The first one is always taken. */
  add(entry: ListedEntry): boolean {
    const length = JSON.stringify(entry).length + 1;
    if (this.#entries.length > 0 && this.#length + length > MAX_PAGE_LENGTH) return false;
    this.#entries.push(entry);
    this.#length += length;
    return true;
  }
}
