import type { Socket } from 'node:net';
import { type Agreement, Inflater } from './deflate.ts';
import { isUtf8 } from './utf8.ts';
import { FrameReader, type HeardFrame, Opcode, shortestForm } from './wire.ts';

export type Role = 'server' | 'client';

/** What an endpoint said: its messages put together, its control frames. */
export type Heard =
  | { readonly type: 'text' | 'binary'; readonly payload: Uint8Array | string }
  | { readonly type: 'ping' | 'pong'; readonly payload: Uint8Array | string }
  /** Code 0: a Close without one. */
  | { readonly type: 'close'; readonly code: number; readonly reason?: string };

/** How TCP brings what is sent. */
export type Delivery =
  | 'with the head'
  | 'in one write'
  | 'byte by byte'
  | `in chops of ${number} bytes`
  | `in random pieces (seed ${number})`;

/** The wire's other end: hears what the endpoint under test says, and holds every frame of it to the rules. */
export class Peer {
  readonly socket: Socket;
  readonly events: Heard[] = [];
  /** Rules that the endpoint broke in what it sent. */
  readonly problems: string[] = [];
  /** Everything we sent after the handshake. */
  readonly sent: Buffer[] = [];
  /** Of every masked frame. */
  readonly keys: Buffer[] = [];
  /** Frames of messages whose RSV1 was set. */
  compressedMessages = 0;
  readonly inflater: Inflater | undefined;
  /** Bytes of frames that it sent, whole or not. */
  heardBytes = 0;
  /** It ended its side of TCP. */
  ended = false;
  /** TCP broke instead. */
  lost: string | undefined;

