import { randomBytes } from 'node:crypto';
import { constants, deflateRawSync } from 'node:zlib';

/** Which message a workload sends, over and over. */
export type Payload = 'binary' | 'text' | 'json';

/** Frames encoded beforehand, one behind the other. `offsets` has one place more than there are frames: the end. */
export interface FrameRing {
  readonly bytes: Buffer;
  readonly offsets: readonly number[];
  /** After the last frame go on with this one: with a compression context the first ones are only valid once. */
  readonly loopFrom: number;
}

/** One masked client frame (RFC 6455 §5.2), written here by hand: the load shares no code with what it measures. */
export function clientFrame(opcode: number, payload: Uint8Array, rsv1 = false): Buffer {
  const header = frameHeader(opcode, payload.length, rsv1);
  header[1]! |= 0x80;
  const key = randomBytes(4);
  const masked = Buffer.from(payload);
  for (let at = 0; at < masked.length; at++) masked[at]! ^= key[at & 3]!;
  return Buffer.concat([header, key, masked]);
}

/** What a server's answer looks like: unmasked. */
export function serverFrame(opcode: number, payload: Uint8Array): Buffer {
  return Buffer.concat([frameHeader(opcode, payload.length, false), payload]);
}

function frameHeader(opcode: number, length: number, rsv1: boolean): Buffer {
  const first = 0x80 | (rsv1 ? 0x40 : 0) | opcode;
  if (length < 126) return Buffer.from([first, length]);
  if (length < 65_536) return Buffer.from([first, 126, length >> 8, length & 0xff]);
  const header = Buffer.alloc(10);
  header[0] = first;
  header[1] = 127;
  header.writeBigUInt64BE(BigInt(length), 2);
  return header;
}

export function opcodeOf(payload: Payload): number {
  return payload === 'binary' ? 2 : 1;
}

/** A message of exactly `bytes` bytes. Each `index` gives another one. */
export function message(payload: Payload, bytes: number, index = 0): Buffer {
  if (payload === 'binary') return randomBytes(bytes);
  return fill(payload === 'text' ? TEXT : records(index, bytes), bytes);
}

/** One line in four scripts: characters of 1, 2, 3 and 4 bytes. */
const TEXT = 'Fähre nach Ålesund, 09:30 Uhr — Привет, 渡し船が来る 🚢 naïve café; ';

function records(index: number, bytes: number): string {
  let text = '';
  for (let id = index * 100; text.length < bytes; id++) {
    const record = {
      id,
      name: `sensor-${id % 17}`,
      at: 1_700_000_000 + id * 13,
      value: (id * 7919) % 1000,
      ok: id % 3 > 0,
    };
    text += `${JSON.stringify(record)},`;
  }
  return text;
}

/** `text` repeated up to exactly so many bytes, whole characters, filled up with spaces. */
function fill(text: string, bytes: number): Buffer {
  const unit = Buffer.from(text);
  const filled = Buffer.alloc(bytes, ' ');
  let at = 0;
  while (at + unit.length <= bytes) at += unit.copy(filled, at);
  for (const character of text) {
    const one = Buffer.from(character);
    if (at + one.length > bytes) break;
    at += one.copy(filled, at);
  }
  return filled;
}

/** `count` frames of one message, each with a masking key of its own. */
export function plainRing(payload: Payload, bytes: number, count: number): { ring: FrameRing; message: Buffer } {
  const one = message(payload, bytes);
  const frames = Array.from({ length: count }, () => clientFrame(opcodeOf(payload), one));
  return { ring: ringOf(frames, 0), message: one };
}

/**
 * permessage-deflate with context takeover (RFC 7692 §7.2): one stream over all messages. A message compressed against the
 * 32 KiB before it may be sent again only behind those same 32 KiB; so the sequence, longer than that, is compressed
 * twice, and the second half follows itself for ever.
 */
export function deflatedRing(bytes: number): { ring: FrameRing; message: Buffer } {
  const messages = Array.from({ length: Math.ceil(40_000 / bytes) + 1 }, (_, index) => message('json', bytes, index));
  const frames: Buffer[] = [];
  const sent: Buffer[] = [];
  for (const one of [...messages, ...messages]) {
    frames.push(clientFrame(1, compressBehind(Buffer.concat(sent), one), true));
    sent.push(one);
    while (sent.length > messages.length) sent.shift();
  }
  return { ring: ringOf(frames, messages.length), message: messages[0]! };
}

/** `one` compressed as a message that follows `before` (§7.2.1: flushed, and without the flush's last four bytes). */
function compressBehind(before: Buffer, one: Buffer): Buffer {
  const dictionary = before.subarray(-32_768);
  const flushed = deflateRawSync(one, {
    finishFlush: constants.Z_SYNC_FLUSH,
    ...(dictionary.length > 0 && { dictionary }),
  });
  return flushed.subarray(0, -4);
}

function ringOf(frames: readonly Buffer[], loopFrom: number): FrameRing {
  const offsets = [0];
  for (const frame of frames) offsets.push(offsets.at(-1)! + frame.length);
  return { bytes: Buffer.concat(frames), offsets, loopFrom };
}

/** Counts the frames in a stream of a server's bytes. It looks at headers and steps over payloads. */
export class FrameCounter {
  #header = Buffer.alloc(10);
  #have = 0;
  #skip = 0;

  /** How many frames ended in this chunk. */
  count(chunk: Uint8Array, length: number): number {
    let at = 0;
    let frames = 0;
    while (at < length) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, length - at);
        at += step;
        this.#skip -= step;
        if (this.#skip === 0) frames++;
        continue;
      }
      this.#header[this.#have++] = chunk[at++]!;
      if (this.#have < 2) continue;
      const short = this.#header[1]! & 0x7f;
      const need = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (this.#have < need) continue;
      this.#have = 0;
      const long = need === 4 ? this.#header.readUInt16BE(2) : Number(this.#header.readBigUInt64BE(2));
      this.#skip = need === 2 ? short : long;
      if (this.#skip === 0) frames++;
    }
    return frames;
  }
}
