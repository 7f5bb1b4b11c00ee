import { PauseSwitch } from '@wsferry/transfer';
import type { Reporter } from './reporters/reporter.ts';
import { watchKeys } from './terminal-keys.ts';

/** Holds all files of a command back, and lets them go on. */
export interface Pausing {
  readonly pause: PauseSwitch;
  /** The keyboard is the shell's again. */
  close(): void;
}

/**
 * `p` pauses, and `p` again goes on: where somebody sees the progress drawn, and has a keyboard. `keyboard` false: stdin
 * is something else, or somebody else's.
 */
export function pauseByKey(reporter: Reporter, { keyboard = true } = {}): Pausing {
  const pause = new PauseSwitch();
  const onKey = (key: string) => {
    if (key !== 'p') return;
    if (pause.paused) pause.resume();
    else pause.pause();
    reporter.report({ event: pause.paused ? 'paused' : 'continued', by: 'local' });
  };
  const onSuspend = () => reporter.clear?.();
  const stop = keyboard && reporter.clear ? watchKeys({ onKey, onSuspend }) : undefined;
  return { pause, close: () => stop?.() };
}
