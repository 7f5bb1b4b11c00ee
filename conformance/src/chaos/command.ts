import { type Played, play, summary } from './play.ts';
import { INCIDENTS, scenarioOf } from './scenario.ts';

export interface ChaosOptions {
  readonly scenarios: number;
  /** The first one's seed; each next one has the next. */
  readonly seed: number;
  /** How many are played side by side: most of the time they wait. */
  readonly jobs: number;
  readonly print: (line: string) => void;
}

/** What was credited and not stored yet may have to be carried again, for each cut; docs/reliability.md has the reason. */
export const MAX_EXTRA_BYTES_PER_CUT = 16 * 1024 * 1024;
/** Beside that, heads, packets and frame headers: a hundredth, and some for each connection. */
const OVERHEAD_BYTES_PER_CUT = 128 * 1024;

/** Plays scenarios and prints figures. Gives what was played. */
export async function runChaos({ scenarios, seed, jobs, print }: ChaosOptions): Promise<readonly Played[]> {
  const played: Played[] = [];
  const seeds = Array.from({ length: scenarios }, (_, index) => seed + index).values();
  const lane = async () => {
    for (const one of seeds) {
      const result = withCostJudged(await play(scenarioOf(one)));
      played.push(result);
      if (result.problems.length > 0) print(summary(result));
      else if (played.length % 20 === 0) print(`${played.length} of ${scenarios} played`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, scenarios) }, lane));
  for (const line of figures(played)) print(line);
  return played;
}

/** A cut may cost what was on its way, and no more. */
function withCostJudged(played: Played): Played {
  const { scenario, incidents, extraBytes, problems } = played;
  const total = scenario.files.reduce((sum, { bytes }) => sum + bytes, 0);
  const allowed =
    (MAX_EXTRA_BYTES_PER_CUT + OVERHEAD_BYTES_PER_CUT) * incidents.length + total / 100 + OVERHEAD_BYTES_PER_CUT;
  if (extraBytes <= allowed) return played;
  return {
    ...played,
    problems: [...problems, `${extraBytes} bytes were carried again, at most ${allowed} are allowed`],
  };
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
