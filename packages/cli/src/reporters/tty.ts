import { printable } from '@wsferry/transfer';
import { createLogUpdate } from 'log-update';
import picocolors from 'picocolors';
import { bar, bytes, cutMiddle, duration, percent, RateMeter, rate, timeLeft } from '../format.ts';
import { doneLine, problemLine, receiverLine, stoppingLine } from './lines.ts';
import { type CliEvent, type Reporter, wantsColor } from './reporter.ts';

/** More lines than this would scroll away on a small terminal. */
const MAX_LINES = 10;
const REDRAW_MS = 80;
const BAR_COLUMNS = 20;

interface Active {
  readonly name: string;
  readonly size: number | undefined;
  stored: number;
  readonly meter: RateMeter;
}

/** A line per file that moves, rewritten in place; results stay above it in the scrollback. */
export function ttyReporter(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): Reporter {
  const c = picocolors.createColors(wantsColor(stdout));
  const screen = createLogUpdate(stdout);
  const active = new Map<number, Active>();
  const total = new RateMeter();
  const counts = { files: 0, bytes: 0, stored: 0, failed: 0, finishedBytes: 0 };
  let timer: NodeJS.Timeout | undefined;

  function storedBytes(): number {
    let sum = counts.finishedBytes;
    for (const file of active.values()) sum += file.stored;
    return sum;
  }

  function fileLine(file: Active, now: number): string {
    const speed = file.meter.bytesPerSecond(now);
    const fraction = file.size === undefined ? 0 : file.size === 0 ? 1 : file.stored / file.size;
    const size = file.size === undefined ? bytes(file.stored) : `${bytes(file.stored)} / ${bytes(file.size)}`;
    // Everything is written; the receiver compares the digests and waits for its disk.
    const left = file.stored === file.size ? 'checking' : timeLeft((file.size ?? 0) - file.stored, speed);
    const facts = `${size.padStart(19)}  ${rate(speed).padStart(9)}  ${left.padEnd(11)}`;
    const columns = (stdout.columns ?? 80) - 1;
    // A narrow terminal keeps the numbers and gives up the bar.
    const wide = columns >= facts.length + BAR_COLUMNS + 30;
    const lead = wide ? `${c.cyan(bar(fraction, BAR_COLUMNS))} ` : '';
    const rest = columns - (wide ? BAR_COLUMNS + 1 : 0) - 4 - 2 - facts.length - 2;
    return `${lead}${percent(fraction)}  ${facts}  ${cutMiddle(printable(file.name), Math.max(rest, 8))}`;
  }

  function draw(): void {
    if (active.size === 0) {
      screen.clear();
      return;
    }
    const now = performance.now();
    total.add(now, storedBytes());
    const lines = [...active.values()].slice(0, MAX_LINES).map((file) => fileLine(file, now));
    if (counts.files > 1) {
      const failed = counts.failed > 0 ? c.red(`, ${counts.failed} failed`) : '';
      const speed = total.bytesPerSecond(now);
      const facts = [
        `${counts.stored} of ${counts.files} files${failed}`,
        `${bytes(storedBytes())} of ${bytes(counts.bytes)}`,
        rate(speed),
        timeLeft(counts.bytes - storedBytes(), speed),
      ];
      lines.push(c.dim(facts.filter(Boolean).join('  ')));
    }
    screen(lines.join('\n'));
  }

  function keep(text: string): void {
    screen.clear();
    stdout.write(`${text}\n`);
  }

  function storedLines(event: CliEvent & { event: 'stored' }): string {
    const how = event.existing
      ? 'already there, identical'
      : [duration(event.durationMs), rate(event.bytesPerSecond)].filter(Boolean).join('  ');
    const first = `${c.green('✔')} ${printable(event.name)}  ${bytes(event.size)}  ${how}`;
    return `${first}\n  ${c.dim(`${printable(event.storedAs)}  md5 ${event.md5}`)}`;
  }

  return {
    report(event) {
      const problem = problemLine(event, wantsColor(stderr));
      if (problem !== undefined) {
        screen.clear();
        stderr.write(`${problem}\n`);
      }
      switch (event.event) {
        case 'receiver':
          keep(receiverLine(event, wantsColor(stdout)));
          break;
        case 'connected':
          counts.files = event.files;
          counts.failed = 0;
          counts.bytes = event.bytes;
          keep(`connected to ${c.cyan(printable(event.url))}`);
          timer ??= setInterval(draw, REDRAW_MS);
          timer.unref();
          break;
        case 'offered':
          active.set(event.id, { name: event.name, size: event.size, stored: 0, meter: new RateMeter() });
          break;
        case 'progress': {
          const file = active.get(event.id);
          if (!file) break;
          file.stored = event.stored;
          file.meter.add(performance.now(), event.stored);
          break;
        }
        case 'stored':
          active.delete(event.id);
          counts.stored++;
          counts.finishedBytes += event.size;
          keep(storedLines(event));
          break;
        case 'failed':
          active.delete(event.id);
          counts.failed++;
          break;
        case 'cancelled':
          active.delete(event.id);
          break;
        case 'stopping':
          keep(c.dim(stoppingLine(event)));
          break;
        case 'done':
          active.clear();
          if (doneLine(event) !== undefined) keep(c.dim(doneLine(event) as string));
          break;
      }
    },
    close() {
      clearInterval(timer);
      screen.clear();
      screen.done();
    },
  };
}
