/**
 * Every code that travels in a packet or sits on a {@link TransferError}, with the sentence that is said when nobody
 * said anything better. Codes are stable API; sentences are not.
 */
export const codeSentences = {
  OK: 'Done.',
  EXISTS: 'A file of that name is there already and was not touched.',
  SKIPPED: 'A file of that name is there already; it was to be skipped then, and was.',
  NOT_FOUND: 'There is no such file or folder.',
  BAD_NAME: 'The name cannot be used as a file name here.',
  TOO_LARGE: 'The file is larger than the receiver takes.',
  NO_SPACE: 'The receiver has no space left.',
  FORBIDDEN: 'The receiver does not allow this.',
  DIGEST_MISMATCH: 'The stored bytes do not have the digest of the source; what had arrived was removed.',
  SIZE_MISMATCH: 'More or fewer bytes came than were declared, or were stored than were sent.',
  STORAGE_FAILED: 'The receiver could not store the file.',
  SUPERSEDED: 'The same file is being sent again, and that transfer goes on with it.',
  CANCELLED: 'The transfer was cancelled.',
  SOURCE_CHANGED: 'The source changed while it was being sent.',
  SOURCE_FAILED: 'The source could not be read.',
  BAD_PACKET: 'A packet was malformed or came at the wrong time.',
  UNKNOWN_TYPE: 'A packet had a type nobody here knows.',
  UNKNOWN_TRANSFER: 'A packet named a transfer that was never opened.',
  TOO_MANY_TRANSFERS: 'Too many transfers are open on this connection.',
  TOO_MANY_REQUESTS: 'Too many requests are open, or they come too fast.',
  SHUTTING_DOWN: 'This side is shutting down.',
  CONNECTION_LOST: 'The connection ended before the transfer did.',
  NOT_WSFERRY: 'The other side does not speak wsferry.v1.',
  INTERNAL: 'Something broke that should not have.',
} as const satisfies Record<string, string>;

/** One of the codes of PROTOCOL.md, `OK` included. */
export type TransferCode = keyof typeof codeSentences;

/** Whether `value` is a code this version knows. */
export function isTransferCode(value: unknown): value is TransferCode {
  return typeof value === 'string' && Object.hasOwn(codeSentences, value);
}
