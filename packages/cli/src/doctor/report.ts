import { printable } from '@wsferry/transfer';
import { colors } from '../colors.ts';
import type { CheckEvent } from '../reporters/reporter.ts';
import type { Severity } from './check.ts';

/** Longer lines are hard to read, however wide the screen. */
const MAX_COLUMNS = 100;
const SEVERITY_COLUMNS = 'warning'.length;
const ID_COLUMNS = 'compression'.length;

/** `ok       upgrade      101 Switching Protocols`, wrapped under its text. */
export function checkLine({ id, severity, summary }: CheckEvent, columns: number, color: boolean): string {
  const indent = SEVERITY_COLUMNS + ID_COLUMNS + 4;
  const text = wrap(printable(summary), Math.min(columns, MAX_COLUMNS) - indent).join(`\n${' '.repeat(indent)}`);
  const rest = `  ${id.padEnd(ID_COLUMNS)}  ${text}`;
  const tint = paint(severity, color);
  return tint(severity.padEnd(SEVERITY_COLUMNS)) + (severity === 'skipped' ? tint(rest) : rest);
}

/** What is shown of a check that is not ok, below all lines: what happens because of it, and what mends it. */
export function remedy({ id, severity, because, mend }: CheckEvent, columns: number, color: boolean): string {
  const c = colors(color);
  const width = Math.min(columns, MAX_COLUMNS) - 2;
  const text = (words: string) => wrap(printable(words), width).map((line) => `  ${line}`);
  const lines = [`${paint(severity, color)(severity)} ${c.bold(id)}`];
  if (because !== undefined) lines.push(...text(because));
  if (mend === undefined) return lines.join('\n');
  if (mend.lines === undefined) return [...lines, ...text(mend.advice)].join('\n');
  lines.push(...text(`${mend.advice}. In nginx, into ${mend.block}:`), '');
  lines.push(...mend.lines.map((line) => `      ${c.cyan(printable(line))}`));
  return lines.join('\n');
}

/** The last words. */
export function verdict(counts: Readonly<Record<Severity, number>>, url: string): string {
  const { wrong, warning } = counts;
  const warnings = warning === 0 ? '' : warning === 1 ? ', and 1 warning' : `, and ${warning} warnings`;
  if (wrong === 0) return `nothing is wrong: files can be sent to ${printable(url)}${warnings}`;
  return `${wrong === 1 ? '1 thing is' : `${wrong} things are`} wrong${warnings}`;
}

function paint(severity: Severity, color: boolean): (text: string) => string {
  const c = colors(color);
  return { ok: c.green, warning: c.yellow, wrong: c.red, skipped: c.dim }[severity];
}

/** Words in lines of at most `columns`; a longer word has a line of its own. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
