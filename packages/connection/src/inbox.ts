import { asText, isTextBytes, type Message } from '@wsferry/frames';

/** What a message costs beside its bytes while it waits: so that a flood of empty ones counts too. */
const MESSAGE_OVERHEAD_BYTES = 64;

/** Messages that came and that nobody has asked for yet, and readers that asked and have nothing yet. */
export class Inbox {
  #messages: Message[] = [];
  /** What each counts: its length may be gone by the time it is taken, when its memory was given away. */
  #sizes: number[] = [];
  #from = 0;
  #bytes = 0;
  #readers: ((result: IteratorResult<Message, undefined>) => void)[] = [];
  #ended = false;

  /** Bytes kept, with a little for each message. */
  get bytes(): number {
    return this.#bytes;
  }

  get length(): number {
    return this.#messages.length - this.#from;
  }

  put(message: Message): void {
    const reader = this.#readers.shift();
    if (reader) {
      reader({ done: false, value: message });
      return;
    }
    const own = typeof message === 'string' ? message : withoutNeighbours(message);
    this.#messages.push(own);
    this.#sizes.push(own.length + MESSAGE_OVERHEAD_BYTES);
    this.#bytes += own.length + MESSAGE_OVERHEAD_BYTES;
  }

  take(): Message | undefined {
    if (this.length === 0) return undefined;
    const message = this.#messages[this.#from] as Message;
    this.#bytes -= this.#sizes[this.#from] as number;
    this.#messages[this.#from++] = '';
    if (this.#from > 32 && this.#from * 2 > this.#messages.length) {
      this.#messages = this.#messages.slice(this.#from);
      this.#sizes = this.#sizes.slice(this.#from);
      this.#from = 0;
    }
    return message;
  }

  /** The next message, now or when it comes; done once `end` was called and everything was taken. */
  read(): Promise<IteratorResult<Message, undefined>> {
    const value = this.take();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  /** No more will come. What is here can still be read, unless `discard`. */
  end({ discard }: { discard: boolean }): void {
    this.#ended = true;
    if (discard) {
      this.#messages = [];
      this.#sizes = [];
      this.#from = this.#bytes = 0;
    }
    for (const reader of this.#readers.splice(0)) reader({ done: true, value: undefined });
  }
}

/**
 * A message is most often a view of the chunk that it came in. One that has to wait, and is only a small part of that, is
 * copied: else a byte would keep 64 KiB, and what is counted here would be no bound.
 */
function withoutNeighbours(bytes: Uint8Array): Uint8Array {
  if (bytes.length * 2 >= bytes.buffer.byteLength) return bytes;
  const own = new Uint8Array(bytes);
  return isTextBytes(bytes) ? asText(own) : own;
}
