/**
 * Options are judged where they come in: a wrong one would show much later, as a transfer that never ends (a window of
 * nothing) or a loop that never yields (chunks of nothing).
 *
 * @throws {RangeError} naming the option, for anything but a whole number from `least` on.
 */
export function wholeNumber(name: string, value: number, least: 0 | 1): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new RangeError(`expected ${name} to be a whole number of at least ${least}, got ${value}`);
}

/** The same, where `Infinity` means that there is no limit. */
export function wholeNumberOrInfinity(name: string, value: number, least: 0 | 1): number {
  if (value === Number.POSITIVE_INFINITY) return value;
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new RangeError(`expected ${name} to be a whole number of at least ${least} or Infinity, got ${value}`);
}
