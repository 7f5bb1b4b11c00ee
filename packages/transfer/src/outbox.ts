import { encodePacket } from './encode.ts';
import type { Packet } from './packets.ts';
import { MAX_CONTROL_LENGTH } from './parse.ts';
import type { MessagePipe } from './pipe.ts';

/**
 * The most characters of control packets that a peer may leave unread before nothing more is read from it. Peers that
 * keep to `maxTransfers` and to their credit owe a fraction of it; so two of them never wait for each other.
 */
export const MAX_UNREAD_LENGTH = 1_048_576;

/** Packets that answer nothing. */
const ownWords: ReadonlySet<Packet['type']> = new Set([
  'NEW_FILE',
  'FILE_END',
  'NEW_FOLDER',
  'GET_FILE',
  'LIST_FILES',
  'NOTE',
]);

/**
 * The control packets of a session on their way out. They are answers, and answers must not wait in a line behind a
 * peer that does not read: that would be two sides waiting for each other as soon as files go both ways. So everything
 * is handed to the pipe at once, and counted from when the pipe is full until it is drained. A peer that lets them
 * pile up is `behind`, and is spared what it can do without; one that goes on asking is not read any more.
 */
export class Outbox {
  readonly #pipe: MessagePipe;
  readonly #caughtUp: () => void;
  /** Characters of answers since the pipe was last drained. */
  #unread = 0;
  #draining = false;
  #ended = false;
  #roomy: (() => void) | undefined;
  #whenRead: (() => void)[] = [];

  /** `caughtUp` is called when a peer that was behind is so no more. */
  constructor(pipe: MessagePipe, caughtUp: () => void) {
    this.#pipe = pipe;
    this.#caughtUp = caughtUp;
  }

  /** Whether the peer leaves so much unread that it should only get what it must have. */
  get behind(): boolean {
    return this.#unread > MAX_UNREAD_LENGTH / 2;
  }

  send(packet: Packet): void {
    const message = fitting(packet);
    if (message === undefined) return;
    try {
      if (this.#pipe.send(message)) this.#unread = 0;
      // What we say of our own accord is bounded by our own limits; it is not the peer that asked for it.
      else if (!ownWords.has(packet.type)) this.#count(message.length);
    } catch {
      // The pipe is gone; its iteration ends too, and that is where it is dealt with.
    }
  }

  /** Resolves when the peer may be read again. */
  async room(): Promise<void> {
    while (this.#unread > MAX_UNREAD_LENGTH && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#roomy = resolve;
      });
    }
  }

  /** Resolves when the peer is not behind: for answers that are long, and may come later. */
  async whenRead(): Promise<void> {
    while (this.behind && !this.#ended) await new Promise<void>((resolve) => this.#whenRead.push(resolve));
  }

  /** Nobody is held any more. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  #count(length: number): void {
    this.#unread += length;
    if (this.#draining) return;
    this.#draining = true;
    const drained = () => this.#drained();
    // Rejected: the pipe closes, and nobody is to be held for it.
    this.#pipe.drained().then(drained, drained);
  }

  #wake(): void {
    this.#roomy?.();
    for (const resolve of this.#whenRead.splice(0)) resolve();
  }

  #drained(): void {
    const { behind } = this;
    this.#draining = false;
    this.#unread = 0;
    this.#wake();
    if (behind && !this.#ended) this.#caughtUp();
  }
}

/** The most UTF-16 units of a packet's `message`; a longer one is cut. */
const MAX_MESSAGE_LENGTH = 1_000;

/**
 * The packet as a message that the peer will parse: one above its limit would be a violation, and the transfer that
 * waits for it would wait for ever. Words are cut; a name and a path that a sink made too long are left out; news of
 * such a name is no news (`undefined`).
 */
function fitting(packet: Packet): string | Uint8Array<ArrayBuffer> | undefined {
  const whole = encodePacket('message' in packet ? ({ ...packet, message: cut(packet.message) } as Packet) : packet);
  if (typeof whole !== 'string' || whole.length <= MAX_CONTROL_LENGTH) return whole;
  if (packet.type !== 'ACK_FILE_END') return undefined;
  return fitting({ ...packet, name: undefined, path: undefined });
}

function cut(message: string | undefined): string | undefined {
  if (message === undefined || message.length <= MAX_MESSAGE_LENGTH) return message;
  // Without the half of a pair that the cut may leave.
  return `${message.slice(0, MAX_MESSAGE_LENGTH - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
