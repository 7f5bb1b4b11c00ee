import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../packages/cli/start.ts', import.meta.url));

/** The shell's program from source, in a process of its own; `cwd` is where its user stands. */
export function shell(args: readonly string[], cwd: string): ChildProcess {
  return spawn(
    process.execPath,
    ['--max-semi-space-size=1', '--conditions=@wsferry/source', '--import', 'tsx', MAIN, ...args],
    {
      cwd: fileURLToPath(new URL('..', import.meta.url)), // so that `tsx` resolves
      env: { ...process.env, INIT_CWD: cwd },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
}

/** Starts `serve` on a free port and waits for its address. */
export async function startServe(cwd: string, dir: string): Promise<{ url: string; child: ChildProcess }> {
  const child = shell(['serve', '--port', '0', '--dir', dir, '--json'], cwd);
  const lines = createInterface({ input: child.stdout as NonNullable<ChildProcess['stdout']> });
  for await (const line of lines) {
    const event = JSON.parse(line) as { url?: string };
    if (event.url) {
      child.stdout?.resume();
      return { url: event.url, child };
    }
  }
  throw new Error('serve ended before it listened');
}

/** Runs a program to its end; gives its exit code, its peak memory in bytes (Linux; 0 elsewhere) and the time it took. */
export async function finish(child: ChildProcess): Promise<{ code: number; peakBytes: number; seconds: number }> {
  const startedAt = performance.now();
  let peak = 0;
  child.stdout?.resume();
  const timer = setInterval(() => void peakMemory(child).then((bytes) => (peak = Math.max(peak, bytes))), 100);
  const [code] = (await once(child, 'close')) as [number];
  clearInterval(timer);
  return { code, peakBytes: peak, seconds: (performance.now() - startedAt) / 1000 };
}

/** The most memory the process ever held: VmHWM, "high water mark". */
export async function peakMemory(child: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
}

/** Ends a server as its user would, with Ctrl-C. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill('SIGINT');
  await once(child, 'close');
}
