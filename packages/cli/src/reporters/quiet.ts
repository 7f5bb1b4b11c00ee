import { problemLine } from './lines.ts';
import { type Output, type Reporter, wantsColor } from './reporter.ts';

/** Errors and warnings only, on stderr. */
export function quietReporter(stderr: Output): Reporter {
  return {
    report(event) {
      const line = problemLine(event, wantsColor(stderr));
      if (line !== undefined) stderr.write(`${line}\n`);
    },
    close: () => {},
  };
}
