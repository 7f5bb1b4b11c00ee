import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const tsx = createRequire(import.meta.url).resolve('tsx');

/** Nobody may listen here: the discard port, so that a test never meets a receiver of the person who runs it. */
const NOBODY = 'ws://127.0.0.1:9';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

type JsonEvent = { event: string; [key: string]: unknown };

/** The real program, from source, in a process of its own. */
export class Program implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly ended: Promise<Ended>;
  #stdout = '';
  #stderr = '';

  constructor(args: readonly string[], cwd: string, env: Record<string, string> = {}) {
    const { INIT_CWD: _, CI: __, WSFERRY_URL: ___, ...inherited } = process.env;
    this.#child = spawn(process.execPath, ['--conditions=@wsferry/source', '--import', tsx, main, ...args], {
      cwd,
      env: { ...inherited, WSFERRY_URL: NOBODY, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.ended = once(this.#child, 'close').then(([code]) => ({ code, stdout: this.#stdout, stderr: this.#stderr }));
  }

  /** The first match in what it prints on stdout; rejects when it ends without. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#stdout);
      if (match) return match;
      const more = await Promise.race([once(this.#child.stdout, 'data'), this.ended.then(() => undefined)]);
      if (!more && !pattern.test(this.#stdout)) {
        throw new Error(`expected ${pattern} on stdout, got:\n${this.#stdout}\nstderr:\n${this.#stderr}`);
      }
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
    await this.ended;
  }
}

/** Runs it to its end. */
export async function wsferry(args: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<Ended> {
  await using program = new Program(args, cwd, env);
  return await program.ended;
}

/** `serve` on a free port; its address as soon as it listens. */
export async function startServe(args: readonly string[], cwd: string): Promise<{ program: Program; url: string }> {
  const program = new Program(['serve', '--port', '0', ...args], cwd);
  const [, url] = await program.printed(/(wss?:\/\/[^\s",]+)/);
  return { program, url: url as string };
}

/** The events of a `--json` run. */
export function eventsOf({ stdout }: Ended): JsonEvent[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as JsonEvent);
}

/** 1 GB that takes no disk: long enough on its way to be interrupted. */
export async function bigFile(path: string): Promise<void> {
  const file = await open(path, 'wx');
  await file.truncate(1_000_000_000);
  await file.close();
}
