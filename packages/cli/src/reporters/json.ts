import type { Output, Reporter } from './reporter.ts';

/** One JSON object a line for every event, all of them on stdout. */
export function jsonReporter(stdout: Output): Reporter {
  return {
    report: (event) => stdout.write(`${escapeControls(JSON.stringify(event))}\n`),
    close: () => {},
  };
}

/** JSON.stringify escapes C0 controls only; DEL, C1 and bidi marks can still play tricks on a terminal. */
function escapeControls(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
