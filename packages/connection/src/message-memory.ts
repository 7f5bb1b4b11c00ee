import type { MessageMemory } from '@wsferry/frames';

/** What is kept at most, in the whole process: a few large messages, or some dozens of 64 KiB. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;

const kept: Uint8Array<ArrayBuffer>[] = [];
let keptBytes = 0;

/**
 * Keeps the memory of a message that was given away, once it is written, for one of the same length that comes. Nobody else may
 * hold it. What was kept first goes first.
 */
export function keep(bytes: Uint8Array<ArrayBuffer>): void {
  if (bytes.length > MAX_KEPT_BYTES) return;
  kept.push(bytes);
  keptBytes += bytes.length;
  while (keptBytes > MAX_KEPT_BYTES) keptBytes -= kept.shift()!.length;
}

/** Gathers messages in what is kept, else in memory that nobody has cleared: they overwrite it from end to end. */
export const messageMemory: MessageMemory = {
  reuse(byteLength) {
    // What was kept last is the likeliest to be in the processor's caches.
    const index = kept.findLastIndex(({ length }) => length === byteLength);
    if (index < 0) return undefined;
    keptBytes -= byteLength;
    return kept.splice(index, 1)[0];
  },
  // Not of Node's pool: a message is the program's own, and must not keep others alive.
  allocate: (byteLength) => new Uint8Array(Buffer.allocUnsafeSlow(byteLength).buffer),
};
