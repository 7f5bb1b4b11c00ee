import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type Finding, playInput, type Tally } from './fuzz.ts';
import type { Target } from './target.ts';
import { targets } from './targets/index.ts';
import type { Part } from './worker.ts';

/** An input that takes longer hangs: most take well under a millisecond. */
const HANG_MS = 20_000;
/** Of JavaScript's heap; a parser that outgrows it took memory without bound, since no input is above 200 KiB. */
const MAX_HEAP_MIB = 512;

export interface FuzzOptions {
  /** One target's name; without it all of them, each with its share of the inputs. */
  readonly target?: string | undefined;
  readonly inputs: number;
  readonly seed: number;
  /** Play this one input instead, in hex. */
  readonly input?: string | undefined;
}

/** Runs what was asked for and prints how it went. Gives whether the run was clean. */
export async function runFuzz({ target, inputs, seed, input }: FuzzOptions): Promise<boolean> {
  const chosen = targets.filter(({ name }) => target === undefined || name === target);
  if (chosen.length === 0) {
    throw new Error(`expected one of the targets ${targets.map(({ name }) => name).join(', ')}, got ${target}`);
  }
  if (input !== undefined) return replay(chosen, input, seed);
  console.log(`seed ${seed}, ${inputs} inputs, each whole, bytewise and in random splits`);
  const shares = chosen.reduce((sum, { share }) => sum + share, 0);
  for (const one of chosen) {
    const count = Math.ceil((inputs * one.share) / shares);
    const began = performance.now();
    const result = await runPart(one, count, seed);
    if ('problem' in result) {
      printFinding(result);
      return false;
    }
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const { errors, verdicts } = result;
    console.log(`${one.name.padEnd(16)} ${count} inputs, ${errors} ended in a documented error, ${seconds} s`);
    console.log(`${' '.repeat(17)}${one.title}; ${verdicts} different verdicts`);
  }
  console.log('nothing but events and documented errors');
  return true;
}

async function replay(chosen: readonly Target[], hex: string, seed: number): Promise<boolean> {
  const [target] = chosen;
  if (target === undefined || chosen.length > 1) throw new Error('expected --target with --input');
  console.log(await playInput(target, Buffer.from(hex, 'hex'), seed));
  return true;
}

function runPart(target: Target, inputs: number, seed: number): Promise<Finding | Tally> {
  const progress = new Int32Array(new SharedArrayBuffer(8));
  const bytes = new Uint8Array(new SharedArrayBuffer(256 * 1024));
  const part: Part = { target: target.name, seed, inputs, progress, bytes };
  const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
    workerData: part,
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MIB },
  });
  const finding = (problem: string): Finding => {
    const input = Buffer.from(bytes.slice(0, Atomics.load(progress, 1))).toString('hex');
    return { target: target.name, seed, index: Atomics.load(progress, 0) - 1, input, problem };
  };
  let seen = 0;
  let watchdog: NodeJS.Timeout | undefined;
  const hung = new Promise<Finding>((resolve) => {
    watchdog = setInterval(() => {
      const now = Atomics.load(progress, 0);
      if (now === seen && now > 0) resolve(finding(`expected a verdict within ${HANG_MS} ms, got none`));
      seen = now;
    }, HANG_MS);
  });
  const failed = once(worker, 'error').then(([error]) => finding(String((error as Error).stack ?? error)));
  const done = new Promise<Finding | Tally>((resolve) => worker.once('message', resolve));
  return Promise.race([done, failed, hung]).finally(() => {
    clearInterval(watchdog);
    return worker.terminate();
  });
}

function printFinding({ target, seed, index, input, problem }: Finding): void {
  console.log(`finding: target ${target}, seed ${seed}, input number ${index}`);
  console.log(problem);
  console.log(`play it again: fuzz --target ${target} --seed ${seed} --input ${input}`);
}
