import { parentPort, workerData } from 'node:worker_threads';
import { findingOf, fuzz } from './fuzz.ts';
import { targets } from './targets/index.ts';

/** One part of a run: `inputs` inputs of one target, in a thread that can be stopped when it hangs. */
export interface Part {
  readonly target: string;
  readonly seed: number;
  readonly inputs: number;
  /** [0] counts inputs, [1] is the length of the one being played; its bytes follow in `bytes`. */
  readonly progress: Int32Array<SharedArrayBuffer>;
  readonly bytes: Uint8Array<SharedArrayBuffer>;
}

const { target: name, seed, inputs, progress, bytes } = workerData as Part;
const target = targets.find((one) => one.name === name)!;
let current: Uint8Array = new Uint8Array(0);

// What no promise of ours was waiting for is a finding as well.
process.on('uncaughtException', (error) => {
  parentPort!.postMessage(findingOf(target, seed, progress[0]!, current, error));
});

const result = await fuzz(target, {
  seed,
  inputs,
  watch(input) {
    current = input;
    const shown = input.subarray(0, bytes.length);
    bytes.set(shown);
    Atomics.store(progress, 1, shown.length);
    Atomics.add(progress, 0, 1);
  },
});
parentPort!.postMessage(result);
