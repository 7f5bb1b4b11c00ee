export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function summary(values: readonly number[]): Summary {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/**
 * Ours to theirs, round by round: what disturbed the machine in one round disturbed both. `inverse` for memory, where
 * less is better. Rounds that one of them did not finish are left out.
 */
export function ratios(
  ours: readonly (number | undefined)[],
  theirs: readonly (number | undefined)[],
  inverse: boolean,
): Summary | undefined {
  const pairs = ours.flatMap((mine, round) => {
    const other = theirs[round];
    return mine === undefined || other === undefined || mine <= 0 || other <= 0
      ? []
      : [inverse ? other / mine : mine / other];
  });
  return pairs.length > 0 ? summary(pairs) : undefined;
}
