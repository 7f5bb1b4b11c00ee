import { printable } from '@wsferry/transfer';
import { createLogUpdate } from 'log-update';
import { colors } from '../colors.ts';
import { bytes, duration, RateMeter, rate, timeLeft } from '../format.ts';
import {
  arrivedLine,
  cleanedLine,
  connectedLine,
  digestWords,
  doneLine,
  lostLine,
  noteLine,
  PAUSED_LINE,
  problemLine,
  receiverLine,
  reconnectedLine,
  restartedLine,
  resumedLine,
  retryingLine,
  stoppingLine,
  waitingLine,
} from './lines.ts';
import { progressLine, rowsOf, sumLine } from './progress-line.ts';
import { type CliEvent, type Reporter, wantsColor } from './reporter.ts';

/** More lines than this would scroll away on a small terminal. */
const MAX_LINES = 10;
const REDRAW_MS = 80;

interface Active {
  readonly name: string;
  readonly size: number | undefined;
  stored: number;
  /** The other side holds it back. */
  paused?: boolean;
  /** Bytes, while the file is compared with what the receiver holds. */
  compared?: number | undefined;
  readonly meter: RateMeter;
}

/** A line per file that moves, rewritten in place; results stay above it in the scrollback. */
export function ttyReporter(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): Reporter {
  const c = colors(wantsColor(stdout));
  const screen = createLogUpdate(stdout);
  const active = new Map<number, Active>();
  const total = new RateMeter();
  const counts = { files: 0, bytes: 0, sized: true, stored: 0, failed: 0, finishedBytes: 0 };
  /** What stands on the screen and will be drawn over. */
  let frame: string[] = [];
  let silentSince: number | undefined;
  /** All files are held back here. */
  let paused = false;
  let timer: NodeJS.Timeout | undefined;
  stdout.on('resize', resized);

  function storedBytes(): number {
    let sum = counts.finishedBytes;
    for (const file of active.values()) sum += file.stored;
    return sum;
  }

  function draw(): void {
    if (active.size === 0 && !paused) {
      clear();
      return;
    }
    const now = performance.now();
    total.add(now, storedBytes());
    const columns = (stdout.columns ?? 80) - 1;
    const room = Math.max(1, Math.min(MAX_LINES, (stdout.rows ?? 24) - 4));
    frame = [...active.values()].slice(0, room).map((file) => {
      const facts = { ...file, paused: file.paused || paused, bytesPerSecond: file.meter.bytesPerSecond(now) };
      return progressLine(facts, columns, c.cyan);
    });
    if (counts.files > 1) {
      const failed = counts.failed > 0 ? c.red(`, ${counts.failed} failed`) : '';
      const speed = total.bytesPerSecond(now);
      const facts = [
        `${counts.stored} of ${counts.files} files${failed}`,
        // With a stream among them nobody knows of how many.
        counts.sized ? `${bytes(storedBytes())} of ${bytes(counts.bytes)}` : bytes(storedBytes()),
        rate(speed),
        counts.sized ? timeLeft(counts.bytes - storedBytes(), speed) : '',
      ];
      frame.push(c.dim(sumLine(facts, columns)));
    }
    if (silentSince !== undefined) frame.push(c.yellow(sumLine([waitingLine(now - silentSince)], columns)));
    if (paused) frame.push(c.yellow(sumLine([PAUSED_LINE], columns)));
    screen(frame.join('\n'));
  }

  /**
   * A terminal that got narrower has wrapped the lines that stood there, and log-update counts them as they were. (xterm
   * and the console cut instead of wrapping: there more would be erased than our own lines.)
   */
  function resized(): void {
    const { XTERM_VERSION, TERM } = process.env;
    if (frame.length === 0 || XTERM_VERSION || TERM === 'linux') return;
    const rows = Math.min(rowsOf(frame, stdout.columns), Math.max(1, stdout.rows - 1));
    stdout.write(`\r${'\u001b[2K\u001b[1A'.repeat(rows)}\u001b[0J`);
    screen.done();
    draw();
  }

  function clear(): void {
    frame = [];
    screen.clear();
  }

  function keep(text: string): void {
    clear();
    stdout.write(`${text}\n`);
  }

  function storedLines(event: CliEvent & { event: 'stored' }): string {
    const how = event.existing
      ? 'already there, identical'
      : [duration(event.durationMs), rate(event.bytesPerSecond)].filter(Boolean).join('  ');
    const first = `${c.green('✔')} ${printable(event.name)}  ${bytes(event.size)}  ${how}`;
    return `${first}\n  ${c.dim(`${printable(event.storedAs)}  ${digestWords(event)}`)}`;
  }

  return {
    report(event) {
      const problem = problemLine(event, wantsColor(stderr));
      if (problem !== undefined) {
        clear();
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
          keep(connectedLine(event, wantsColor(stdout)));
          break;
        case 'offered':
          // Not in the timer itself: Node hears of a new width after its timers, and then draws for the right one.
          timer ??= setInterval(() => setImmediate(draw), REDRAW_MS).unref();
          counts.sized &&= event.size !== undefined;
          active.set(event.id, { name: event.name, size: event.size, stored: 0, meter: new RateMeter() });
          break;
        case 'progress': {
          const file = active.get(event.id);
          if (!file) break;
          silentSince = undefined;
          file.stored = event.stored;
          file.compared = undefined;
          file.meter.add(performance.now(), event.stored);
          break;
        }
        case 'comparing': {
          const file = active.get(event.id);
          silentSince = undefined;
          if (file) file.compared = event.compared;
          break;
        }
        case 'paused':
        case 'continued':
          silentSince = undefined;
          if (event.by === 'local') paused = event.event === 'paused';
          else {
            const file = active.get(event.id);
            if (file) file.paused = event.event === 'paused';
          }
          draw();
          break;
        case 'waiting':
          silentSince = performance.now() - event.ms;
          break;
        case 'stored':
          silentSince = undefined;
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
        case 'lost':
          silentSince = undefined;
          keep(lostLine(event, wantsColor(stdout)));
          break;
        case 'skipped':
          active.delete(event.id);
          keep(c.dim(`skipped ${printable(event.name)}: there is a file of that name`));
          break;
        case 'cleaned':
          keep(cleanedLine(event));
          break;
        case 'arrived':
          keep(arrivedLine(event, wantsColor(stdout)));
          break;
        case 'note':
          keep(noteLine(event, wantsColor(stdout)));
          break;
        case 'posted':
          keep('told everybody who watches');
          break;
        case 'retrying':
          keep(retryingLine(event, wantsColor(stdout)));
          break;
        case 'reconnected':
          keep(reconnectedLine(event, wantsColor(stdout)));
          break;
        case 'resumed':
          keep(resumedLine(event));
          break;
        case 'restarted':
          keep(restartedLine(event));
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
    clear() {
      clear();
      screen.done(); // the cursor is seen again
    },
    close() {
      clearInterval(timer);
      stdout.off('resize', resized);
      clear();
      screen.done();
    },
  };
}
