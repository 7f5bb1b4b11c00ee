import { Socket } from 'node:net';
import { lentMemory } from '@wsferry/frames';
import { type FrameMemory, freshMemory, Slab } from './frame-memory.ts';
import { becomesFree } from './given-away.ts';
import { keep } from './message-memory.ts';

/**
 * Memory that is used again as soon as the kernel has taken what was in it: a few pieces that stay in the processor's caches,
 * where new ones would be paged in, cleared and collected. The pieces lie where masking is fastest.
 */
export const reusedMemory: FrameMemory = {
  take(byteLength) {
    const lent = lentMemory()?.lend(byteLength);
    // A Buffer, since Node would make one of any other Uint8Array.
    return lent === undefined
      ? Buffer.allocUnsafeSlow(byteLength)
      : Buffer.from(lent.buffer, lent.byteOffset, byteLength);
  },
  hold: (bytes) => lentMemory()?.hold(bytes),
  giveBack(bytes) {
    if (becomesFree(bytes)) keep(bytes);
    else lentMemory()?.giveBack(bytes);
  },
  heldOnce: (bytes) => lentMemory()?.holdersOf(bytes) === 1,
};

const reusedSlab = new Slab(reusedMemory);
const freshSlab = new Slab(freshMemory);

/**
 * Where the frames for this socket are written. TCP and TLS have copied what they call written; any other stream, which an
 * http.Server may hand out too, could still keep it.
 */
export function slabFor(socket: Socket): Slab {
  return socket instanceof Socket ? reusedSlab : freshSlab;
}