  readonly #endpoint: Role;
  readonly #reader = new FrameReader();
  #parts: Buffer[] = [];
  #first: HeardFrame | undefined;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(socket: Socket, endpoint: Role, agreement?: Agreement) {
    this.socket = socket;
    this.#endpoint = endpoint;
    if (agreement) {
      this.inflater = new Inflater(
        endpoint === 'server'
          ? { takeover: agreement.serverTakeover, bits: agreement.serverBits }
          : { takeover: agreement.clientTakeover, bits: agreement.clientBits },
      );
    }
    const change = (run: () => void) => () => {
      run();
      this.#wake?.();
    };
    socket.on('data', (chunk: Buffer) => this.feed(chunk));
    socket.on(
      'end',
      change(() => {
        this.ended = true;
        if (this.#reader.rest > 0) this.problems.push('TCP ended inside a frame');
      }),
    );
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.lost ??= error.code ?? error.message;
      this.#wake?.();
    });
    socket.on(
      'close',
      change(() => {
        if (!this.ended) this.lost ??= 'closed without an end';
      }),
    );
  }

  get close(): Extract<Heard, { type: 'close' }> | undefined {
    const last = this.events.find((event) => event.type === 'close');
    return last?.type === 'close' ? last : undefined;
  }

  feed(chunk: Buffer): void {
    this.heardBytes += chunk.length;
    for (const frame of this.#reader.push(chunk)) this.#hear(frame);
    this.#wake?.();
  }

  /** Waits until `condition` holds or TCP is over; false when neither came in time. */
  async until(condition: () => boolean, timeoutMs = 5000): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), timeoutMs);
    });
    try {
      while (!condition() && !this.ended && this.lost === undefined) {
        const woken = new Promise<boolean>((resolve) => {
          this.#wake = () => resolve(true);
        });
        if (!(await Promise.race([woken, late]))) return false;
      }
      return condition();
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends; stops when the other side is gone. */
  async write(bytes: Buffer, delivery: Delivery): Promise<void> {
    this.sent.push(bytes);
    for (const piece of pieces(bytes, delivery)) {
      if (!this.socket.writable || this.ended) return;
      this.socket.write(piece);
      if (piece !== bytes) await new Promise(setImmediate);
    }
  }

  #hear(frame: HeardFrame): void {
    this.#judge(frame);
    if (frame.key) this.keys.push(frame.key);
    if (frame.opcode === Opcode.Close) {
      this.#closed = true;
      const { payload } = frame;
      if (payload.length === 1) this.problems.push('a Close of one byte (§5.5.1)');
      if (!isUtf8(payload.subarray(2))) this.problems.push('a Close whose reason is not UTF-8 (§5.5.1)');
      const code = payload.length < 2 ? 0 : payload.readUInt16BE();
      if (code !== 0 && !isSendable(code)) this.problems.push(`a Close with ${code}, which nobody may send (§7.4)`);
      this.events.push({ type: 'close', code, reason: payload.toString('utf8', 2) });
    } else if (frame.opcode === Opcode.Ping || frame.opcode === Opcode.Pong) {
      this.events.push({ type: frame.opcode === Opcode.Ping ? 'ping' : 'pong', payload: frame.payload });
    } else {
      this.#first ??= frame;
      this.#parts.push(frame.payload);
      if (frame.fin) this.#finishMessage(this.#first);
    }
  }

  #finishMessage(first: HeardFrame): void {
    let payload: Buffer = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#first = undefined;
    if (first.reserved === 4 && this.inflater) {
      this.compressedMessages++;
      try {
        payload = this.inflater.message(payload);
      } catch (error) {
        this.problems.push(`a compressed message that does not inflate: ${(error as Error).message} (RFC 7692 §7.2)`);
      }
    }
    if (first.opcode === Opcode.Text && !isUtf8(payload)) this.problems.push('text that is not UTF-8 (§5.6)');
    this.events.push({ type: first.opcode === Opcode.Text ? 'text' : 'binary', payload });
  }

  /** What holds for every frame that an endpoint sends. */
  #judge({ fin, reserved, opcode, key, lengthBytes, payload }: HeardFrame): void {
    const wrong = (what: string) => this.problems.push(`${what} (opcode ${opcode}, ${payload.length} bytes)`);
    // A pong may follow (§5.5.2); whether one may here is the row's to say, as an answer that is expected or not.
    if (this.#closed && opcode !== 10) wrong('a frame after its Close (§5.5.1)');
    if (this.#endpoint === 'server' && key) wrong('a masked frame from a server (§5.1)');
    if (this.#endpoint === 'client' && !key) wrong('an unmasked frame from a client (§5.1)');
    if (lengthBytes !== shortestForm(payload.length)) wrong('a length that is not in its shortest form (§5.2)');
    if (opcode >= 8) {
      if (!fin) wrong('a control frame in fragments (§5.5)');
      if (payload.length > 125) wrong('a control frame above 125 bytes (§5.5)');
      if (reserved !== 0) wrong('reserved bits on a control frame (§5.2)');
      if (opcode > 10) wrong('a reserved opcode (§5.2)');
      return;
    }
    if (opcode > 2) wrong('a reserved opcode (§5.2)');
    if ((opcode === 0) !== (this.#first !== undefined)) wrong('a fragment out of place (§5.4)');
    if (reserved !== 0 && !(reserved === 4 && this.inflater && opcode !== 0)) wrong('reserved bits (§5.2)');
  }
}

/** §7.4 and IANA's registry of close codes. */
function isSendable(code: number): boolean {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

/** How a delivery cuts the bytes. */
export function* pieces(bytes: Buffer, delivery: Delivery): Generator<Buffer> {
  const [, chop, seed] = /chops of (\d+)|seed (\d+)/.exec(delivery) ?? [];
  let state = Number(seed ?? 0);
  const next = (): number => {
    if (delivery === 'byte by byte') return 1;
    if (chop !== undefined) return Number(chop);
    if (seed === undefined) return bytes.length;
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return 1 + ((state >>> 8) % Math.max(2, Math.min(4096, bytes.length >> 1)));
  };
  if (bytes.length === 0) return;
  for (let at = 0; at < bytes.length; ) {
    const size = next();
    yield size >= bytes.length && at === 0 ? bytes : bytes.subarray(at, at + size);
    at += size;
  }
}
