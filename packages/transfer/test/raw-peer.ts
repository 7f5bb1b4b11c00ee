import { encodePacket, type MessagePipe, type Packet, parsePacket } from '../src/index.ts';

/** A peer under the test's control: it sends what it is told to, right or wrong, and reads packet by packet. */
export class RawPeer {
  readonly #pipe: MessagePipe;
  readonly #messages: AsyncIterator<string | Uint8Array>;

  constructor(pipe: MessagePipe) {
    this.#pipe = pipe;
    this.#messages = pipe[Symbol.asyncIterator]();
  }

  say(...packets: (Packet | string | Uint8Array)[]): void {
    for (const packet of packets) {
      this.#pipe.send(typeof packet === 'string' || packet instanceof Uint8Array ? packet : encodePacket(packet));
    }
  }

  /** The next packet; `undefined` when the pipe has ended. */
  async hear(): Promise<Packet | undefined> {
    const { value, done } = await this.#messages.next();
    return done ? undefined : parsePacket(value as string | Uint8Array);
  }

  /** The next packet of that type; others are skipped. */
  async hearA<T extends Packet['type']>(type: T): Promise<Extract<Packet, { type: T }>> {
    for (let packet = await this.hear(); packet !== undefined; packet = await this.hear()) {
      if (packet.type === type) return packet as Extract<Packet, { type: T }>;
    }
    throw new Error(`the pipe ended before ${type} came`);
  }
}

/** A promise and its two ends. */
export function deferred<T = void>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (e: unknown) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
