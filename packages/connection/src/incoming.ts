import {
  asText,
  decodeUtf8,
  type Frame,
  FrameError,
  type FramePiece,
  isUtf8,
  type Message,
  MessageAssembler,
  type MessageMemory,
  Opcode,
  type TextAs,
} from '@wsferry/frames';
import type { MessageInflater } from '@wsferry/frames/deflate';

/** How an endpoint reads messages. */
export interface IncomingOptions {
  readonly maxMessageBytes: number;
  /** With permessage-deflate agreed on: what decompresses. */
  readonly inflater: Pick<MessageInflater, 'inflate'> | undefined;
  /** Where messages are gathered that come in parts. Default: new memory for each. */
  readonly memory?: MessageMemory | undefined;
  /** What text messages are given as. Default `string`. */
  readonly text?: TextAs | undefined;
}

/** How much longer than itself DEFLATE may make what it cannot compress: 5 bytes for each stored block, and a little. */
function compressedBytes(maxMessageBytes: number): number {
  return maxMessageBytes + Math.ceil(maxMessageBytes / 16_383) * 5 + 16;
}

/** The longest payload that a frame may declare. */
export function maxPayloadBytes({
  maxMessageBytes,
  inflater,
}: Pick<IncomingOptions, 'maxMessageBytes' | 'inflater'>): number {
  return inflater === undefined ? maxMessageBytes : compressedBytes(maxMessageBytes);
}

/** The receiving half of a connection, from data frames to messages: puts fragments together and decompresses. */
export class Incoming {
  readonly #options: IncomingOptions;
  /** Each made when the first message of its kind comes: most connections have one kind, many are silent. */
  #plain: MessageAssembler | undefined;
  #compressed: MessageAssembler | undefined;
  /** Of the message that has begun: of its first frame. No object for each message, of which there may be millions a second. */
  #begun = false;
  #isCompressed = false;
  #opcode: Opcode = Opcode.Binary;

  constructor(options: IncomingOptions) {
    this.#options = options;
  }

  /**
   * The message that this data frame (or piece of one) completes, else `undefined`. A promise when it is large and
   * compressed: the next frame must wait for it. Throws, or rejects with, FrameError.
   */
  add(frame: Frame | FramePiece): Message | Promise<Message> | undefined {
    if (!this.#begun) {
      this.#begun = true;
      this.#isCompressed = frame.rsv1 === true && this.#options.inflater !== undefined;
      this.#opcode = frame.opcode;
    }
    const compressed = this.#isCompressed;
    // What is compressed is no text yet: it is put together as bytes, and judged as text afterwards.
    const asBinary = compressed && frame.opcode !== Opcode.Continuation;
    const message = this.#assembler(compressed).add(
      asBinary ? { ...frame, opcode: Opcode.Binary, rsv1: false } : frame,
    );
    if (message === undefined) return undefined;
    this.#begun = false;
    return compressed ? this.#inflate(message as Uint8Array, this.#opcode === Opcode.Text) : message;
  }

  #assembler(compressed: boolean): MessageAssembler {
    const { maxMessageBytes, memory, text = 'string' } = this.#options;
    if (!compressed) {
      this.#plain ??= new MessageAssembler({ maxMessageBytes, text, ...(memory && { memory }) });
      return this.#plain;
    }
    // What is compressed may be longer than what it becomes; it is that which the limit is for.
    this.#compressed ??= new MessageAssembler({ maxMessageBytes: maxPayloadBytes(this.#options) });
    return this.#compressed;
  }

  #inflate(payload: Uint8Array, text: boolean): Message | Promise<Message> {
    const { inflater, maxMessageBytes } = this.#options;
    const asBytes = this.#options.text === 'bytes';
    // What becomes a string is read at once, and needs no bytes of its own.
    const inflated = inflater!.inflate(payload, maxMessageBytes, { lend: text && !asBytes });
    const finish = (bytes: Uint8Array) => (text ? checkedText(bytes, asBytes) : bytes);
    return inflated instanceof Promise ? inflated.then(finish) : finish(inflated);
  }
}

function checkedText(bytes: Uint8Array, asBytes: boolean): Message {
  if (asBytes && isUtf8(bytes)) return asText(bytes);
  const text = asBytes ? undefined : decodeUtf8(bytes);
  if (text === undefined)
    throw new FrameError('INVALID_UTF8', 'expected UTF-8 in a compressed text message, got other bytes');
  return text;
}
