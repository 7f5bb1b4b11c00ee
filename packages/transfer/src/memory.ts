import { createMD5, createSHA256, type IHasher } from 'hash-wasm';
import { TransferError } from './errors.ts';
import type { DigestAlgorithm } from './packets.ts';
import type { Accept, FileSink, FileSource } from './ports.ts';

async function hasher(algorithm: DigestAlgorithm): Promise<IHasher> {
  const made = await (algorithm === 'md5' ? createMD5() : createSHA256());
  return made.init();
}

async function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm): Promise<string> {
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

/**
 * A receiver that keeps files in a map, for tests and examples; the key is the name, behind its folders with a `/` after
 * each. A name that is taken is refused with EXISTS.
 */
export function memoryReceiver(): { readonly accept: Accept; readonly files: Map<string, Uint8Array> } {
  const files = new Map<string, Uint8Array>();
  const accept: Accept = async ({ name, folder }) => {
    const key = [...folder, name].join('/');
    if (files.has(key)) throw new TransferError('EXISTS', `${key} is there already`);
    return { sink: memorySink(name, key, files) };
  };
  return { accept, files };
}

function memorySink(name: string, key: string, files: Map<string, Uint8Array>): FileSink {
  let parts: Uint8Array[] = [];
  const whole = () => joined(parts);
  return {
    async write(bytes) {
      parts.push(bytes);
    },
    async restart() {
      parts = [];
    },
    digest: () => digestOf(whole(), 'md5'),
    async commit() {
      // Two of one name may have been accepted at once; the first to finish has it.
      if (files.has(key)) throw new TransferError('EXISTS', `${key} is there already`);
      const bytes = whole();
      files.set(key, bytes);
      return { name, size: bytes.length, digest: await digestOf(bytes, 'md5'), existing: false };
    },
    async discard() {
      parts = [];
    },
  };
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
