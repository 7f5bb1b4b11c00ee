/** Every way to cut `bytes` into two parts, the empty first and the empty last included. Each part is a copy. */
export function* everySplit(bytes: Uint8Array): Iterable<Uint8Array[]> {
  for (let at = 0; at <= bytes.length; at++) yield [bytes.slice(0, at), bytes.slice(at)];
}

/** `bytes` one at a time, each a copy. */
export function byteByByte(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (byte) => Uint8Array.of(byte));
}

/** `bytes` cut at random places. `random` gives numbers in [0, 1), so that a failing seed can be run again. */
export function randomSplits(bytes: Uint8Array, random: () => number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let from = 0; from < bytes.length; ) {
    const length = 1 + Math.floor(random() * Math.min(bytes.length - from, 1 + random() * bytes.length));
    parts.push(bytes.slice(from, from + length));
    from += length;
  }
  return parts;
}
