import { TransferError } from './errors.ts';

declare const safe: unique symbol;

/**
 * A name that {@link safeName} has judged: one path component that stays in its directory on every system. (Whether
 * that system can hold it at all is another question: see {@link checkWindowsName}.)
 */
export type SafeName = string & { readonly [safe]: true };

/** The most UTF-8 bytes a name may have: NAME_MAX of ext4, APFS and NTFS (there: UTF-16 units, which are never more). */
export const MAX_NAME_BYTES = 255;

/** The directory in which receivers keep unfinished files; no received file may take a name that begins like it. */
export const RESERVED_PREFIX = '.wsferry';

const reservedDevice = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$|clock\$)$/i;

interface Rule {
  readonly refuses: string;
  readonly broken: (name: string) => boolean;
  /** The rule is about the bytes that are stored, so only the stored form is asked. */
  readonly storedOnly?: true;
}

/** In the order in which they are asked; the message names the first that is broken. */
const rules: readonly Rule[] = [
  { refuses: 'it is empty', broken: (name) => name === '' },
  { refuses: 'it is . or ..', broken: (name) => name === '.' || name === '..' },
  { refuses: 'it contains / or \\', broken: (name) => /[/\\]/.test(name) },
  { refuses: 'it begins with a drive', broken: (name) => /^[a-z]:/i.test(name) },
  { refuses: 'it contains a control character', broken: (name) => /[\u0000-\u001f\u007f-\u009f]/.test(name) },
  { refuses: 'it contains half of a surrogate pair', broken: (name) => /\p{Surrogate}/u.test(name) },
  { refuses: 'it ends in a dot or a space', broken: (name) => /[. ]$/.test(name) },
  { refuses: 'it is the name of a device', broken: (name) => reservedDevice.test(stem(name)) },
  {
    refuses: `it begins with ${RESERVED_PREFIX}, where unfinished files are kept`,
    broken: (name) => name.toLowerCase().startsWith(RESERVED_PREFIX),
  },
  {
    refuses: `it is longer than ${MAX_NAME_BYTES} bytes of UTF-8`,
    broken: (name) => byteLength(name) > MAX_NAME_BYTES,
    storedOnly: true,
  },
];

/**
 * The only way to a {@link SafeName}: normalises to NFC, so that what is judged is what is stored, and returns that, or
 * throws TransferError BAD_NAME saying which rule is broken. The compatible form (NFKC: full-width letters, ligatures,
 * signs made of several characters) is judged too, because a file system or a program that the file meets later may
 * fold names so: `．．` is not to become `..` there. Names are never repaired: a sender should learn that `../x` was
 * refused, not find an `x`.
 */
export function safeName(name: string): SafeName {
  const composed = name.normalize('NFC');
  const compatible = composed.normalize('NFKC');
  for (const { refuses, broken, storedOnly } of rules) {
    if (broken(composed)) throw badName(refuses);
    if (!storedOnly && broken(compatible)) throw badName(`${refuses} (in another way of writing it)`);
  }
  return composed as SafeName;
}

/** The most folders that a file may lie in. A path of so many names is longer than most systems open. */
export const MAX_FOLDER_DEPTH = 64;

/**
 * The folders that something lies in, outermost first, each judged as a name.
 *
 * @throws {TransferError} BAD_NAME, also for more than {@link MAX_FOLDER_DEPTH} of them.
 */
export function safeFolder(folder: readonly string[]): readonly SafeName[] {
  checkDepth(folder);
  return folder.map((name) => {
    try {
      return safeName(name);
    } catch (error) {
      throw new TransferError('BAD_NAME', `a folder: ${(error as Error).message}`);
    }
  });
}

/**
 * Whether Windows can hold the name as well. It cannot with one of `< > : " | ? *`, and `a:b` would be a hidden stream of
 * the file `a`. That is for receivers on Windows to ask: elsewhere these are characters like any other, and `what?.txt`
 * travels between two Linux machines.
 *
 * @throws {TransferError} BAD_NAME
 */
export function checkWindowsName(name: SafeName): void {
  const found = /[<>:"|?*]/.exec(name);
  if (found) throw badName(`it contains ${found[0]}, which Windows does not take`);
}

function badName(refuses: string): TransferError {
  return new TransferError('BAD_NAME', `expected a plain file name, but ${refuses}`);
}

/** Room for a place in a packet: all else in one is short. */
const MAX_PLACE_LENGTH = 60_000;

/**
 * What a sender can know of its own place: that no receiver takes one so long. The rest is the receiver's to judge.
 *
 * @throws {TransferError} BAD_NAME
 */
export function checkPlace({
  name,
  folder = [],
}: {
  readonly name: string;
  readonly folder?: readonly string[] | undefined;
}) {
  checkDepth(folder);
  for (const part of [...folder, name]) {
    const bytes = byteLength(part.normalize('NFC'));
    if (bytes <= MAX_NAME_BYTES) continue;
    throw new TransferError('BAD_NAME', `expected a name of at most ${MAX_NAME_BYTES} bytes of UTF-8, got ${bytes}`);
  }
  // Control characters take six each; no receiver takes them, but who is to say so must hear of them.
  if (JSON.stringify([name, folder]).length > MAX_PLACE_LENGTH) {
    throw new TransferError('BAD_NAME', 'expected plain names, but they are too long when written as JSON');
  }
}

function checkDepth(folder: readonly string[]): void {
  if (folder.length <= MAX_FOLDER_DEPTH) return;
  throw new TransferError('BAD_NAME', `expected at most ${MAX_FOLDER_DEPTH} folders, got ${folder.length}`);
}

function byteLength(name: string): number {
  return new TextEncoder().encode(name).length;
}

/** `con.tar.gz` is the device too: Windows looks at what comes before the first dot, spaces trimmed. */
function stem(name: string): string {
  return name.split(/[.:]/, 1)[0]!.trimEnd();
}
