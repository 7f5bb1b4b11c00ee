import { createLogUpdate } from 'log-update';
import { colors } from '../colors.ts';
import { cutEnd } from '../format.ts';
import { problemLine } from '../reporters/lines.ts';
import { type CheckEvent, type CliEvent, type Reporter, wantsColor } from '../reporters/reporter.ts';
import type { Check } from './check.ts';
import { checkLine, remedy, verdict } from './report.ts';

const REDRAW_MS = 250;
/** Without a terminal, whose width is known, this is what most logs are read in. */
const PLAIN_COLUMNS = 100;

/** Shows a diagnosis as it comes about. */
export interface Screen extends Reporter {
  /** This is being looked at now, for at most so long where that is known. */
  looking(check: Check, longestMs?: number): void;
}

/** One line a check, and below them what is to be done. With `quiet` only the latter. */
export function doctorScreen(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream, quiet = false): Screen {
  const color = wantsColor(stdout);
  const c = colors(color);
  const live = stdout.isTTY && !quiet && process.env['TERM'] !== 'dumb' ? createLogUpdate(stdout) : undefined;
  const columns = () => (stdout.isTTY ? (stdout.columns ?? 80) - 1 : PLAIN_COLUMNS);
  const ill: CheckEvent[] = [];
  let current: { check: Check; longestMs: number | undefined; since: number } | undefined;
  let timer: NodeJS.Timeout | undefined;

  function draw(): void {
    if (!current || !live) return;
    const seconds = Math.floor((performance.now() - current.since) / 1000);
    const longest = Math.round((current.longestMs ?? 0) / 1000);
    // Then it looks whether anything passes still, and whether pings help.
    const most = seconds <= longest ? ` of at most ${longest} s` : '';
    // What is quick needs no clock.
    const time = seconds < 1 ? '' : ` ${seconds} s${most}`;
    live(c.dim(cutEnd(`…        ${current.check.id.padEnd(11)}  ${current.check.question}${time}`, columns())));
  }

  function keep(text: string): void {
    live?.clear();
    stdout.write(`${text}\n`);
  }

  return {
    looking(check, longestMs) {
      current = { check, longestMs, since: performance.now() };
      timer ??= setInterval(draw, REDRAW_MS);
      timer.unref();
      draw();
    },
    report(event: CliEvent) {
      const problem = problemLine(event, wantsColor(stderr));
      if (problem !== undefined) {
        live?.clear();
        stderr.write(`${problem}\n`);
      }
      if (event.event === 'check') {
        if (event.severity === 'warning' || event.severity === 'wrong') ill.push(event);
        if (!quiet) keep(checkLine(event, columns(), color));
      }
      if (event.event === 'diagnosis') {
        current = undefined;
        // What keeps somebody out comes first.
        const sorted = [...ill].sort((a, b) => Number(a.severity === 'warning') - Number(b.severity === 'warning'));
        for (const one of sorted) keep(`\n${remedy(one, columns(), color)}`);
        if (sorted.some(({ mend }) => mend?.lines)) keep('\n  Then: nginx -t && nginx -s reload');
        if (!quiet) keep(`\n${(event.wrong > 0 ? c.red : c.green)(verdict(event, event.url))}`);
      }
    },
    close() {
      clearInterval(timer);
      live?.clear();
      live?.done();
    },
  };
}
