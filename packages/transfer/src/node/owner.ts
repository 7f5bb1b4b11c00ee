import { createHash, randomBytes } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { machineId } from './machine.ts';

/**
 * `unknown`: it ran on another machine or in another container, whose processes cannot be seen from here, or the system
 * does not tell whether the process of that number is still the same one.
 */
export type OwnerState = 'alive' | 'dead' | 'unknown';

/** What stands for one process in a file name: where it ran, its pid, and what tells it from a later one of that pid. */
export const ownerPattern = /^[0-9a-f]{8}-\d{1,10}-[0-9a-f]{8}$/;

const linux = process.platform === 'linux';
/** For what the system does not tell: no other process has it, so that nobody takes us for somebody else. */
const ownRandom = randomBytes(4).toString('hex');

let asked: Promise<string> | undefined;

/** This process. */
export function ownOwner(): Promise<string> {
  asked ??= (async () => `${await place()}-${process.pid}-${(await processStart(process.pid)).token ?? ownRandom}`)();
  return asked;
}

/** Whether the process that called itself `owner` still lives. */
export async function ownerState(owner: string): Promise<OwnerState> {
  const own = await ownOwner();
  if (owner === own) return 'alive';
  const [where, pid, start] = owner.split('-') as [string, string, string];
  if (where !== own.slice(0, 8)) return 'unknown';
  // We have that pid, so nobody else does any more.
  if (Number(pid) === process.pid || !isRunning(Number(pid))) return 'dead';
  const now = await processStart(Number(pid));
  if (now.token === undefined) return 'unknown';
  return now.token === start && !now.ended ? 'alive' : 'dead';
}

/**
 * Within one place a pid means one process: this machine and, on Linux, this pid namespace (two containers may share a
 * folder and even a host name, and both have a process 1).
 */
async function place(): Promise<string> {
  const space = linux ? await readlink('/proc/self/ns/pid').catch(() => ownRandom) : '';
  return short(hostname(), await machineId(), space);
}

/** When a process started, within one boot; `token` is undefined where the system does not tell. */
async function processStart(pid: number): Promise<{ token?: string; ended?: boolean }> {
  if (!linux) return {};
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // proc_pid_stat(5): after the name, which may contain anything, the state is field 3 and the start field 22.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended; only its parent has not looked yet.
    return { token: short(boot, fields[19] ?? ''), ended: /[ZX]/i.test(fields[0] ?? '') };
  } catch {
    return {};
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0); // asks only
    return true;
  } catch (error) {
    // EPERM: there is one, of another user.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function short(...parts: string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 8);
}
