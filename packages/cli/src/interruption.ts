import { setMaxListeners } from 'node:events';
import { ExitCode } from './exit-codes.ts';

/** A forwarded copy of the same key press (npm and pnpm pass SIGINT on) comes within this time. */
const SAME_KEY_PRESS_MS = 250;

/** Ctrl-C, made into an AbortSignal: the first asks to end cleanly, the second ends at once. */
export interface Interruption {
  readonly signal: AbortSignal;
  /** 130 after SIGINT, 143 after SIGTERM. */
  readonly exitCode: ExitCode;
}

/** Listens until the process ends. `onFirst` may tell the user. */
export function watchInterruption(): Interruption {
  const controller = new AbortController();
  // Every file of a call listens to it; that is no leak.
  setMaxListeners(0, controller.signal);
  let exitCode: ExitCode = ExitCode.Interrupted;
  let firstAt = 0;
  const listener = (name: NodeJS.Signals) => {
    const now = performance.now();
    if (controller.signal.aborted) {
      if (now - firstAt > SAME_KEY_PRESS_MS) process.exit(exitCode);
      return;
    }
    firstAt = now;
    if (name === 'SIGTERM') exitCode = ExitCode.Terminated;
    controller.abort();
  };
  process.on('SIGINT', listener);
  process.on('SIGTERM', listener);
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
  };
}
