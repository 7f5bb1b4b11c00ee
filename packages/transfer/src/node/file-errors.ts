import { getSystemErrorMap } from 'node:util';
import type { TransferCode } from '../codes.ts';
import { TransferError } from '../errors.ts';

const storageCodes: Readonly<Record<string, TransferCode>> = {
  ENOSPC: 'NO_SPACE',
  EDQUOT: 'NO_SPACE',
  EROFS: 'FORBIDDEN',
  EACCES: 'FORBIDDEN',
  EPERM: 'FORBIDDEN',
  ENAMETOOLONG: 'BAD_NAME', // encrypted file systems take fewer than 255 bytes
};

const sentences: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EDQUOT: 'the disk quota is used up',
  EIO: 'the disk reports an input/output error',
  EISDIR: 'it is a directory',
  ELOOP: 'it is a symbolic link that leads in a circle',
  EMFILE: 'too many files are open in this process',
  ENAMETOOLONG: 'the name is too long',
  ENFILE: 'too many files are open on this machine',
  ENOENT: 'there is no such file',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of the path is not a directory',
  EPERM: 'the operation is not permitted',
  EROFS: 'the file system is read-only',
};

/** The code of a Node system error (`ENOENT`, …), if `error` is one. */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** What went wrong as half a sentence, without the paths and the call that Node's own messages carry. */
export function reason(error: unknown): string {
  const code = systemCode(error);
  if (code === undefined) return error instanceof Error ? error.message : String(error);
  const { errno } = error as { errno?: unknown };
  const words = typeof errno === 'number' ? getSystemErrorMap().get(errno)?.[1] : undefined;
  return sentences[code] ?? (words === undefined ? code : `${words} (${code})`);
}

/** A failure with the path that the caller named: SOURCE_FAILED with the cause kept; a TransferError passes as it is. */
export function pathError(path: string, error: unknown): TransferError {
  if (error instanceof TransferError) return error;
  return new TransferError('SOURCE_FAILED', `cannot read ${path}: ${reason(error)}`, { cause: error });
}

/** The same while a file is sent. The message goes to the peer, so it names no path; the cause does. */
export function sourceError(error: unknown): TransferError {
  if (error instanceof TransferError) return error;
  return new TransferError('SOURCE_FAILED', `the source cannot be read: ${reason(error)}`, { cause: error });
}

/** A failure of storing: NO_SPACE, FORBIDDEN, BAD_NAME or STORAGE_FAILED. The message goes to the peer, so it names no path. */
export function storageError(error: unknown): TransferError {
  if (error instanceof TransferError) return error;
  const system = systemCode(error) ?? '';
  const code = storageCodes[system] ?? 'STORAGE_FAILED';
  // The sender would look for a file on its own side.
  const why = system === 'ENOENT' ? 'the receiving folder is gone' : reason(error);
  return new TransferError(code, `the file could not be stored: ${why}`, { cause: error });
}
