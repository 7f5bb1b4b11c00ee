import { readFileSync } from 'node:fs';

/** Linux counts CPU time in hundredths of a second (`getconf CLK_TCK` is 100 on everything that Node runs on). */
const TICKS_PER_SECOND = 100;

/** CPU time that a process used so far, all threads, in seconds. 0 where there is no /proc. */
export function cpuSecondsOf(pid: number): number {
  const [user, system] = ticksOf(pid);
  return (user + system) / TICKS_PER_SECOND;
}

/** The same with that of its children, of those that live and of those that it has seen end. */
export function cpuSecondsOfFamily(pid: number): number {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  const own = ticksOf(pid).reduce((sum, ticks) => sum + ticks) / TICKS_PER_SECOND;
  return children.reduce((sum, child) => sum + cpuSecondsOfFamily(child), own);
}

/** User and system time, its own and that of children that have ended. */
function ticksOf(pid: number): [user: number, system: number, childrensUser: number, childrensSystem: number] {
  const stat = read(`/proc/${pid}/stat`);
  // The name, in parentheses, may hold anything; the numbers come behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = (field: number) => Number(fields[field] ?? 0);
  return [ticks(11), ticks(12), ticks(13), ticks(14)];
}

/** Memory that a process holds now, in bytes. 0 where there is no /proc. */
export function residentBytesOf(pid: number): number {
  return kilobytes(pid, 'VmRSS') * 1024;
}

/** The most memory that it ever held, in bytes. */
export function peakBytesOf(pid: number): number {
  return kilobytes(pid, 'VmHWM') * 1024;
}

function kilobytes(pid: number, field: string): number {
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // the process has ended, or this is no Linux
  }
}
