import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { emitKeypressEvents, type Key } from 'node:readline';

/** What the keys of a terminal do. */
export interface KeyActions {
  /** A key that stands for itself. */
  readonly onKey: (key: string) => void;
  /** The process is about to be stopped (Ctrl-Z): the terminal is somebody else's from now on. */
  readonly onSuspend: () => void;
}

/**
 * Hears each key at once, until the function that is returned is called; `undefined` where there is no keyboard. A terminal
 * that tells of each key no longer makes signals of Ctrl-C and its like: that is done here.
 */
export function watchKeys({ onKey, onSuspend }: KeyActions): (() => void) | undefined {
  const { stdin } = process;
  if (!stdin.isTTY || !inForeground()) return undefined;
  let taken = false;

  /** Also a second time: whoever had the terminal meanwhile has left it in a mode of his own. */
  function take(): void {
    if (!inForeground()) return;
    stdin.setRawMode(false);
    stdin.setRawMode(true);
    stdin.resume();
    if (!taken) process.on('SIGTSTP', suspend);
    taken = true;
  }

  function give(): void {
    if (!taken) return;
    taken = false;
    process.off('SIGTSTP', suspend);
    stdin.pause();
    stdin.setRawMode(false);
  }

  function suspend(): void {
    onSuspend();
    give();
    // Nobody listens any more, so this stops us; what follows comes when we go on, or when nobody could continue us.
    process.kill(process.pid, 'SIGTSTP');
    setImmediate(take);
  }

  function pressed(text: string | undefined, { ctrl, name, sequence }: Key): void {
    if (ctrl && name === 'c') signalAll('SIGINT');
    else if (ctrl && name === 'z') signalAll('SIGTSTP');
    else if (sequence === '\u001c') {
      give();
      signalAll('SIGQUIT');
    } else if (text !== undefined) onKey(text);
  }

  emitKeypressEvents(stdin);
  stdin.on('keypress', pressed);
  process.on('SIGCONT', take);
  take();
  return () => {
    process.off('SIGCONT', take);
    stdin.off('keypress', pressed);
    give();
  };
}

/** As a terminal does it: to everybody in the foreground, such as the other end of a pipe. */
function signalAll(signal: NodeJS.Signals): void {
  if (process.platform === 'win32') process.emit(signal, signal);
  else process.kill(0, signal);
}

/** Whether the terminal is ours. Who touches it from the background (`wsferry send … &`) is stopped. */
function inForeground(): boolean {
  if (process.platform === 'win32') return true;
  try {
    if (process.platform === 'linux') {
      // Behind the name, which may hold anything: state, parent, group, session, terminal, the group in its foreground.
      const stat = readFileSync('/proc/self/stat', 'utf8');
      const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return group === foreground;
    }
    return execFileSync('ps', ['-o', 'stat=', '-p', String(process.pid)], { encoding: 'utf8' }).includes('+');
  } catch {
    return false;
  }
}
