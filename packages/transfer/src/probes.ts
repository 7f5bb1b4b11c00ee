import { TransferError } from './errors.ts';
import { onAbort } from './on-abort.ts';
import type { AckProbe, CancelFile, ErrorPacket, Probe } from './packets.ts';

/** What a peer tells of itself, see {@link Probe}. */
export type About = Readonly<Record<string, string>>;

interface Answer {
  readonly ms: number;
  readonly about: About;
}

interface Waiting {
  readonly startedAt: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: TransferError) => void;
}

/** More is no answer to "who are you?"; and a packet that is too long would never arrive. */
const MAX_ABOUT_LENGTH = 1_000;

/** @throws {RangeError} when it does not hold strings alone, or too much of them. */
export function checkAbout(about: About): void {
  const values: unknown[] = typeof about === 'object' && about !== null ? Object.entries(about).flat() : [undefined];
  if (!values.every((value) => typeof value === 'string') || values.join('').length > MAX_ABOUT_LENGTH) {
    throw new RangeError(`expected about to hold strings of at most ${MAX_ABOUT_LENGTH} characters together`);
  }
}

/** The probes of a session that wait for their answers. */
export class Probes {
  readonly #send: (packet: Probe | AckProbe) => void;
  readonly #own: About | undefined;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  #ended: TransferError | undefined;

  /** `about` is what this side tells of itself. */
  constructor(send: (packet: Probe | AckProbe) => void, about?: About) {
    this.#send = send;
    this.#own = about;
  }

  /** How long the answer took, in milliseconds, and what it told: nothing, unless `about` asks for it. */
  async ask({ about, signal }: { about?: true; signal?: AbortSignal | undefined } = {}): Promise<Answer> {
    signal?.throwIfAborted();
    if (this.#ended) throw this.#ended;
    const probe = ++this.#last;
    let giveUp!: () => void;
    const answer = new Promise<Answer>((resolve, reject) => {
      this.#waiting.set(probe, { startedAt: performance.now(), resolve, reject });
      // Its place is kept: the answer to it still comes before the answers to later ones.
      giveUp = () => reject(signal?.reason);
    });
    const unlisten = onAbort(signal, giveUp);
    this.#send({ type: 'PROBE', probe, ...(about && { about }) });
    try {
      return await answer;
    } finally {
      unlisten();
    }
  }

  /** A probe of the peer is answered; an answer that nobody waits for is late, and no violation. */
  receive(packet: Probe | AckProbe): void {
    const { probe } = packet;
    if (packet.type === 'PROBE') {
      this.#send({ type: 'ACK_PROBE', probe, ...(packet.about && this.#own && { about: this.#own }) });
      return;
    }
    const { about = {} } = packet;
    const waiting = this.#waiting.get(probe);
    this.#waiting.delete(probe);
    waiting?.resolve({ ms: performance.now() - waiting.startedAt, about });
  }

  /** An ERROR that names no transfer: the peer may not know the packet. Answers come in order, so it was the oldest. */
  stopped(packet: ErrorPacket | CancelFile): void {
    const [oldest] = this.#waiting;
    if (oldest === undefined || packet.type !== 'ERROR' || packet.code !== 'UNKNOWN_TYPE') return;
    const { message, id, request } = packet;
    if (id !== undefined || request !== undefined) return;
    this.#waiting.delete(oldest[0]);
    oldest[1].reject(new TransferError('UNKNOWN_TYPE', message, { side: 'peer' }));
  }

  /** The session is over. */
  end(error: TransferError): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
