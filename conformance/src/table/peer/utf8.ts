/**
 * Where `bytes` stop being the beginning of any UTF-8 text (RFC 3629 §4): the index of the first byte that cannot be,
 * or `undefined` when every byte can. `complete`: no character is left half.
 */
export function judgeUtf8(bytes: Uint8Array): { badAt: number | undefined; complete: boolean } {
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at]!;
    const length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (length === 0) return { badAt: at, complete: false };
    // The second byte carries the rules against overlong forms, surrogates and code points above U+10FFFF.
    const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    for (let i = 1; i < length; i++) {
      const byte = bytes[at + i];
      if (byte === undefined) return { badAt: undefined, complete: false };
      const fits = i === 1 ? byte >= low && byte <= high : byte >= 0x80 && byte <= 0xbf;
      if (!fits) return { badAt: at + i, complete: false };
    }
    at += length;
  }
  return { badAt: undefined, complete: true };
}

export function isUtf8(bytes: Uint8Array): boolean {
  return judgeUtf8(bytes).complete;
}
