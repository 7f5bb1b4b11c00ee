/**
 * Why a target is missed where it is, and what would be needed: found by the profiles that decisions 26 to 30 tell of. It is
 * printed only beside a target that a run has missed, so that it cannot outlive its truth unseen.
 */
const WHY: Readonly<Record<string, string>> = {};

/** What is known of a miss, by workload and peer, else by workload. */
export function whyMissed(workload: string, peer: string): string | undefined {
  return WHY[`${workload} ${peer}`] ?? WHY[workload];
}
