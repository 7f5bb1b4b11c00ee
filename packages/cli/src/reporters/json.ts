import type { Output, Reporter } from './reporter.ts';

/** One JSON object a line for every event, all of them on stdout, each with its time (ISO 8601, UTC). */
export function jsonReporter(stdout: Output, now: () => number = Date.now): Reporter {
  return {
    report(event) {
      const time = new Date(now()).toISOString();
      stdout.write(`${escapeControls(JSON.stringify({ time, ...event }))}\n`);
    },
    close: () => {},
  };
}

/** The same for a log that is kept: what happened, not how far it got. */
export function logReporter(stdout: Output, now?: () => number): Reporter {
  const { report, close } = jsonReporter(stdout, now);
  return {
    report(event) {
      if (event.event !== 'progress' && event.event !== 'comparing') report(event);
    },
    close,
  };
}

/** JSON.stringify escapes C0 controls only; DEL, C1 and bidi marks can still play tricks on a terminal. */
function escapeControls(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
