/** Node 22's way; it costs next to nothing. */
type Transferable = ArrayBuffer & { transfer?: () => ArrayBuffer };

/** From here on what `structuredClone` costs, some microseconds, is less than a copy, and memory for the next message is there already. */
const WORTH_CLONING_BYTES = 32 * 1024;

const taken = new WeakSet<Uint8Array>();

/**
 * Takes bytes away from who gave them: their ArrayBuffer is detached, as `postMessage` does it, and what is returned nobody else
 * has. (Of what cannot be detached, as a WebAssembly module's memory, it may be a copy.) `undefined`, and nothing is taken,
 * when they are not all of their ArrayBuffer, or when it would cost more than it gains.
 */
export function takeAway(bytes: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  const { buffer, length } = bytes;
  if (length !== buffer.byteLength || !(buffer instanceof ArrayBuffer)) return undefined;
  try {
    const { transfer } = buffer as Transferable;
    if (transfer === undefined && length < WORTH_CLONING_BYTES) return undefined;
    const ours = new Uint8Array(transfer?.call(buffer) ?? structuredClone(buffer, { transfer: [buffer] }));
    taken.add(ours);
    return ours;
  } catch {
    return undefined;
  }
}

/**
 * Whether these bytes were taken away and nobody has them any more: then their memory may be used for something else, by the one
 * who asked. The next one is told no.
 */
export function becomesFree(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return taken.delete(bytes);
}

/** Whether these are bytes of which nothing is left, because they were taken away. */
export function isTakenAway(bytes: Uint8Array): boolean {
  if (bytes.length > 0) return false;
  try {
    new Uint8Array(bytes.buffer);
    return false;
  } catch {
    return true;
  }
}
