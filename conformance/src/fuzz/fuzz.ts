import { join } from './bytes.ts';
import { DELIVERIES, deliver } from './deliver.ts';
import { mutate } from './mutate.ts';
import { Random } from './random.ts';
import type { Target } from './target.ts';

/** An input that broke the contract. */
export interface Finding {
  readonly target: string;
  readonly seed: number;
  /** Which input of the run, from 0. */
  readonly index: number;
  /** In hex, the option byte first; `fuzz --target T --seed S --input HEX` plays it again. */
  readonly input: string;
  readonly problem: string;
}

/** How often each kind of verdict came: a run in which everything fails at the first byte proves little. */
export interface Tally {
  readonly inputs: number;
  /** Inputs that ended in one of the documented errors. */
  readonly errors: number;
  readonly verdicts: number;
}

/** Input number `index` of a run: option byte, then random bytes, valid traffic, or valid traffic changed. */
export function inputOf(target: Target, seed: number, index: number): Uint8Array<ArrayBuffer> {
  const random = new Random(Math.imul(seed, 0x9e37_79b1) ^ Math.imul(index + 1, 0x85eb_ca6b));
  const option = random.below(256);
  const kind = random.below(10);
  if (kind === 0) return join(Uint8Array.of(option), random.bytes(random.length(300)));
  const valid = target.valid(random, option);
  if (kind === 1) return join(Uint8Array.of(option), valid);
  return join(Uint8Array.of(option), mutate(valid, target.valid(random, option), random));
}

/** Plays one input in every delivery. Gives the verdict, or throws what broke the contract. */
export async function playInput(target: Target, input: Uint8Array, seed: number): Promise<string> {
  const option = input[0] ?? 0;
  const random = new Random(seed ^ input.length);
  let first: string | undefined;
  for (const delivery of DELIVERIES) {
    const playing = target.play(deliver(input.subarray(1), delivery, random), option);
    const verdict = typeof playing === 'string' ? playing : await playing;
    first ??= verdict;
    if (verdict !== first) {
      throw new Error(`expected one verdict for all cuts, got, whole:\n${first}\n…and ${delivery}:\n${verdict}`);
    }
  }
  return first!;
}

/**
 * Plays `inputs` inputs. `watch` is told of each before it is played. Stops at the first finding.
 *
 * A run is a function of its seed: the same target, seed and index are the same input and the same cuts.
 */
export async function fuzz(
  target: Target,
  {
    seed,
    inputs,
    from = 0,
    watch,
  }: { seed: number; inputs: number; from?: number; watch?: (input: Uint8Array) => void },
): Promise<Finding | Tally> {
  const verdicts = new Set<string>();
  let errors = 0;
  for (let index = from; index < from + inputs; index++) {
    const input = inputOf(target, seed, index);
    watch?.(input);
    try {
      const verdict = await playInput(target, input, seed);
      if (/\b[A-Z]+_[A-Z_]+\b/.test(verdict)) errors++;
      if (verdicts.size < 100_000) verdicts.add(verdict);
    } catch (error) {
      return findingOf(target, seed, index, input, error);
    }
    // Timers and what promises left over get their turn too.
    if (index % 256 === 255) await new Promise(setImmediate);
  }
  return { inputs, errors, verdicts: verdicts.size };
}

export function findingOf(target: Target, seed: number, index: number, input: Uint8Array, error: unknown): Finding {
  const problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { target: target.name, seed, index, input: Buffer.from(input).toString('hex'), problem };
}
