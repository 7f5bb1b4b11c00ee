import { type Mutant, type Played, play, summary } from './play.ts';
import { INCIDENTS, scenarioOf } from './scenario.ts';

export interface ChaosOptions {
  readonly seeds: readonly number[];
  /** How many are played side by side: most of the time they wait. */
  readonly jobs: number;
  readonly print: (line: string) => void;
  /** Default: the program as it is. */
  readonly mutant?: Mutant | undefined;
}

/** Plays scenarios and prints figures. Gives what was played. */
export async function runChaos({ seeds, jobs, print, mutant }: ChaosOptions): Promise<readonly Played[]> {
  const played: Played[] = [];
  const rest = seeds.values();
  const lane = async () => {
    for (const one of rest) {
      const result = await play(scenarioOf(one), mutant);
      played.push(result);
      if (result.problems.length > 0) print(summary(result));
      else if (played.length % 20 === 0) print(`${played.length} of ${seeds.length} played`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, seeds.length) }, lane));
  for (const line of figures(played)) print(line);
  return played;
}

function figures(played: readonly Played[]): string[] {
  const bad = played.filter(({ problems }) => problems.length > 0);
  const cuts = played.flatMap(({ incidents }) => incidents);
  const perCut = played
    .filter(({ incidents }) => incidents.length > 0)
    .map(({ extraBytes, incidents }) => extraBytes / incidents.length);
  const lines = [
    `${played.length} scenarios, ${cuts.length} incidents, ${bad.length} not well`,
    `carried again for each incident: median ${megabytes(quantile(perCut, 0.5))}, 95 % ${megabytes(quantile(perCut, 0.95))}, most ${megabytes(Math.max(0, ...perCut))}`,
  ];
  for (const kind of INCIDENTS) {
    const times = played.flatMap(({ recoveryMs }) => recoveryMs.filter((one) => one.kind === kind).map(({ ms }) => ms));
    const count = cuts.filter((one) => one === kind).length;
    const back =
      times.length === 0
        ? ''
        : `; files go on after ${seconds(quantile(times, 0.5))} (median), ${seconds(Math.max(...times))} (longest)`;
    lines.push(`  ${kind}: ${count}${back}`);
  }
  if (bad.length > 0)
    lines.push(`again: ${bad.map(({ scenario }) => `--seed ${scenario.seed} --scenarios 1`).join(', ')}`);
  return lines;
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB`;
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
