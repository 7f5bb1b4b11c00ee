import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { ROOT_DIR } from '../programs.ts';
import type { ParticipantResult, WorkloadResult } from '../results.ts';
import type { Results } from '../run.ts';
import { chart } from './chart.ts';
import { costs, costTitles, figure, significant, spread, verdict } from './figures.ts';

const DOCS_DIR = `${ROOT_DIR}/docs`;

/** The page from a file that `--json` wrote. */
export async function writeDocsFrom(path: string): Promise<void> {
  await writeDocs(JSON.parse(await readFile(path, 'utf8')) as Results);
}

/** docs/performance.md and a chart for every workload in docs/charts/. */
export async function writeDocs(results: Results): Promise<void> {
  await mkdir(`${DOCS_DIR}/charts`, { recursive: true });
  for (const workload of results.workloads) {
    if (workload.participants.some(({ value }) => value)) {
      await writeFile(`${DOCS_DIR}/charts/${workload.name}.svg`, chart(workload));
    }
  }
  await writeFile(`${DOCS_DIR}/performance.md`, page(results));
  console.log('wrote docs/performance.md and docs/charts/');
}

function page(results: Results): string {
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
${workloads.map(section).join('\n')}`;
}

function section(workload: WorkloadResult): string {
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
  ].join('\n');
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
