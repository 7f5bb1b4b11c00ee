import { constants, createDeflateRaw, createInflateRaw, type DeflateRaw, type InflateRaw } from 'node:zlib';
import fc from 'fast-check';
import { afterEach } from 'vitest';
import { hotDeflaters } from '../../src/deflate/deflater.ts';
import type { DeflateParameters } from '../../src/deflate/index.ts';
import { TAIL } from '../../src/deflate/inflate-steps.ts';
import { hotInflaters } from '../../src/deflate/inflater.ts';
import { Output } from '../../src/deflate/output.ts';
import { readSmallStream } from '../../src/deflate/small-stream.ts';
import type { Role } from '../../src/opcode.ts';

export const bytes = (text: string) => new TextEncoder().encode(text);
export const fromHex = (hex: string) => Uint8Array.from(hex.split(' ').map((pair) => Number.parseInt(pair, 16)));
export const toHex = (data: Uint8Array) => [...data].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');

export const unlimited: DeflateParameters = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
};

/** What is agreed for what `sender` compresses; the other direction is as different as can be. */
export function parametersFor(sender: Role, noContextTakeover: boolean, maxWindowBits: number): DeflateParameters {
  const other = { takeover: !noContextTakeover, bits: 23 - maxWindowBits };
  return sender === 'server'
    ? {
        serverNoContextTakeover: noContextTakeover,
        serverMaxWindowBits: maxWindowBits,
        clientNoContextTakeover: other.takeover,
        clientMaxWindowBits: other.bits,
      }
    : {
        clientNoContextTakeover: noContextTakeover,
        clientMaxWindowBits: maxWindowBits,
        serverNoContextTakeover: other.takeover,
        serverMaxWindowBits: other.bits,
      };
}

export const otherRole = (role: Role): Role => (role === 'server' ? 'client' : 'server');

/** permessage-deflate as other implementations do it: one zlib stream for all messages. */
export class StreamPeer {
  readonly #stream: DeflateRaw | InflateRaw;
  readonly #inflates: boolean;
  readonly #noContextTakeover: boolean;
  #chunks: Uint8Array[] = [];

  private constructor(stream: DeflateRaw | InflateRaw, inflates: boolean, noContextTakeover: boolean) {
    this.#stream = stream;
    this.#inflates = inflates;
    this.#noContextTakeover = noContextTakeover;
    stream.on('data', (chunk) => this.#chunks.push(chunk));
  }

  static inflater(noContextTakeover: boolean, windowBits: number): StreamPeer {
    return new StreamPeer(createInflateRaw({ windowBits }), true, noContextTakeover);
  }

  static deflater(noContextTakeover: boolean, windowBits: number, level = 6): StreamPeer {
    // zlib has no raw window of 2^8; of 2^9 it uses no more than 250 bytes.
    return new StreamPeer(createDeflateRaw({ windowBits: Math.max(9, windowBits), level }), false, noContextTakeover);
  }

  /** One message, compressed and without its tail, or inflated. */
  async message(...parts: readonly Uint8Array[]): Promise<Uint8Array> {
    for (const part of this.#inflates ? [...parts, TAIL.subarray(0, 4)] : parts) await this.#run(part);
    const all = Uint8Array.from(Buffer.concat(this.#chunks));
    this.#chunks = [];
    if (this.#noContextTakeover) this.#stream.reset();
    return this.#inflates ? all : all.subarray(0, all.length - 4);
  }

  close(): void {
    this.#stream.close();
  }

  #run(part: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stream.once('error', reject);
      this.#stream.write(part);
      this.#stream.flush(constants.Z_SYNC_FLUSH, () => {
        this.#stream.off('error', reject);
        resolve();
      });
    });
  }
}

/**
 * Walks through a compressed message without zlib: what it says, and the largest distance in it. `before` is what the
 * messages before it said.
 */
export function walk(payload: Uint8Array, before: Uint8Array): { message: Uint8Array; largestDistance: number } {
  const output = new Output(before);
  let largestDistance = 0;
  const whole = concat(payload, TAIL);
  const end = readSmallStream(
    whole,
    0,
    whole.length,
    {
      get length() {
        return output.length;
      },
      literal: (byte) => output.literal(byte),
      copy: (distance, length) => {
        largestDistance = Math.max(largestDistance, distance);
        return output.copy(distance, length);
      },
    },
    Number.POSITIVE_INFINITY,
  );
  if (end !== whole.length) throw new Error(`expected a whole message, got ${end} of ${whole.length} bytes`);
  return { message: output.bytes(), largestDistance };
}

// Every test has all places for streams that live on.
afterEach(() => withoutHot(() => {}));

/** Runs `what` while no zlib stream lives on between messages: those that do are closed. */
export function withoutHot<T>(what: () => T): T {
  const places = [hotDeflaters, hotInflaters];
  const most = places.map((some) => some.most);
  for (const some of places) some.resize(0);
  try {
    return what();
  } finally {
    for (const [i, some] of places.entries()) some.resize(most[i]!);
  }
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.concat(parts));
}

/** Bytes that do not compress, the same for the same seed. */
export function noise(length: number, seed: number): Uint8Array {
  let state = seed | 0 || 1;
  return Uint8Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  });
}

/** Bytes with repetitions at every distance up to `length`: words of a small language, in no order. */
export function prose(length: number, seed: number): Uint8Array {
  const words = Array.from({ length: 97 }, (_, i) => noise(3 + (i % 11), i + 1));
  const order = noise(length, seed);
  const text = new Uint8Array(length);
  for (let at = 0, i = 0; at < length; i++) {
    const word = words[order[i]! % words.length]!.subarray(0, length - at);
    text.set(word, at);
    at += word.length;
  }
  return text;
}

/** Messages of every kind: empty, tiny, that compress, that do not, larger than any window. */
export const anyMessage: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.constant(new Uint8Array(0)),
  fc.uint8Array({ maxLength: 40 }),
  fc.tuple(fc.nat(3000), fc.nat()).map(([length, seed]) => noise(length, seed)),
  fc.tuple(fc.nat(5000), fc.nat()).map(([length, seed]) => prose(length, seed)),
  fc.tuple(fc.integer({ min: 20_000, max: 90_000 }), fc.nat()).map(([length, seed]) => prose(length, seed)),
  fc.tuple(fc.nat(80_000), fc.nat(255)).map(([length, byte]) => new Uint8Array(length).fill(byte)),
);
