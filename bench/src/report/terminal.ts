import type { ParticipantResult, WorkloadResult } from '../results.ts';
import type { Results } from '../run.ts';
import { costs, costTitles, figure, significant, spread, verdict } from './figures.ts';
import { whyMissed } from './missed.ts';

const COLUMNS = ['', 'median', 'spread', 'ours/theirs', 'lowest–highest', 'target', ''];

export function printWorkload(result: WorkloadResult): void {
  console.log(`${result.name}: ${result.title}${result.unit === 'B' ? ' (less is better; ratio: theirs/ours)' : ''}`);
  const rows = result.participants.map((participant) => row(participant, result));
  const columns = [...COLUMNS, ...costTitles(result)];
  const widths = columns.map((title, column) =>
    Math.max(title.length, ...rows.map((cells) => cells[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `  ${cells
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd()}`;
  console.log(line(columns));
  for (const [index, cells] of rows.entries()) {
    const { absent, value, name } = result.participants[index]!;
    console.log(value ? line(cells) : `  ${name.padEnd(widths[0]!)}  absent: ${absent}`);
    if (value && absent) console.log(`    ended before its last round: ${absent}`);
  }
  const limited = result.participants.filter(({ loadWasTheLimit }) => loadWasTheLimit).map(({ name }) => name);
  if (limited.length > 0) {
    console.log(
      `  the load used up its core while ${limited.join(', ')} had time to spare: at least so fast, see CPU each`,
    );
  }
  console.log('');
}

function row(participant: ParticipantResult, { unit }: WorkloadResult): string[] {
  const { name, value, ratio, target } = participant;
  return [
    name,
    value ? figure(value.median, unit) : '',
    spread(participant),
    ratio ? `${significant(ratio.median)}×` : '',
    ratio ? `${significant(ratio.min)}–${significant(ratio.max)}` : '',
    target === undefined ? '' : `≥ ${target}`,
    verdict(participant),
    ...costs(participant),
  ];
}

/** How many targets are met, and which are not. */
export function closingLines({ workloads, machine, quick }: Results, seconds: number): string[] {
  const targets = workloads.flatMap(({ name, participants }) =>
    participants.flatMap((participant) =>
      participant.target === undefined
        ? []
        : [
            {
              what: `${name} against ${participant.name}`,
              met: participant.met,
              ratio: participant.ratio?.median,
              target: participant.target,
              why: whyMissed(name, participant.name),
            },
          ],
    ),
  );
  const missed = targets.filter(({ met }) => met === false);
  const unknown = targets.filter(({ met }) => met === undefined);
  const lines = [
    `${targets.filter(({ met }) => met).length} of ${targets.length} targets met, in ${Math.round(seconds)} s`,
    ...missed.flatMap(({ what, ratio, target, why }) => [
      `  missed: ${what}: ${significant(ratio!)} of ${target}`,
      ...(why === undefined ? [] : [`    ${why}`]),
    ]),
    ...unknown.map(({ what }) => `  not measured: ${what}`),
  ];
  if (quick) lines.push('quick: one short round shows that it works, not how fast it is');
  if (machine.loadAverage > 0.3) {
    lines.push(`others were at work on this machine when it began (load ${machine.loadAverage}): noisy`);
  }
  return lines;
}
