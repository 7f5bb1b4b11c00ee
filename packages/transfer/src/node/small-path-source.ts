import { createHash } from 'node:crypto';
import { DATA_HEADER_BYTES } from '../packets.ts';
import type { OpenOptions, OpenSource } from '../ports.ts';
import { crowdThread, type Look, readAside } from './small-files.ts';
import { checkUnchanged, sourceChanged } from './source-changed.ts';

/**
 * A small file, one of a crowd: read whole in one go by the thread for such. `undefined` when there is no crowd, or it could
 * not be read: why that is so is found out the long way. With an `identity` it has to be that very file, and no symlink to it.
 *
 * @throws TransferError SOURCE_CHANGED
 */
export async function openSmallPath(
  path: string,
  look: Look,
  options: OpenOptions,
  identity?: string,
): Promise<OpenSource | undefined> {
  const thread = crowdThread();
  const how = { headroomBytes: DATA_HEADER_BYTES, follow: identity === undefined };
  const found = await (thread && readAside(thread, path, look.size, how).catch(() => undefined));
  if (found === undefined) return undefined;
  const { bytes, before, after } = found;
  if (identity !== undefined && before.identity !== identity)
    throw sourceChanged('there is something else in its place');
  checkUnchanged(look, before);
  checkUnchanged(look, after);
  if (bytes.byteLength < look.size) throw sourceChanged(`it ended after ${bytes.byteLength} of ${look.size} bytes`);
  return wholeSource(bytes, options);
}

/** Bytes that have room for a header in front of them. */
function wholeSource(bytes: Uint8Array, { start, chunkBytes, algorithm, onCompared }: OpenOptions): OpenSource {
  // Now: the headers of packets will overwrite what has been sent.
  const digestOf = (part: Uint8Array) => createHash(algorithm).update(part).digest('hex');
  const digest = digestOf(bytes);
  const held = start > 0 && start <= bytes.byteLength;
  if (held) onCompared?.(start);
  let rest = bytes.subarray(held ? start : 0);
  return {
    headroomBytes: DATA_HEADER_BYTES,
    ...(held && { prefixDigest: digestOf(bytes.subarray(0, start)) }),
    read: async () => {
      if (rest.byteLength === 0) return undefined;
      const chunk = rest.subarray(0, chunkBytes);
      rest = rest.subarray(chunk.byteLength);
      return chunk;
    },
    digest: async () => digest,
    close: async () => {},
  };
}
