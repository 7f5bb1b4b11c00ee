import { printable } from '@wsferry/transfer';
import { bytes } from '../format.ts';
import {
  arrivedLine,
  cleanedLine,
  connectedLine,
  doneLine,
  lostLine,
  noteLine,
  pausedLine,
  problemLine,
  receiverLine,
  reconnectedLine,
  restartedLine,
  resumedLine,
  retryingLine,
  stoppingLine,
  storedLine,
  waitingLine,
} from './lines.ts';
import { type CliEvent, type Output, type Reporter, wantsColor } from './reporter.ts';

/** A log wants a sign of life of a long transfer, not every packet. */
const PROGRESS_EVERY_MS = 10_000;

/** A line for what matters: results on stdout, problems on stderr. No control characters unless it is a terminal. */
export function plainReporter(stdout: Output, stderr: Output, now: () => number = () => performance.now()): Reporter {
  const lastLineAt = new Map<number, number>();

  function lineOf(event: CliEvent): string | undefined {
    switch (event.event) {
      case 'receiver':
        return receiverLine(event, wantsColor(stdout));
      case 'connected':
        return connectedLine(event, wantsColor(stdout));
      case 'offered':
        lastLineAt.set(event.id, now());
        return undefined;
      case 'progress':
      case 'comparing': {
        if (now() - (lastLineAt.get(event.id) ?? 0) < PROGRESS_EVERY_MS) return undefined;
        lastLineAt.set(event.id, now());
        const of = event.size === undefined ? '' : ` of ${bytes(event.size)}`;
        return event.event === 'progress'
          ? `${printable(event.name)}: ${bytes(event.stored)}${of} stored`
          : `${printable(event.name)}: ${bytes(event.compared)}${of} compared with what is there`;
      }
      case 'stored':
        lastLineAt.delete(event.id);
        return storedLine(event, wantsColor(stdout));
      case 'paused':
      case 'continued':
        return pausedLine(event);
      case 'waiting':
        return waitingLine(event.ms);
      case 'lost':
        return lostLine(event, wantsColor(stdout));
      case 'skipped':
        return `skipped ${printable(event.name)}: there is a file of that name`;
      case 'cleaned':
        return cleanedLine(event);
      case 'arrived':
        return arrivedLine(event, wantsColor(stdout));
      case 'note':
        return noteLine(event, wantsColor(stdout));
      case 'posted':
        return 'told everybody who watches';
      case 'retrying':
        return retryingLine(event, wantsColor(stdout));
      case 'reconnected':
        return reconnectedLine(event, wantsColor(stdout));
      case 'resumed':
        return resumedLine(event);
      case 'restarted':
        return restartedLine(event);
      case 'stopping':
        return stoppingLine(event);
      case 'done':
        return doneLine(event);
      default:
        return undefined;
    }
  }

  return {
    report(event) {
      const problem = problemLine(event, wantsColor(stderr));
      if (problem !== undefined) stderr.write(`${problem}\n`);
      const line = lineOf(event);
      if (line !== undefined) stdout.write(`${line}\n`);
    },
    close: () => {},
  };
}
