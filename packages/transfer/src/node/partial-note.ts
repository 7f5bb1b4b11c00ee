import { constants } from 'node:fs';
import * as v from 'valibot';
import type { FileOffer } from '../ports.ts';
import type { FolderHandle } from './folder-handle.ts';
import { noteName } from './partial-names.ts';

const wholeNumber = v.pipe(v.number(), v.integer(), v.minValue(0));

const noteSchema = v.object({
  version: v.literal(1),
  name: v.string(),
  folder: v.array(v.string()),
  /** Bytes, when they were declared. */
  size: v.optional(wholeNumber),
  /** Of the source, milliseconds since 1970. */
  modified: v.optional(v.pipe(v.number(), v.integer())),
  /** When it was begun, milliseconds since 1970. */
  began: wholeNumber,
});

/** What a partial file is a part of: `KEY.json` beside it. */
export type PartialNote = v.InferOutput<typeof noteSchema>;

/** Larger ones are not ours. */
const MAX_NOTE_BYTES = 64 * 1024;

/** `undefined` when there is none, or none that can be read: the partial file is proven without it too. */
export async function readNote(partials: FolderHandle, key: string): Promise<PartialNote | undefined> {
  const handle = await partials
    .open(noteName(key), constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    .catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    const found = await handle.stat();
    if (!found.isFile() || found.size > MAX_NOTE_BYTES) return undefined;
    const parsed = v.safeParse(noteSchema, JSON.parse(await handle.readFile('utf8')));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined; // its writer was killed in the middle of it
  } finally {
    await handle.close();
  }
}

export async function writeNote(partials: FolderHandle, key: string, offer: FileOffer): Promise<void> {
  const { name, folder, size, modified } = offer;
  const note: PartialNote = { version: 1, name, folder: [...folder], size, modified, began: Date.now() };
  await removeNote(partials, key);
  // A new file, not what somebody may have linked to this name.
  const handle = await partials.open(noteName(key), constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o666);
  try {
    await handle.writeFile(JSON.stringify(note));
  } finally {
    await handle.close();
  }
}

/** Never rejects. */
export async function removeNote(partials: FolderHandle, key: string): Promise<void> {
  await partials.remove(noteName(key)).catch(() => {});
}

/** Whether the offered file is still what the partial file was a part of, as far as size and time can tell. */
export function isSameSource(note: PartialNote, { size, modified }: FileOffer): boolean {
  return note.size === size && note.modified === modified;
}
