import { TransferError } from '../errors.ts';
import type { Look } from './small-files.ts';

/** @throws TransferError SOURCE_CHANGED when a file does not look any more as it did when it was offered */
export function checkUnchanged(before: Look, now: Look): void {
  if (now.size !== before.size) throw sourceChanged(`it had ${before.size} bytes and has ${now.size} now`);
  if (now.modified !== before.modified) throw sourceChanged('its modification time is not what it was');
}

/** The message goes to the peer, which has no business to know where the file lies. */
export function sourceChanged(how: string): TransferError {
  return new TransferError('SOURCE_CHANGED', `the source changed while it was being sent: ${how}`);
}
