import { checkedLimit } from '../limits.ts';
import type { Role } from '../opcode.ts';
import { History } from './history.ts';
import { HotStreams } from './hot-streams.ts';
import { createHotInflater, HOT_PAYLOAD_BYTES, inflateHot } from './inflate-hot.ts';
import { type InflateResult, type InflateStep, inflateSteps } from './inflate-steps.ts';
import { Output } from './output.ts';
import { checkedWindowBits, type DeflateParameters } from './parameters.ts';
import type { SyncStream } from './sync-stream.ts';
import { inflateInThreads, inflateNow, isTooBig, turn } from './zlib.ts';

/**
 * What is inflated at once: so much takes about three milliseconds at the worst, and most messages are smaller, for which a
 * trip to zlib's threads would cost more than the work.
 */
const AT_ONCE_INPUT_BYTES = 32 * 1024;
const AT_ONCE_OUTPUT_BYTES = 512 * 1024;
/** How many calls of zlib or turns of small streams may be made at once, when a message has several. */
const AT_ONCE_STEPS = 8;

/** docs/decisions/0019-hot-streams.md. Each has about 45 KiB: 1.4 MiB in all. */
export const hotInflaters = new HotStreams(32, 1024);

/** How a {@link MessageInflater} reads. */
export interface MessageInflaterOptions {
  /** Who we are: a server inflates what the client compressed. */
  readonly role: Role;
  readonly parameters: DeflateParameters;
}

/**
 * Decompresses the peer's messages (RFC 7692 §7.2.2). Between messages it keeps as much as the agreed window, at most
 * 32 KiB, or nothing when no takeover was agreed. Those used most, 32 in a process, keep a zlib stream too. After a failure it stays failed: the same error
 * again for every message. A distance beyond the agreed window within one message is let pass.
 */
export class MessageInflater {
  readonly #noContextTakeover: boolean;
  readonly #windowBits: number;
  readonly #history: History;
  #hot: SyncStream | undefined;
  #failure: unknown;
  #busy = false;

  /** Throws RangeError for window bits that are not 8–15. */
  constructor({ role, parameters }: MessageInflaterOptions) {
    const server = role === 'server';
    const bits = server
      ? checkedWindowBits('clientMaxWindowBits', parameters.clientMaxWindowBits)
      : checkedWindowBits('serverMaxWindowBits', parameters.serverMaxWindowBits);
    this.#noContextTakeover = server ? parameters.clientNoContextTakeover : parameters.serverNoContextTakeover;
    this.#windowBits = bits;
    this.#history = new History(2 ** bits);
  }

  /**
   * Inflates the whole payload of a compressed message: at once when that takes a few milliseconds at most, else as a
   * promise, in zlib's threads. The output is bounded while it grows. Do not change the payload, and do not call again,
   * before the promise is settled. `maxBytes` may be Infinity. With `lend` the bytes may be good only until the next call
   * of any inflater, for who reads them at once; those of a promise never are.
   *
   * @throws FrameError INVALID_DEFLATE (close code 1007) or TOO_BIG (1009), at once or as a rejection; RangeError for a
   * call out of turn or a `maxBytes` that is no number of bytes
   */
  inflate(
    payload: Uint8Array,
    maxBytes: number,
    { lend = false }: { readonly lend?: boolean } = {},
  ): Uint8Array | Promise<Uint8Array> {
    const most = this.#checkedTurn(maxBytes);
    const view = this.#inflateHot(payload, most);
    if (view !== undefined) return lend ? view : view.slice();
    const { steps, output } = this.#begin(payload, most);
    try {
      let next = steps.next();
      let input = 0;
      for (let made = 0; !next.done; made++) {
        const step = next.value;
        input += step?.input.length ?? 0;
        const result = made < AT_ONCE_STEPS && input <= AT_ONCE_INPUT_BYTES ? tryNow(step, output.length) : undefined;
        if (result === undefined) return this.#continueInThreads(steps, step, output);
        next = steps.next(result === 'paused' ? undefined : result);
      }
      return this.#end(output);
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /** The same, at once however long it takes. */
  inflateSync(payload: Uint8Array, maxBytes: number): Uint8Array {
    const most = this.#checkedTurn(maxBytes);
    const view = this.#inflateHot(payload, most);
    if (view !== undefined) return view.slice();
    const { steps, output } = this.#begin(payload, most);
    try {
      let next = steps.next();
      while (!next.done) next = steps.next(next.value && inflateNow(next.value));
      return this.#end(output);
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /** Gives back the zlib stream, if there is one. To be called at a connection's end; what still comes is inflated. */
  release(): void {
    if (this.#hot !== undefined) hotInflaters.drop(this.#hot);
    this.#hot = undefined;
  }

  #checkedTurn(maxBytes: number): number {
    if (this.#failure !== undefined) throw this.#failure;
    const most = checkedLimit('maxBytes', maxBytes);
    if (this.#busy) throw new RangeError('expected the message before to be inflated, got another');
    return most;
  }

  #inflateHot(payload: Uint8Array, maxBytes: number): Uint8Array | undefined {
    const stream = payload.length > HOT_PAYLOAD_BYTES ? undefined : this.#hotStream();
    const view = stream && inflateHot(stream, payload, maxBytes);
    if (stream === undefined || view === undefined) {
      this.release();
      return undefined;
    }
    if (this.#noContextTakeover) stream.reset();
    else this.#history.append(view);
    return view;
  }

  #hotStream(): SyncStream | undefined {
    if (this.#hot === undefined || this.#hot.closed) {
      this.#hot = hotInflaters.makeRoom() ? createHotInflater(this.#windowBits, this.#history.bytes) : undefined;
    }
    if (this.#hot !== undefined) hotInflaters.used(this.#hot);
    return this.#hot;
  }

  #begin(payload: Uint8Array, maxBytes: number) {
    this.#busy = true;
    const output = new Output(this.#history.bytes);
    return { steps: inflateSteps(payload, output, maxBytes), output };
  }

  async #continueInThreads(
    steps: ReturnType<typeof inflateSteps>,
    first: InflateStep | undefined,
    output: Output,
  ): Promise<Uint8Array> {
    try {
      let step = first;
      for (;;) {
        const result = step === undefined ? await turn() : await inflateInThreads(step);
        const next = steps.next(result);
        if (next.done) return this.#end(output);
        step = next.value;
      }
    } catch (error) {
      throw this.#fail(error);
    }
  }

  #end(output: Output): Uint8Array {
    const bytes = output.bytes();
    if (!this.#noContextTakeover) this.#history.append(bytes);
    this.#busy = false;
    return bytes;
  }

  #fail(error: unknown): unknown {
    this.#failure = error;
    this.#busy = false;
    this.#history.clear();
    this.release();
    return error;
  }
}

/** The step's result when it is small enough to be made here, `undefined` when it would put out too much for that. */
function tryNow(step: InflateStep | undefined, already: number): InflateResult | 'paused' | undefined {
  if (step === undefined) return 'paused';
  const room = AT_ONCE_OUTPUT_BYTES - already;
  if (step.maxBytes <= room) return inflateNow(step);
  if (room <= 0) return undefined;
  try {
    return inflateNow({ ...step, maxBytes: room });
  } catch (error) {
    if (isTooBig(error)) return undefined;
    throw error;
  }
}
