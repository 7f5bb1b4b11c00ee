/**
 * 64 MiB, for one frame's payload and for one message alike: well above what programs send as one message, and small
 * enough that a handful of hostile peers cannot exhaust a small machine. Bulk data belongs into many messages.
 */
export const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;

/** A limit in bytes as the caller gave it, as an exact integer (Infinity becomes 2^53 - 1). */
export function checkedLimit(name: string, value: number): number {
  if (value === Number.POSITIVE_INFINITY) return Number.MAX_SAFE_INTEGER;
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError(`expected ${name} to be a whole number of bytes >= 0 or Infinity, got ${value}`);
}

/**
 * How large a buffer that holds `held` bytes of space must become to take `needed`: doubling, so that growing costs
 * linear time, but never above `most`. What a peer merely declares plays no part in it.
 */
export function grownLength(held: number, needed: number, most: number): number {
  return Math.min(most, Math.max(needed, held * 2, 256));
}
