/**
 * The hashing thread. Plain JavaScript on purpose: `new Worker(new URL('./hash-worker.js', import.meta.url))` then
 * finds the same file under tsx, under vitest and in dist, and Node 20 needs no loader to run it.
 *
 * One thread holds many hash states by id. A buffer comes by transfer and goes back by transfer, so no byte is copied
 * between the threads and the other side can use the buffer again.
 */

import { createHash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';

/**
 * @typedef {{ op: 'update', call: number, id: number, algorithm: string, buffer: ArrayBuffer, offset: number, length: number }
 *   | { op: 'digest', call: number, id: number, algorithm: string, keep: boolean }
 *   | { op: 'drop', id: number }} HashRequest
 * @typedef {{ call: number, buffer?: ArrayBuffer, digest?: string, error?: string }} HashReply
 */

/** @type {Map<number, import('node:crypto').Hash>} */
const states = new Map();

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
      const { buffer, offset, length } = request;
      state.update(new Uint8Array(buffer, offset, length));
      parentPort?.postMessage({ call, buffer }, [buffer]);
    } else {
      // A digest ends a node:crypto state; a prefix is asked for in the middle, so it ends a copy.
      const digest = (request.keep ? state.copy() : state).digest('hex');
      if (!request.keep) states.delete(id);
      parentPort?.postMessage({ call, digest });
    }
  } catch (error) {
    parentPort?.postMessage({ call, error: error instanceof Error ? error.message : String(error) });
  }
});
