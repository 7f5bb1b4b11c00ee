import type { WatchListeners } from '@wsferry/transfer';
import { transferFailure } from '../errors.ts';
import { ExitCode } from '../exit-codes.ts';
import { type TalkOptions, talk } from './run-command.ts';

export interface WatchOptions extends TalkOptions {
  /** How many of the last arrivals and notes to begin with. */
  readonly recent: number;
}

/** Prints files and notes as they arrive at the receiver, until Ctrl-C, over as many connections as it takes. */
export function watch(cwd: string, options: WatchOptions): Promise<ExitCode> {
  // Whoever watches means to go on: as long as nothing else is said, for ever.
  const retryForMs = options.retryFor ?? Number.POSITIVE_INFINITY;
  return talk(cwd, options, { retryForMs }, async ({ line, reporter, signal }) => {
    const listeners: WatchListeners = {
      onArrived: ({ name, folder = [], size, md5, sha256, at, existing }) =>
        reporter.report({
          event: 'arrived',
          name: [...folder, name].join('/'),
          size,
          ...(md5 !== undefined && { md5 }),
          ...(sha256 !== undefined && { sha256 }),
          at,
          ...(existing && { existing }),
        }),
      onNote: ({ text, at }) => reporter.report({ event: 'note', text, at }),
    };
    const onWatching = () => reporter.report({ event: 'watching' });
    try {
      await line.courier.watch(listeners, { recent: options.recent, signal, onWatching });
    } catch (error) {
      throw transferFailure(error);
    }
    return ExitCode.Done;
  });
}
