import { inflateRawSync } from 'node:zlib';
import {
  deflatedRing,
  FrameCounter,
  type FrameRing,
  opcodeOf,
  type Payload,
  plainRing,
  serverFrame,
} from './frames.ts';
import { type Address, brokenOff, closeClients, openClients, RawClient, readExactly } from './raw-client.ts';
import { type Measured, Window } from './window.ts';

export interface EchoJob {
  readonly kind: 'echo';
  readonly payload: Payload;
  readonly bytes: number;
  readonly connections: number;
  /** Messages of one connection that are on their way at any time. */
  readonly inFlight: number;
  readonly deflate?: boolean;
  /** The server's program is to have text as strings, also where it could pass on bytes. */
  readonly strings?: boolean;
}

interface Timing {
  readonly pid: number;
  readonly warmupMs: number;
  readonly ms: number;
}

/** Keeps `inFlight` messages on their way on every connection: an answer is a reason to send the next. */
export async function echo(job: EchoJob, address: Address, { pid, warmupMs, ms }: Timing): Promise<Measured> {
  const { payload, bytes, inFlight, deflate = false } = job;
  const { ring, message } = deflate ? deflatedRing(bytes) : plainRing(payload, bytes, inFlight);
  const clients = await openClients(address, job.connections, deflate);
  const window = new Window(pid);
  await verify(clients[0]!, ring, message, payload, deflate);
  const answerBytes = deflate ? 0 : serverFrame(opcodeOf(payload), message).length;
  for (const [index, client] of clients.entries()) {
    // The first one has sent the ring's first frame already, to be verified.
    const sender = new RingSender(client, ring, index === 0 ? 1 : 0);
    client.onBytes = answerBytes > 0 ? byBytes(answerBytes, sender, window) : byFrames(sender, window);
    sender.send(inFlight);
  }
  try {
    return await Promise.race([window.measure(warmupMs, ms), brokenOff(clients)]);
  } finally {
    await closeClients(clients);
  }
}

function byBytes(answerBytes: number, sender: RingSender, window: Window) {
  let partial = 0;
  return (length: number) => {
    partial += length;
    if (partial < answerBytes) return;
    const answers = Math.floor(partial / answerBytes);
    partial -= answers * answerBytes;
    window.count += answers;
    sender.send(answers);
  };
}

/** Compressed answers differ in length: their headers have to be read. */
function byFrames(sender: RingSender, window: Window) {
  const counter = new FrameCounter();
  return (length: number) => {
    const answers = counter.count(RawClient.buffer, length);
    if (answers === 0) return;
    window.count += answers;
    sender.send(answers);
  };
}

/** Sends frames in the ring's order, as many as are asked for in one write, or two where the ring begins anew. */
class RingSender {
  readonly #client: RawClient;
  readonly #ring: FrameRing;
  #at: number;

  constructor(client: RawClient, ring: FrameRing, at: number) {
    this.#client = client;
    this.#ring = ring;
    this.#at = at;
    this.#wrap();
  }

  send(count: number): void {
    const { bytes, offsets } = this.#ring;
    let left = count;
    while (left > 0) {
      const some = Math.min(left, offsets.length - 1 - this.#at);
      this.#client.socket.write(bytes.subarray(offsets[this.#at], offsets[this.#at + some]));
      this.#at += some;
      left -= some;
      this.#wrap();
    }
  }

  #wrap(): void {
    if (this.#at === this.#ring.offsets.length - 1) this.#at = this.#ring.loopFrom;
  }
}

/** One message there and back, compared byte by byte: who answers fast but wrong is not measured. */
async function verify(
  client: RawClient,
  ring: FrameRing,
  message: Buffer,
  payload: Payload,
  deflate: boolean,
): Promise<void> {
  client.socket.write(ring.bytes.subarray(0, ring.offsets[1]));
  if (!deflate) {
    const expected = serverFrame(opcodeOf(payload), message);
    if (!expected.equals(await readExactly(client, expected.length)))
      throw new Error('the answer is not what was sent');
    return;
  }
  const answer = await readFrame(client);
  const compressed = (answer.first & 0x40) !== 0;
  const inflated = compressed
    ? inflateRawSync(Buffer.concat([answer.payload, Buffer.from([0, 0, 0xff, 0xff])]), { finishFlush: 2 })
    : answer.payload;
  if (!inflated.equals(message)) throw new Error('the answer is not what was sent');
  if (!compressed) throw new Error('agrees on permessage-deflate and answers uncompressed');
}

function readFrame(client: RawClient): Promise<{ first: number; payload: Buffer }> {
  let bytes = Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    client.onClosed = () => reject(new Error('the server closed instead of answering'));
    client.onBytes = (length) => {
      bytes = Buffer.concat([bytes, RawClient.buffer.subarray(0, length)]);
      if (bytes.length < 4) return;
      const short = bytes[1]!;
      const at = short === 126 ? 4 : 2;
      const size = short === 126 ? bytes.readUInt16BE(2) : short;
      if (bytes.length >= at + size) resolve({ first: bytes[0]!, payload: bytes.subarray(at, at + size) });
    };
  });
}
