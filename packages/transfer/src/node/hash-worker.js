/**
 * The hashing thread. Plain JavaScript on purpose: `new Worker(new URL('./hash-worker.js', import.meta.url))` then
 * finds the same file under tsx, under vitest and in dist, and Node 20 needs no loader to run it.
 *
 * One thread holds many hash states by id. Buffers come by transfer, so no byte is copied between the threads. Some go back
 * by transfer, for the other side to use again; the others are let go of here.
 */

import { createHash } from 'node:crypto';
import { MessageChannel, parentPort } from 'node:worker_threads';

/**
 * @typedef {{ op: 'update', call: number, id: number, algorithm: string, bytes: Uint8Array<ArrayBuffer> }
 *   | { op: 'take', call: number, id: number, algorithm: string, parts: Uint8Array<ArrayBuffer>[] }
 *   | { op: 'digest', call: number, id: number, algorithm: string, keep: boolean }
 *   | { op: 'drop', id: number }} HashRequest
 * @typedef {{ call: number, bytes?: Uint8Array<ArrayBuffer>, digest?: string, error?: { message: string } }} HashReply
 */

/** @type {Map<number, import('node:crypto').Hash>} */
const states = new Map();

/** A port to nowhere: a buffer that is sent there is freed at once, which the garbage collector would do much later. */
const { port1: nowhere, port2 } = new MessageChannel();
port2.close();

/**
 * @param {number} id
 * @param {string} algorithm
 */
function stateOf(id, algorithm) {
  let state = states.get(id);
  if (state === undefined) {
    state = createHash(algorithm);
    states.set(id, state);
  }
  return state;
}

parentPort?.on('message', (/** @type {HashRequest} */ request) => {
  if (request.op === 'drop') {
    states.delete(request.id);
    return;
  }
  const { call, id, algorithm } = request;
  try {
    const state = stateOf(id, algorithm);
    if (request.op === 'update') {
      const { bytes } = request;
      state.update(bytes);
      parentPort?.postMessage({ call, bytes }, [bytes.buffer]);
    } else if (request.op === 'take') {
      for (const part of request.parts) state.update(part);
      nowhere.postMessage(
        undefined,
        request.parts.map(({ buffer }) => buffer),
      );
      parentPort?.postMessage({ call });
    } else {
      // A digest ends a node:crypto state; a prefix is asked for in the middle, so it ends a copy.
      const digest = (request.keep ? state.copy() : state).digest('hex');
      if (!request.keep) states.delete(id);
      parentPort?.postMessage({ call, digest });
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    parentPort?.postMessage({ call, error: { message: `the hashing thread could not hash: ${why}` } });
  }
});
