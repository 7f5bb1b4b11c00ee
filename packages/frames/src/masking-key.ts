/** One call of getRandomValues costs about a microsecond however few bytes it fills: 8 KiB serve 2,048 frames. */
const POOL_BYTES = 8192;
let pool: Uint8Array<ArrayBuffer> | undefined;
let used = POOL_BYTES;

/**
 * A fresh 4-byte masking key from the platform's strong randomness (`globalThis.crypto`). Every frame needs its own,
 * which a peer's data cannot predict (§5.3, §10.3). The key is a copy: nothing in it leads to the keys still to come.
 */
export function createMaskingKey(): Uint8Array<ArrayBuffer> {
  pool ??= new Uint8Array(POOL_BYTES);
  if (used === POOL_BYTES) {
    globalThis.crypto.getRandomValues(pool);
    used = 0;
  }
  const key = new Uint8Array(4);
  for (let i = 0; i < 4; i++) key[i] = pool[used++]!;
  return key;
}
