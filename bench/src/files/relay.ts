/**
 * A long line: every byte arrives `delayMs` later, and no more than so many bytes a second. Both directions alike.
 * Arguments: port to relay to, bytes per second, delay in ms.
 */
import { connect, createServer, type Socket } from 'node:net';

const [target, rate, delay] = process.argv.slice(2).map(Number) as [number, number, number];
const BYTES_PER_MS = rate / 1000;
/** What is on the line, and a router's queue of 4 MiB before it: beyond that the sender feels the line. */
const MAX_HELD_BYTES = BYTES_PER_MS * delay + 4 * 1024 * 1024;
process.stdin.resume().on('end', () => process.exit());

/** One direction. */
class Line {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #held: { chunk: Buffer; due: number }[] = [];
  #heldBytes = 0;
  /** When the line has carried what was put on it so far. */
  #free = 0;
  #ended = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket) {
    this.#from = from;
    this.#to = to;
    from.on('data', (chunk: Buffer) => this.#hold(chunk));
    from.on('end', () => {
      this.#ended = true;
      this.#release();
    });
    to.on('drain', () => this.#release());
  }

  #hold(chunk: Buffer): void {
    this.#free = Math.max(this.#free, performance.now()) + chunk.length / BYTES_PER_MS;
    this.#held.push({ chunk, due: this.#free + delay });
    this.#heldBytes += chunk.length;
    if (this.#heldBytes > MAX_HELD_BYTES) this.#from.pause();
    this.#wake();
  }

  #release(): void {
    const now = performance.now();
    while (this.#held[0] && this.#held[0].due <= now && !this.#to.writableNeedDrain) {
      const { chunk } = this.#held.shift()!;
      this.#heldBytes -= chunk.length;
      this.#to.write(chunk);
    }
    if (this.#heldBytes <= MAX_HELD_BYTES) this.#from.resume();
    if (this.#held.length > 0) this.#wake();
    else if (this.#ended) this.#to.end();
  }

  #wake(): void {
    if (this.#timer || !this.#held[0]) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#release();
      },
      Math.max(1, this.#held[0].due - performance.now()),
    );
  }
}

const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
  const far = connect({ host: '127.0.0.1', port: target, allowHalfOpen: true, noDelay: true });
  for (const [one, other] of [
    [near, far],
    [far, near],
  ] as const) {
    new Line(one, other);
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroySoon());
  }
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: (server.address() as { port: number }).port })));
