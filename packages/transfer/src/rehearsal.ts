import { encodeFileData } from './encode.ts';
import { asTransferError, type TransferError } from './errors.ts';
import { onAbort } from './on-abort.ts';
import { DATA_HEADER_BYTES } from './packets.ts';
import type { Session } from './session-options.ts';

/** The id of the first file that the opener of a connection offers. */
const FIRST_ID = 1;

/**
 * Whether the peer would take such a file now: it is offered, and the offer is taken back as soon as it is taken. No byte of
 * it travels and nothing is stored. `undefined` for yes, else the peer's refusal.
 *
 * @throws {TransferError} as a rejection: the connection ended first, or the peer broke the protocol. Aborted, with the
 *   signal's reason: a receiver may let an offer wait.
 */
export async function wouldTake(
  session: Session,
  { name, size }: { readonly name: string; readonly size?: number },
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<TransferError | undefined> {
  signal?.throwIfAborted();
  const controller = new AbortController();
  let taken = false;
  const unlisten = onAbort(signal, () => controller.abort());
  // Opening takes for ever: by then the offer is taken back.
  const source = { name, size, open: () => new Promise<never>(() => {}) };
  try {
    const onProgress = () => {
      taken = true;
      controller.abort();
    };
    await session.sendFile(source, { signal: controller.signal, onProgress });
  } catch (error) {
    if (taken) return undefined;
    signal?.throwIfAborted();
    const refusal = asTransferError(error, 'INTERNAL');
    if (refusal.side === 'peer' && refusal.code !== 'CONNECTION_LOST') return refusal;
    throw refusal;
  } finally {
    unlisten();
  }
  throw new Error('a file was stored that nobody sent');
}

/**
 * A message of exactly `byteLength` bytes, 16 or more, that a peer reads and drops: FILE_DATA of a transfer that has ended is late
 * and no violation. For finding out what passes through a line: send it from the side that opened the connection, after a
 * `wouldTake`, and ask with `session.probe()` whether it has arrived. Its bytes are random, so that nothing on the way shrinks it.
 */
export function lateData(byteLength: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(byteLength - DATA_HEADER_BYTES);
  // More at once is refused by the Web Crypto standard.
  for (let at = 0; at < bytes.length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return encodeFileData({ type: 'FILE_DATA', id: FIRST_ID, offset: 0, bytes });
}
