import { setMaxListeners } from 'node:events';
import { ExitCode } from './exit-codes.ts';

/** A forwarded copy of the same key press (npm and pnpm pass SIGINT on) comes within this time. */
const SAME_KEY_PRESS_MS = 250;

/** The signals that ask to end: Ctrl-C, `kill`, a terminal that was closed. */
const EXIT_CODES = {
  SIGINT: ExitCode.Interrupted,
  SIGTERM: ExitCode.Terminated,
  SIGHUP: ExitCode.HungUp,
} as const;

export type EndingSignal = keyof typeof EXIT_CODES;

/** Ctrl-C, made into an AbortSignal: the first asks to end cleanly, the second ends at once. */
export interface Interruption {
  readonly signal: AbortSignal;
  /** What came first; undefined as long as nothing did. */
  readonly name: EndingSignal | undefined;
  /** 130 after SIGINT, 143 after SIGTERM, 129 after SIGHUP. */
  readonly exitCode: ExitCode;
}

/** Listens until the process ends. `onFirst` hears of the first signal, before anything acts on it. */
export function watchInterruption(onFirst: (name: EndingSignal) => void): Interruption {
  const controller = new AbortController();
  // Every file of a call listens to it; that is no leak.
  setMaxListeners(0, controller.signal);
  let exitCode: ExitCode = ExitCode.Interrupted;
  let first: EndingSignal | undefined;
  let firstAt = 0;
  const listener = (name: EndingSignal) => {
    const now = performance.now();
    if (controller.signal.aborted) {
      if (now - firstAt > SAME_KEY_PRESS_MS) process.exit(exitCode);
      return;
    }
    firstAt = now;
    first = name;
    exitCode = EXIT_CODES[name];
    onFirst(name);
    controller.abort();
  };
  for (const name of Object.keys(EXIT_CODES) as EndingSignal[]) process.on(name, () => listener(name));
  return {
    signal: controller.signal,
    get name() {
      return first;
    },
    get exitCode() {
      return exitCode;
    },
  };
}
