import { MessageChannel, type MessagePort } from 'node:worker_threads';

/** A smaller chunk is left to the garbage collector: to free it would cost more than it is worth. */
const WORTH_FREEING_BYTES = 16 * 1024;

/**
 * The system's allocator (glibc's) gives the end of its heap back whenever more than twice the largest block that was ever freed
 * on its own lies free there: after a message or two, which then are paged in anew. A block of this size, which is
 * never touched and costs nothing, makes it keep what the next messages need.
 */
const KEPT_BY_ALLOCATOR_BYTES = 4 * 1024 * 1024;

let nowhere: MessagePort | undefined;

/**
 * Frees the memory of a chunk that nobody needs any more. Node reads each 64 KiB into new memory, and V8, which counts bytes
 * outside its heap, collects it late and by marking the whole heap. Freed at once it is what the next read gets, still in the
 * processor's caches. What is given to a port is taken from here; one that nobody listens at any more lets go of it.
 */
export function freeSpent({ buffer, byteLength }: Uint8Array): void {
  if (byteLength < WORTH_FREEING_BYTES || byteLength !== buffer.byteLength || !(buffer instanceof ArrayBuffer)) return;
  try {
    nowhere ??= closedPort();
    nowhere.postMessage(undefined, [buffer]);
  } catch {
    // Memory that cannot be taken away: the collector will have it.
  }
}

function closedPort(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port2.close();
  port1.postMessage(undefined, [new ArrayBuffer(KEPT_BY_ALLOCATOR_BYTES)]);
  return port1;
}
