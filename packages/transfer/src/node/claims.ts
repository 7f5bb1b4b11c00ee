import { TransferError } from '../errors.ts';
import type { TransferControl } from '../ports.ts';

interface Holder {
  readonly control: TransferControl;
  ending?: Promise<void>;
  readonly released: Promise<void>;
}

/** Who in this process works on which partial file; several receivers of one folder share it. */
const holders = new Map<string, Holder>();

/**
 * Makes a transfer the only one of this process that works on a partial file. Whoever does so already is ended with
 * SUPERSEDED and waited for until its last byte is written: most likely its connection is dead, and does not know it yet.
 *
 * @param id the folder and the file in it
 * @returns what is to be called when the transfer has ended
 */
export async function claim(id: string, control: TransferControl): Promise<() => void> {
  for (let holder = holders.get(id); holder !== undefined; holder = holders.get(id)) {
    holder.ending ??= holder.control.end(new TransferError('SUPERSEDED'));
    await holder.ending;
    await holder.released;
  }
  // Nothing waits between the look and the entry, so of two that waited one is first and the other ends it in its turn.
  let free!: () => void;
  const released = new Promise<void>((resolve) => {
    free = resolve;
  });
  const own: Holder = { control, released };
  holders.set(id, own);
  return () => {
    if (holders.get(id) === own) holders.delete(id);
    free();
  };
}
