import { type CloseStatus, encodeClosePayload, isTextBytes, type Message, Opcode } from '@wsferry/frames';
import type { MessageDeflater } from '@wsferry/frames/deflate';
import type { Slab } from './frame-memory.ts';
import { FrameWriter } from './frame-writer.ts';
import { takeAway } from './given-away.ts';

/** How an endpoint writes. */
export interface OutgoingOptions {
  /** §5.1: a client masks, a server does not. */
  readonly masked: boolean;
  /** With permessage-deflate agreed on: what compresses. */
  readonly deflater: Pick<MessageDeflater, 'deflate' | 'deflateMessage'> | undefined;
  /** Shorter messages are sent as they are: compressing them costs more than it saves. */
  readonly thresholdBytes: number;
  /** Where frames are written. Default: memory that is used once. */
  readonly slab?: Slab | undefined;
}

/**
 * The largest part of a message that is compressed in one go, in bytes: about 2 ms of work, 5 at the worst, and a fragment
 * of its own. What is longer is compressed part by part, between which the event loop turns.
 */
const PART_BYTES = 64 * 1024;

/** A string of so many UTF-16 units, each three bytes at most, is compressed without a buffer of its own. */
const LENT_TEXT_UNITS = 16 * 1024;
let textBytes = new Uint8Array(0);

const NOTHING = new Uint8Array(0);
/** A frame copies what it is given. */
const LENT = { lend: true } as const;
const encoder = new TextEncoder();

/** A message whose compression goes on, or one that waits behind such a one. */
interface Waiting {
  readonly opcode: Opcode;
  readonly payload: Uint8Array;
  readonly compress: boolean;
  /** How much of the payload is framed already. */
  at: number;
}

/** The sending half of a connection: messages and control frames in, the bytes of frames out, in order. */
export class Outgoing {
  readonly #options: OutgoingOptions;
  readonly #writer: FrameWriter;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;

  constructor(options: OutgoingOptions) {
    this.#options = options;
    this.#writer = new FrameWriter(options.masked, options.slab);
  }

  /** Bytes that wait in the output, and those of messages that wait to be compressed. */
  get bytes(): number {
    return this.#writer.bytes + this.#waitingBytes;
  }

  /** Whether there is work for `continue`. */
  get unfinished(): boolean {
    return this.#waiting.length > 0;
  }

  /**
   * One message: in one frame (§5.6), or, when it is long and compressed, in as many as it has parts. With `transfer` its bytes
   * are ours.
   */
  message(data: Message, compress: boolean, transfer: boolean): void {
    const text = typeof data === 'string';
    if (text && this.#options.deflater === undefined) {
      this.#writer.text(data);
      return;
    }
    const opcode = text || isTextBytes(data) ? Opcode.Text : Opcode.Binary;
    const payload = text ? this.#encode(data) : data;
    const { deflater, thresholdBytes } = this.#options;
    const compressed = compress && deflater !== undefined && payload.length >= thresholdBytes;
    if (this.#waiting.length === 0 && !(compressed && payload.length > PART_BYTES)) {
      if (transfer && !text && !compressed) this.#writer.givenAway(opcode, payload);
      else this.#whole(opcode, payload, compressed);
      return;
    }
    // Copied: the caller may change the bytes once `send` has returned. (slice() of a Buffer would be a view.)
    const own = text ? data.length > LENT_TEXT_UNITS && payload : transfer && takeAway(payload);
    const ours = own || new Uint8Array(payload);
    this.#waiting.push({ opcode, payload: ours, compress: compressed, at: 0 });
    this.#waitingBytes += ours.length;
  }

  /** Goes on with the messages that wait: one part of one, or one that is sent as it is. */
  continue(): void {
    const message = this.#waiting[0];
    if (message === undefined) return;
    const { opcode, payload, compress, at } = message;
    if (!compress || payload.length <= PART_BYTES) {
      this.#shift(payload.length);
      this.#whole(opcode, payload, compress);
      return;
    }
    const end = Math.min(at + PART_BYTES, payload.length);
    const fin = end === payload.length;
    const part = this.#options.deflater!.deflate(payload.subarray(at, end), fin);
    // RFC 7692 §6.1: RSV1 on the first frame only.
    this.frame(at === 0 ? opcode : Opcode.Continuation, part, fin, at === 0);
    message.at = end;
    if (fin) this.#shift(end - at);
    else this.#waitingBytes -= end - at;
  }

  /** A Close frame, behind which nothing follows: what still waits is given up. */
  close(status: CloseStatus | undefined): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.frame(Opcode.Close, status ? encodeClosePayload(status) : NOTHING);
  }

  /** One frame, at once: a control frame may stand between the fragments of a message (§5.4). */
  frame(opcode: Opcode, payload: Uint8Array, fin = true, rsv1 = false): void {
    this.#writer.frame(opcode, payload, fin, rsv1);
  }

  /** The bytes to write, in order. They are taken: the next call gives only what came since. */
  take(): Uint8Array[] {
    return this.#writer.take();
  }

  /** A text's bytes, of which short ones are good only until the next call. */
  #encode(text: string): Uint8Array {
    if (text.length > LENT_TEXT_UNITS) return encoder.encode(text);
    if (textBytes.length === 0) textBytes = new Uint8Array(LENT_TEXT_UNITS * 3);
    return textBytes.subarray(0, encoder.encodeInto(text, textBytes).written);
  }

  #whole(opcode: Opcode, payload: Uint8Array, compress: boolean): void {
    const compressed = compress ? this.#options.deflater?.deflateMessage(payload, LENT) : undefined;
    if (compressed === undefined) this.frame(opcode, payload);
    else this.frame(opcode, compressed, true, true);
  }

  #shift(bytes: number): void {
    this.#waiting.shift();
    this.#waitingBytes -= bytes;
  }
}
