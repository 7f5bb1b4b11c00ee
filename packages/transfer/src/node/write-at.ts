import type { FileHandle } from 'node:fs/promises';

/** Writes all of `parts`, one behind the other, from `position` on. The system may take only some of them at a time. */
export async function writeAt(handle: FileHandle, parts: readonly Uint8Array[], position: number): Promise<void> {
  let at = position;
  let rest = parts;
  while (rest.length > 0) {
    const [first] = rest;
    const { bytesWritten } =
      rest.length === 1 ? await handle.write(first!, 0, first!.byteLength, at) : await handle.writev(rest, at);
    at += bytesWritten;
    rest = behind(rest, bytesWritten);
  }
}

/** What is left of `parts` behind so many bytes. */
function behind(parts: readonly Uint8Array[], byteLength: number): readonly Uint8Array[] {
  let left = byteLength;
  let index = 0;
  for (; index < parts.length && parts[index]!.byteLength <= left; index += 1) left -= parts[index]!.byteLength;
  const rest = parts.slice(index);
  return left === 0 ? rest : [rest[0]!.subarray(left), ...rest.slice(1)];
}
