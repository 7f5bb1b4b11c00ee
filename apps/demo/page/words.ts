import { TransferError } from '@wsferry/transfer';
import prettyBytes from 'pretty-bytes';
import prettyMs from 'pretty-ms';

const sentences: Readonly<Record<string, string>> = {
  BAD_NAME: 'The receiver cannot store a file of this name.',
  TOO_LARGE: 'The file is larger than the receiver takes.',
  NO_SPACE: 'The disk of the receiver is full.',
  FORBIDDEN: 'The receiver does not take this file.',
  EXISTS: 'A file of this name is there already.',
  DIGEST_MISMATCH: 'What arrived is not what was sent; the receiver threw it away. Please send it again.',
  SIZE_MISMATCH: 'The file changed its size while it was being sent.',
  STORAGE_FAILED: 'The receiver could not write the file.',
  SOURCE_CHANGED: 'The file changed on your disk while it was being sent.',
  SOURCE_FAILED: 'The browser cannot read this file any more. Was it moved, changed or removed?',
  SUPERSEDED:
    'Another tab of this browser is sending a file of this name. When it is done, please send this one again.',
  CANCELLED: 'The receiver cancelled this file.',
  TOO_MANY_TRANSFERS: 'The receiver is busy with too many files at once. Please try again.',
  SHUTTING_DOWN: 'The receiver is shutting down. Please send the file again later.',
  CONNECTION_LOST: 'The connection was lost half way. Please send the file again.',
};

/** What went wrong, for somebody who does not know the protocol. */
export function inWords(error: unknown): string {
  if (!(error instanceof TransferError)) return error instanceof Error ? error.message : String(error);
  return sentences[error.code] ?? error.message;
}

export const bytes = (count: number): string => prettyBytes(count);

export const perSecond = (rate: number): string => `${prettyBytes(rate)}/s`;

/** At least a second, in one or two units: `12s`, `3m 5s`. */
export const duration = (ms: number): string =>
  prettyMs(Math.max(1000, Math.round(ms / 1000) * 1000), { unitCount: 2, secondsDecimalDigits: 0 });
