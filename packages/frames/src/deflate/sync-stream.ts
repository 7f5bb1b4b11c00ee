import { constants, createDeflateRaw, createInflateRaw, type DeflateRaw, type InflateRaw } from 'node:zlib';

/**
 * What lies behind a stream of node:zlib, in every Node since 10, and is not in its documentation: the call that Node's own
 * `deflateRawSync` makes, and where zlib leaves how much room and how much input are left.
 */
interface Internals {
  readonly _handle: {
    writeSync(
      flush: number,
      input: Uint8Array,
      inputFrom: number,
      inputBytes: number,
      output: Uint8Array,
      outputFrom: number,
      outputBytes: number,
    ): void;
  };
  readonly _writeState: { readonly [i: number]: number; readonly length: number };
}

const OUTPUT_LEFT = 0;
const INPUT_LEFT = 1;

/**
 * A zlib stream that is called at once and goes on from call to call. Node's interface has either: `deflateRawSync` begins
 * anew each time, and a stream answers later. So this uses what both are made of, behind the check `syncStreamsWork`.
 */
export class SyncStream {
  readonly #stream: DeflateRaw | InflateRaw;
  readonly #internals: Internals;

  /** The stream is ours from here on. Its chunk size is never used: let it be small. */
  constructor(stream: DeflateRaw | InflateRaw) {
    this.#stream = stream;
    const { _handle, _writeState } = stream as unknown as Internals;
    this.#internals = { _handle, _writeState };
    // What zlib refuses destroys the stream, and `write` says so; nobody else has to hear of it.
    stream.on('error', () => {});
  }

  /** Once true, for ever: closed by us, or by what zlib refused. */
  get closed(): boolean {
    return this.#stream.destroyed;
  }

  /** How many bytes of the last call's input were not taken. */
  get inputLeft(): number {
    return this.#internals._writeState[INPUT_LEFT]!;
  }

  /** How many bytes of the last call's output were not used. */
  get outputLeft(): number {
    return this.#internals._writeState[OUTPUT_LEFT]!;
  }

  /** From `input.subarray(from, to)` to `output.subarray(outputFrom, outputTo)`. False when zlib refused it: closed then. */
  write(
    flush: number,
    input: Uint8Array,
    from: number,
    to: number,
    output: Uint8Array,
    outputFrom: number,
    outputTo: number,
  ): boolean {
    if (this.closed) return false;
    this.#internals._handle.writeSync(flush, input, from, to - from, output, outputFrom, outputTo - outputFrom);
    return !this.closed;
  }

  /** Forgets what went through, and has its memory still. Not for a stream that was given a dictionary, which stays. */
  reset(): void {
    this.#stream.reset();
  }

  /** Frees zlib's memory at once. */
  close(): void {
    this.#stream.destroy();
  }
}

let working: boolean | undefined;

/** Whether the internals are there and do what is expected of them. Tried out once. */
export function syncStreamsWork(): boolean {
  working ??= tryOut(new SyncStream(createDeflateRaw()), new SyncStream(createInflateRaw()));
  return working;
}

/** Says the same twice, the second time by reference, and reads it block by block; then something that is no block. */
export function tryOut(deflater: SyncStream, inflater: SyncStream): boolean {
  const hello = Uint8Array.from([72, 101, 108, 108, 111]);
  const deflated = new Uint8Array(64);
  const inflated = new Uint8Array(64);
  try {
    for (const deflatedBytes of [11, 9]) {
      deflater.write(constants.Z_SYNC_FLUSH, hello, 0, 5, deflated, 0, 64);
      if (deflater.inputLeft !== 0 || deflater.outputLeft !== 64 - deflatedBytes) return false;
      // With one byte more than there is, which neither of the two blocks takes.
      const end = deflatedBytes + 1;
      inflated.fill(0);
      inflater.write(constants.Z_BLOCK, deflated, 0, end, inflated, 0, 64);
      const left = inflater.inputLeft;
      if (left < 5 || left > 6 || inflater.outputLeft !== 59) return false;
      if (hello.some((byte, i) => byte !== inflated[i])) return false;
      inflater.write(constants.Z_BLOCK, deflated, end - left, end, inflated, 5, 64);
      if (inflater.inputLeft !== 1 || inflater.outputLeft !== 59) return false;
    }
    return !inflater.write(constants.Z_BLOCK, Uint8Array.of(6), 0, 1, inflated, 0, 64) && inflater.closed;
  } catch {
    return false;
  } finally {
    deflater.close();
    inflater.close();
  }
}
