import type { IHasher } from 'hash-wasm';
import type { DigestAlgorithm } from './packets.ts';
import type { FileSource } from './ports.ts';

async function hasher(algorithm: DigestAlgorithm): Promise<IHasher> {
  // Loaded when it is needed: it is large, and who sends paths does without.
  const { createMD5, createSHA256 } = await import('hash-wasm');
  const made = await (algorithm === 'md5' ? createMD5() : createSHA256());
  return made.init();
}

/** Lower-case hex. */
export async function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm): Promise<string> {
  return (await hasher(algorithm)).update(bytes).digest();
}

/** A source of bytes that are in memory already. */
export function bytesSource(name: string, bytes: Uint8Array): FileSource {
  return {
    name,
    size: bytes.length,
    async open({ start, chunkBytes, algorithm }) {
      let at = start;
      return {
        ...(start > 0 && start <= bytes.length
          ? { prefixDigest: await digestOf(bytes.subarray(0, start), algorithm) }
          : {}),
        async read() {
          if (at >= bytes.length) return undefined;
          const chunk = bytes.subarray(at, at + chunkBytes);
          at += chunk.length;
          return chunk;
        },
        digest: () => digestOf(bytes, algorithm),
        close: async () => {},
      };
    },
  };
}

/** The parts, one behind the other, in one new buffer. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
