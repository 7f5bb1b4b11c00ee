import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { ROOT_DIR } from '../programs.ts';
import type { ParticipantResult, WorkloadResult } from '../results.ts';
import type { Results } from '../run.ts';
import { chart } from './chart.ts';
import { costs, costTitles, figure, significant, spread, verdict } from './figures.ts';
import { whyMissed } from './missed.ts';

const DOCS_DIR = `${ROOT_DIR}/docs`;

/** The page from files that `--json` wrote: the first one's run in full, and beside its ratios those of the others. */
export async function writeDocsFrom(paths: readonly string[]): Promise<void> {
  const [first, ...others] = await Promise.all(
    paths.map(async (path) => JSON.parse(await readFile(path, 'utf8')) as Results),
  );
  await writeDocs(first!, others);
}

/** docs/performance.md and a chart for every workload in docs/charts/. */
export async function writeDocs(results: Results, others: readonly Results[] = []): Promise<void> {
  await mkdir(`${DOCS_DIR}/charts`, { recursive: true });
  for (const workload of results.workloads) {
    if (workload.participants.some(({ value }) => value)) {
      await writeFile(`${DOCS_DIR}/charts/${workload.name}.svg`, chart(workload));
    }
  }
  await writeFile(`${DOCS_DIR}/performance.md`, page(results, others));
  console.log('wrote docs/performance.md and docs/charts/');
}

function page(results: Results, others: readonly Results[]): string {
  const { date, machine, versions, rounds, quick, workloads } = results;
  const { cpu, cores, memoryGiB, system, node, loadAverage } = machine;
  const noisy = loadAverage > 0.3 || quick;
  return `# Performance

Written by \`pnpm bench --docs\` on ${date.slice(0, 10)}; [bench/](../bench/README.md) says how it measures.

- Machine: ${cpu}, ${cores} cores, ${memoryGiB} GiB; ${system}; Node ${node}
- Versions: ${Object.values(versions).join('; ')}
- ${rounds} ${rounds === 1 ? 'round' : 'rounds'} of everybody in turn. Median; spread is half the range. A ratio is the median over rounds of ours to
  theirs in the same round (for memory theirs to ours), so above 1 we are ahead.
${noisy ? `- **Preliminary**: ${quick ? 'a quick run' : `others were at work on the machine (load ${loadAverage} when it began)`}.\n` : ''}
${overview([results, ...others])}
${workloads.map((workload) => section(workload, [results, ...others])).join('\n')}`;
}

/** Every target, and what each run reached of it. */
function overview(runs: readonly Results[]): string {
  const [first] = runs;
  const rows = first!.workloads.flatMap(({ name, title, participants }) =>
    participants.flatMap((participant) => {
      if (participant.target === undefined) return [];
      const reached = runs.map(({ workloads }) => ratioIn(workloads, name, participant.name));
      const verdicts = reached.map((ratio) =>
        ratio === undefined ? '–' : ratio >= participant.target! ? 'met' : 'MISSED',
      );
      const ratios = reached.map((ratio) => (ratio === undefined ? '–' : significant(ratio)));
      return `| ${title} | ${participant.name} | ≥ ${participant.target} | ${ratios.join(' | ')} | ${[...new Set(verdicts)].join(', ')} |`;
    }),
  );
  const titles = runs.map(
    ({ date, versions }, index) => `run ${index + 1}, ${date.slice(0, 16).replace('T', ' ')}, ${versions['wsferry']}`,
  );
  return [
    '## Targets',
    '',
    `Ratios to the others, of ${runs.length === 1 ? 'this run' : `${runs.length} runs: ${titles.join('; ')}. Below is the first`}.`,
    '',
    `| | against | target | ${runs.map((_, index) => `run ${index + 1}`).join(' | ')} | |`,
    `| --- | --- | ---: | ${runs.map(() => '---:').join(' | ')} | --- |`,
    ...rows,
    '',
  ].join('\n');
}

function ratioIn(workloads: Results['workloads'], name: string, peer: string): number | undefined {
  const found = workloads.find((workload) => workload.name === name);
  return found?.participants.find((participant) => participant.name === peer)?.ratio?.median;
}

function section(workload: WorkloadResult, runs: readonly Results[]): string {
  const { name, title, unit, participants } = workload;
  const rows = participants.map((participant) => `| ${cells(participant, unit).join(' | ')} |`);
  const measured = participants.some(({ value }) => value);
  const limited = participants.filter(({ loadWasTheLimit }) => loadWasTheLimit).map((each) => each.name);
  return [
    `## ${title[0]!.toUpperCase()}${title.slice(1)}`,
    '',
    ...(measured ? [`![${title}](charts/${name}.svg)`, ''] : []),
    `| | median | spread | ratio | target | | ${costTitles(workload).join(' | ')} |`,
    '| --- | ---: | ---: | ---: | ---: | --- | ---: | ---: |',
    ...rows,
    '',
    ...(limited.length > 0
      ? [`The load used up its core while ${limited.join(', ')} had time to spare: at least so fast.`, '']
      : []),
    ...idling(workload),
    ...reasons(workload, runs),
  ].join('\n');
}

/**
 * Where server and load waited for each other the rate says little of the server: a quicker peer is idle for longer. What
 * a message costs it compares then.
 */
function idling({ participants: [ours, ...peers] }: WorkloadResult): string[] {
  const cost = ours?.microsPerUnit?.median;
  if (cost === undefined) return [];
  return peers.flatMap(({ name, serverCores, loadCores, microsPerUnit }) => {
    if (!serverCores || !loadCores || !microsPerUnit || serverCores.median >= 0.95) return [];
    const ratio = significant(microsPerUnit.median / cost);
    return [`${name} had time to spare (${serverCores.median.toFixed(2)} cores): by CPU the ratio is ${ratio}.`, ''];
  });
}

/** Why targets are missed, in whichever run; once for all that are missed for the same reason. */
function reasons({ name, participants }: WorkloadResult, runs: readonly Results[]): string[] {
  const missed = participants.filter(({ name: peer, target }) =>
    runs.some(({ workloads }) => (ratioIn(workloads, name, peer) ?? Infinity) < (target ?? 0)),
  );
  const why = missed.map(({ name: peer }) => whyMissed(name, peer) ?? `against ${peer}; no profile has shown why.`);
  return [...new Set(why)].flatMap((reason) => [`Missed: ${reason}`, '']);
}

function cells(participant: ParticipantResult, unit: WorkloadResult['unit']): string[] {
  const { name, value, ratio, target, absent } = participant;
  if (!value) return [name, `absent: ${absent}`, '', '', target ? `≥ ${target}` : '', verdict(participant), '', ''];
  return [
    name,
    figure(value.median, unit),
    spread(participant),
    ratio ? `${significant(ratio.median)} (${significant(ratio.min)}–${significant(ratio.max)})` : '',
    target === undefined ? '' : `≥ ${target}`,
    verdict(participant),
    ...costs(participant),
  ];
}
