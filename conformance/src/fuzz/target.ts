import type { Random } from './random.ts';

/** A parser, and how to give it bytes. */
export interface Target {
  readonly name: string;
  /** What is held to its contract here, in a few words. */
  readonly title: string;
  /** Its part in a run over all targets: parsers that take longer per input get fewer. */
  readonly share: number;
  /** Valid traffic, made by our own encoders, for that option (see `play`). */
  valid(random: Random, option: number): Uint8Array<ArrayBuffer>;
  /**
   * The input as TCP would bring it, in these pieces; they are the target's to write into. `option` (0–255) is the
   * input's first byte, kept apart: it chooses role, limits and the like, so that the input says all of it. Gives the
   * verdict: every event in order and the error that ended it, if one did, in words that do not depend on the cuts.
   *
   * @throws anything at all: that is a finding
   */
  play(pieces: readonly Uint8Array<ArrayBuffer>[], option: number): string | Promise<string>;
}

/** Errors with a code of a published list are a parser's documented answer; anything else is not caught here. */
export function documented(
  error: unknown,
  type: abstract new (...parameters: never[]) => Error & { readonly code: string },
  codes: readonly string[],
): string {
  if (!(error instanceof type)) throw error;
  if (!codes.includes(error.code)) throw new Error(`expected a documented code, got ${error.code}`, { cause: error });
  return error.code;
}

/** What must be true whatever the peer sends. */
export function invariant(holds: boolean, sentence: string): asserts holds {
  if (!holds) throw new Error(sentence);
}
