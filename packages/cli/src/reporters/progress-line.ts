import { printable } from '@wsferry/transfer';
import stringWidth from 'string-width';
import { bar, bytes, cutEnd, cutMiddle, percent, rate, timeLeft } from '../format.ts';

const BAR_COLUMNS = 20;
/** With less than this, files of one kind (`IMG_2026…`) look all the same. */
const NAME_COLUMNS = 16;
/** The bar is for those who have room for the name, too. */
const ROOMY_NAME_COLUMNS = 30;

/** One file on its way. */
export interface ProgressFacts {
  readonly name: string;
  /** Bytes; undefined when nobody knows. */
  readonly size: number | undefined;
  readonly stored: number;
  /** Bytes read to see whether the receiver's file is the same; nothing travels meanwhile. */
  readonly compared?: number | undefined;
  readonly bytesPerSecond: number | undefined;
  /** It is held back, by whomever. */
  readonly paused?: boolean;
}

/**
 * A file that moves, in at most `columns` columns, never more: with the room, the bar goes first, then the rate, the time
 * left and the size, so that the name keeps its two ends. `tint` colours the bar.
 */
export function progressLine(file: ProgressFacts, columns: number, tint: (text: string) => string): string {
  const { size, bytesPerSecond, compared } = file;
  const stored = compared ?? file.stored;
  const fraction = size === undefined ? undefined : size === 0 ? 1 : stored / size;
  // Of a stream nobody knows how much is missing.
  const done = fraction === undefined ? ' '.repeat(4) : percent(fraction);
  // Everything is written; the receiver compares the digests and waits for its disk.
  const left =
    compared !== undefined
      ? 'comparing'
      : stored === size
        ? 'checking'
        : file.paused
          ? 'paused'
          : timeLeft((size ?? 0) - stored, bytesPerSecond);
  // As wide as they get, so that the columns stand still.
  const facts = {
    size: (size === undefined ? bytes(stored) : `${bytes(stored)} / ${bytes(size)}`).padStart(19),
    rate: rate(bytesPerSecond).padStart(9),
    left: left.padEnd(12),
  };
  const shown = new Set(['size', 'rate', 'left'] as const);
  const numbers = () =>
    [done, ...(['size', 'rate', 'left'] as const).filter((key) => shown.has(key)).map((key) => facts[key])]
      .join('  ')
      .concat('  ');
  const withBar = fraction !== undefined && columns - numbers().length - BAR_COLUMNS - 1 >= ROOMY_NAME_COLUMNS;
  for (const fact of ['rate', 'left', 'size'] as const) {
    if (columns - numbers().length < NAME_COLUMNS) shown.delete(fact);
  }
  const lead = withBar ? `${tint(bar(fraction, BAR_COLUMNS))} ` : '';
  const rest = columns - numbers().length - (withBar ? BAR_COLUMNS + 1 : 0);
  return rest > 0 ? `${lead}${numbers()}${cutMiddle(printable(file.name), rest)}` : done.slice(0, Math.max(columns, 0));
}

/** The line below the files: as many of `facts` as fit, the first ones first. */
export function sumLine(facts: readonly string[], columns: number): string {
  const shown = facts.filter(Boolean);
  while (shown.length > 1 && stringWidth(shown.join('  ')) > columns) shown.pop();
  return cutEnd(shown.join('  '), columns);
}

/** How many rows `lines` take on a terminal that wraps what is too long, as it does with old lines when it gets narrow. */
export function rowsOf(lines: readonly string[], columns: number): number {
  return lines.reduce((rows, line) => rows + Math.max(1, Math.ceil(stringWidth(line) / Math.max(columns, 1))), 0);
}
