import { codeSentences, isTransferCode } from './codes.ts';
import { TransferError, type TransferErrorOptions } from './errors.ts';

/** What the peer said, as an error. A code that nobody knows is a failure too. */
export function peerError(
  code: string,
  message: string | undefined,
  about: Omit<TransferErrorOptions, 'side'> = {},
): TransferError {
  const known = isTransferCode(code) && code !== 'OK' ? code : 'INTERNAL';
  const words = message ?? (known === code ? codeSentences[known] : `the peer gave the unknown code ${code}`);
  return new TransferError(known, words, { ...about, side: 'peer' });
}
