import { codeSentences, type TransferCode } from './codes.ts';

/** What {@link TransferError} takes beside its code and message. */
export interface TransferErrorOptions {
  /** Who found the fault: `local` (default) is this process, `peer` means the other side said so in a packet. */
  readonly side?: 'local' | 'peer' | undefined;
  /** The error underneath, when there is one. */
  readonly cause?: unknown;
  /** The transfer the error is about, when that is known. */
  readonly id?: number | undefined;
  /** The request (GET_FILE, LIST_FILES, NOTE) that was wrong or refused, when that is known. */
  readonly request?: number | undefined;
  /** The request whose answer was wrong: one of ours. */
  readonly answer?: number | undefined;
}

/** The one error of this package. `code` is stable; the message is for people. */
export class TransferError extends Error {
  override readonly name = 'TransferError';
  readonly code: TransferCode;
  readonly side: 'local' | 'peer';
  /** The transfer the error is about; `undefined` when it concerns the session or is not known. */
  readonly id: number | undefined;
  /** The request that was wrong or refused, by the number its asker gave it. */
  readonly request: number | undefined;
  /** The request whose answer was wrong, by the number its asker gave it. */
  readonly answer: number | undefined;

  constructor(code: TransferCode, message: string = codeSentences[code], options: TransferErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.side = options.side ?? 'local';
    this.id = options.id;
    this.request = options.request;
    this.answer = options.answer;
  }
}

/** Returns `error` when it is a {@link TransferError}, else wraps it under `code` and keeps it as the cause. */
export function asTransferError(error: unknown, code: TransferCode): TransferError {
  if (error instanceof TransferError) return error;
  return new TransferError(code, error instanceof Error ? error.message : String(error), { cause: error });
}
