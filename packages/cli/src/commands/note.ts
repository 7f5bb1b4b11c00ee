import { transferFailure } from '../errors.ts';
import { ExitCode } from '../exit-codes.ts';
import { type TalkOptions, talk } from './run-command.ts';

/** Tells a text to everybody who watches at the receiver. */
export function note(text: string, cwd: string, options: TalkOptions): Promise<ExitCode> {
  return talk(cwd, options, {}, async ({ line, reporter }) => {
    try {
      await line.courier.postNote(text);
    } catch (error) {
      throw transferFailure(error);
    }
    reporter.report({ event: 'posted', text });
    return ExitCode.Done;
  });
}
