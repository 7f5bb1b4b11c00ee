import { readFileSync } from 'node:fs';

/** Linux counts CPU time in hundredths of a second (`getconf CLK_TCK` is 100 on everything that Node runs on). */
const TICKS_PER_SECOND = 100;

/** CPU time that a process used so far, all threads, in seconds. 0 where there is no /proc. */
export function cpuSecondsOf(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  // The name, in parentheses, may hold anything; the numbers come behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / TICKS_PER_SECOND;
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
