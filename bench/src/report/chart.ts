import type { WorkloadResult } from '../results.ts';
import { figure, significant } from './figures.ts';

const WIDTH = 720;
const BAR_HEIGHT = 22;
const GAP = 8;
const LABEL_WIDTH = 130;
const VALUE_WIDTH = 190;
const TOP = 44;

/** Readable on a light page and on a dark one. */
const COLOURS = { ours: '#2f81f7', theirs: '#8b949e', text: '#7d8590', spread: '#d29922' } as const;

/** One workload as bars, the spread of the rounds as a line on each. An SVG without script and without outside fonts. */
export function chart({ title, unit, participants }: WorkloadResult): string {
  const shown = participants.filter(({ value }) => value);
  const longest = Math.max(...shown.map(({ value }) => value!.max));
  const scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH) / longest;
  const height = TOP + participants.length * (BAR_HEIGHT + GAP) + GAP;
  const bars = participants.map((participant, index) => {
    const { name, value, absent, ratio } = participant;
    const y = TOP + index * (BAR_HEIGHT + GAP);
    const middle = y + BAR_HEIGHT / 2;
    const label = text(LABEL_WIDTH - 10, middle, name, 'end');
    if (!value) return label + text(LABEL_WIDTH, middle, `absent: ${(absent ?? '').slice(0, 80)}`);
    const end = LABEL_WIDTH + value.median * scale;
    const colour = index === 0 ? COLOURS.ours : COLOURS.theirs;
    const said = `${figure(value.median, unit)}${ratio ? ` (ours ${significant(ratio.median)}×)` : ''}`;
    return [
      label,
      `<rect x="${LABEL_WIDTH}" y="${y}" width="${round(value.median * scale)}" height="${BAR_HEIGHT}" rx="3" fill="${colour}"/>`,
      `<line x1="${round(LABEL_WIDTH + value.min * scale)}" x2="${round(LABEL_WIDTH + value.max * scale)}" y1="${middle}" y2="${middle}" stroke="${COLOURS.spread}" stroke-width="2"/>`,
      text(Math.max(end, LABEL_WIDTH + value.max * scale) + 8, middle, said),
    ].join('');
  });
  const note = unit === 'B' ? ' (less is better)' : '';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escapeXml(title)}" font-family="system-ui, sans-serif" font-size="13">`,
    `<text x="10" y="22" font-size="15" font-weight="600" fill="${COLOURS.text}">${escapeXml(title + note)}</text>`,
    ...bars,
    '</svg>\n',
  ].join('\n');
}

function text(x: number, middle: number, words: string, anchor = 'start'): string {
  return `<text x="${round(x)}" y="${middle}" dy="0.35em" text-anchor="${anchor}" fill="${COLOURS.text}">${escapeXml(words)}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escapeXml(words: string): string {
  return words.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}
