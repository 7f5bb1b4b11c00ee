import { constants as bufferConstants } from 'node:buffer';
import { constants, createInflateRaw, type InflateRaw, inflateRawSync, type ZlibOptions } from 'node:zlib';
import { FrameError } from '../errors.ts';
import { type InflateResult, type InflateStep, TAIL } from './inflate-steps.ts';

const LARGEST_CHUNK_BYTES = 64 * 1024;
/** 2 MiB. */
const CHUNKS_A_TURN = 32;

/** Runs one step here. Throws FrameError INVALID_DEFLATE or TOO_BIG. */
export function inflateNow(step: InflateStep): InflateResult {
  const { input, maxBytes, bare } = step;
  let whole = input;
  if (!bare) {
    whole = new Uint8Array(input.length + TAIL.length);
    whole.set(input);
    whole.set(TAIL, input.length);
  }
  try {
    // The types do not know that `info` gives the engine too.
    const { buffer, engine } = inflateRawSync(whole, {
      ...optionsOf(step),
      info: true,
      // zlib's least is 1; the rest is checked below.
      maxOutputLength: Math.max(1, Math.min(maxBytes, bufferConstants.MAX_LENGTH)),
    }) as unknown as { buffer: Buffer; engine: InflateRaw };
    if (buffer.length > maxBytes) throw tooBig(maxBytes);
    return { bytes: buffer, consumed: engine.bytesWritten };
  } catch (error) {
    throw frameErrorOf(error, maxBytes);
  }
}

/** Runs one step in zlib's threads, without a copy of the input. Rejects with FrameError INVALID_DEFLATE or TOO_BIG. */
export function inflateInThreads(step: InflateStep): Promise<InflateResult> {
  const { input, maxBytes, bare } = step;
  return new Promise((resolve, reject) => {
    const engine = createInflateRaw(optionsOf(step));
    const chunks: Uint8Array[] = [];
    let length = 0;
    engine.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBytes) {
        engine.destroy();
        reject(tooBig(maxBytes));
      } else chunks.push(chunk);
    });
    engine.on('end', () => {
      const consumed = engine.bytesWritten;
      engine.destroy();
      joined(chunks, length).then((bytes) => resolve({ bytes, consumed }), reject);
    });
    engine.on('error', (error) => reject(frameErrorOf(error, maxBytes)));
    if (bare) {
      engine.end(input);
    } else {
      engine.write(input);
      engine.end(TAIL);
    }
  });
}

/** True for what {@link inflateNow} throws when the output would exceed its limit. */
export function isTooBig(error: unknown): boolean {
  return error instanceof FrameError && error.code === 'TOO_BIG';
}

function optionsOf({ input, dictionary, bare }: InflateStep): ZlibOptions {
  return {
    // One buffer for most outputs, however small or large.
    chunkSize: Math.min(LARGEST_CHUNK_BYTES, Math.max(256, input.length * 4)),
    finishFlush: bare ? constants.Z_SYNC_FLUSH : constants.Z_FINISH,
    ...(dictionary.length > 0 ? { dictionary } : {}),
  };
}

/** One buffer of all, copied a few milliseconds at a time. */
async function joined(chunks: readonly Uint8Array[], length: number): Promise<Uint8Array> {
  const [only] = chunks;
  if (chunks.length === 1 && only !== undefined) return only;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const [i, chunk] of chunks.entries()) {
    bytes.set(chunk, at);
    at += chunk.length;
    if (i % CHUNKS_A_TURN === CHUNKS_A_TURN - 1) await turn();
  }
  return bytes;
}

/** Lets the event loop do what has come meanwhile. */
export function turn(): Promise<undefined> {
  return new Promise((resolve) => setImmediate(resolve, undefined));
}

/** What zlib says of the peer's bytes; anything else is passed on as it is. */
function frameErrorOf(error: unknown, maxBytes: number): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ERR_BUFFER_TOO_LARGE') return tooBig(maxBytes);
  if (code !== 'Z_DATA_ERROR' && code !== 'Z_BUF_ERROR') return error;
  return new FrameError('INVALID_DEFLATE', `expected a message compressed as RFC 7692 says, got: ${message}`);
}

function tooBig(maxBytes: number): FrameError {
  return new FrameError('TOO_BIG', `expected at most ${maxBytes} bytes once inflated, got more`);
}
