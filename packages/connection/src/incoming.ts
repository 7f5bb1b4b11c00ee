import {
  decodeUtf8,
  type Frame,
  FrameError,
  type FramePiece,
  type Message,
  MessageAssembler,
  Opcode,
} from '@wsferry/frames';
import type { MessageInflater } from '@wsferry/frames/deflate';

/** How an endpoint reads messages. */
export interface IncomingOptions {
  readonly maxMessageBytes: number;
  /** With permessage-deflate agreed on: what decompresses. */
  readonly inflater: Pick<MessageInflater, 'inflate'> | undefined;
}

/** The receiving half of a connection, from data frames to messages: puts fragments together and decompresses. */
export class Incoming {
  readonly #maxMessageBytes: number;
  readonly #assembler: MessageAssembler;
  readonly #inflater: Pick<MessageInflater, 'inflate'> | undefined;
  /** The opcode of the compressed message that has begun. */
  #compressed: Opcode | undefined;

  constructor({ maxMessageBytes, inflater }: IncomingOptions) {
    this.#maxMessageBytes = maxMessageBytes;
    this.#assembler = new MessageAssembler({ maxMessageBytes });
    this.#inflater = inflater;
  }

  /**
   * The message that this data frame (or piece of one) completes, else `undefined`. A promise when it is large and
   * compressed: the next frame must wait for it. Throws, or rejects with, FrameError.
   */
  add(frame: Frame | FramePiece): Message | Promise<Message> | undefined {
    if (frame.rsv1 && this.#inflater !== undefined) {
      // What is compressed is no text yet: it is put together as bytes, and judged as text afterwards.
      this.#compressed ??= frame.opcode;
      return this.#inflate(this.#assembler.add({ ...frame, opcode: Opcode.Binary, rsv1: false }));
    }
    const message = this.#assembler.add(frame);
    return this.#compressed === undefined ? message : this.#inflate(message);
  }

  #inflate(message: Message | undefined): Message | Promise<Message> | undefined {
    if (message === undefined) return undefined;
    const text = this.#compressed === Opcode.Text;
    this.#compressed = undefined;
    const inflated = this.#inflater!.inflate(message as Uint8Array, this.#maxMessageBytes);
    const finish = (bytes: Uint8Array) => (text ? checkedText(bytes) : bytes);
    return inflated instanceof Promise ? inflated.then(finish) : finish(inflated);
  }
}

function checkedText(bytes: Uint8Array): string {
  const text = decodeUtf8(bytes);
  if (text === undefined)
    throw new FrameError('INVALID_UTF8', 'expected UTF-8 in a compressed text message, got other bytes');
  return text;
}
