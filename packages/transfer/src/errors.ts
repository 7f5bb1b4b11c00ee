import { codeSentences, type TransferCode } from './codes.ts';

/** What {@link TransferError} takes beside its code and message. */
export interface TransferErrorOptions {
  /** Who found the fault: `local` (default) is this process, `peer` means the other side said so in a packet. */
  readonly side?: 'local' | 'peer' | undefined;
  /** The error underneath, when there is one. */
  readonly cause?: unknown;
  /** The transfer the error is about, when that is known. */
  readonly id?: number | undefined;
}

/** The one error of this package. `code` is stable; the message is for people. */
export class TransferError extends Error {
  override readonly name = 'TransferError';
  readonly code: TransferCode;
  readonly side: 'local' | 'peer';
  /** The transfer the error is about; `undefined` when it concerns the session or is not known. */
  readonly id: number | undefined;

  constructor(code: TransferCode, message: string = codeSentences[code], options: TransferErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.side = options.side ?? 'local';
    this.id = options.id;
  }
}

/** Returns `error` when it is a {@link TransferError}, else wraps it under `code` and keeps it as the cause. */
export function asTransferError(error: unknown, code: TransferCode): TransferError {
  if (error instanceof TransferError) return error;
  return new TransferError(code, error instanceof Error ? error.message : String(error), { cause: error });
}
