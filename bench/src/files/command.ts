import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { connect, createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { cpuSecondsOfFamily, peakBytesOf } from '../process-facts.ts';

/**
 * Runs a command to its end: how long it took, as its user waited, its CPU time with that of its children, and the most memory
 * it held (0 where unknown). It is looked at every 20 ms: what it did after the last look is missing.
 */
export async function runCommand(
  [command, ...args]: readonly string[],
  cwd: string,
): Promise<{ seconds: number; cpuSeconds: number; peakBytes: number }> {
  const startedAt = performance.now();
  const child = spawn(command!, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-2000);
  });
  let peakBytes = 0;
  let cpuSeconds = 0;
  const timer = setInterval(() => {
    peakBytes = Math.max(peakBytes, peakBytesOf(child.pid!));
    cpuSeconds = Math.max(cpuSeconds, cpuSecondsOfFamily(child.pid!));
  }, 20);
  try {
    const [code] = await once(child, 'exit');
    const seconds = (performance.now() - startedAt) / 1000;
    if (code !== 0) throw new Error(`${command} ended with ${code}: ${stderr.trim().slice(-300)}`);
    return { seconds, cpuSeconds, peakBytes };
  } finally {
    clearInterval(timer);
  }
}

/** Where a program is, as the shell would find it; daemons are often outside the PATH of people. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/sbin'];
  return folders
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** A port that was free a moment ago, for programs that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Waits until somebody listens. Rejects when `ended` does, or after ten seconds. */
export async function listening(port: number, ended: Promise<never>): Promise<void> {
  ended.catch(() => {});
  for (let times = 0; times < 200; times++) {
    const socket = connect({ port, host: '127.0.0.1' });
    const open = await Promise.race([
      once(socket, 'connect').then(
        () => true,
        () => false,
      ),
      ended,
    ]).finally(() => socket.destroy());
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nobody listened at port ${port} within ten seconds`);
}
