import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const bundled = (name: string) => here(`../.bundle-for-tests/${name}`);
/** What the installed command runs, as its source is now; what the workspace's `start` script runs; what was built, if it was. */
export const entries = { main: bundled('main.js'), start: here('../start.ts'), built: here('../dist/main.js') };
const tsx = createRequire(import.meta.url).resolve('tsx');

/** Maps the default port, so that a test never meets a receiver of the person who runs it. */
const mapDefaultPort = bundled('map-default-port.js');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly env?: Record<string, string>;
  /** Who listens at ws://127.0.0.1:6455, as this program sees it. Default: nobody. */
  readonly defaultPort?: number;
  readonly entry?: string;
  /** `pipe`: standard input is one that nobody writes into. Default: there is none. */
  readonly stdin?: 'pipe';
  /** A file descriptor; default: a pipe that is read. */
  readonly stdout?: number;
}

type JsonEvent = { event: string; [key: string]: unknown };

/** What stands before the program's own arguments. */
function nodeArgs({ entry = entries.main }: ProgramOptions): string[] {
  const source = entry === entries.start ? ['--conditions=@wsferry/source', '--import', tsx] : [];
  return [...source, '--import', mapDefaultPort, entry];
}

function environment({ env, defaultPort = 9 }: ProgramOptions): NodeJS.ProcessEnv {
  const { INIT_CWD: _, CI: __, WSFERRY_URL: ___, WSFERRY_TOKEN: ____, ...others } = process.env;
  // A proxy of the person who runs the tests could not reach what they start.
  const inherited = Object.fromEntries(Object.entries(others).filter(([name]) => !/_proxy$/i.test(name)));
  return { ...inherited, DEFAULT_PORT: String(defaultPort), ...env };
}

/** For a shell: the words before the arguments, and the environment. */
export function commandLine() {
  return { command: [process.execPath, ...nodeArgs({})], env: environment({}) };
}

/** The real program in a process of its own. */
export class Program implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable | null, Readable | null, Readable>;
  readonly ended: Promise<Ended>;
  #stdout = '';
  #stderr = '';

  constructor(args: readonly string[], cwd: string, options: ProgramOptions = {}) {
    const { stdin = 'ignore', stdout = 'pipe' } = options;
    this.#child = spawn(process.execPath, [...nodeArgs(options), ...args], {
      cwd,
      env: environment(options),
      stdio: [stdin, stdout, 'pipe'],
    }) as ChildProcessByStdio<Writable | null, Readable | null, Readable>;
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.ended = once(this.#child, 'close').then(([code]) => ({ code, stdout: this.#stdout, stderr: this.#stderr }));
  }

  /** The first match in what it prints on stdout; rejects when it ends without. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#stdout);
      if (match) return match;
      const more = await Promise.race([once(this.#child.stdout!, 'data'), this.ended.then(() => undefined)]);
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
export async function wsferry(args: readonly string[], cwd: string, options: ProgramOptions = {}): Promise<Ended> {
  await using program = new Program(args, cwd, options);
  return await program.ended;
}

/** `serve` on a free port; its address as soon as it listens. */
export async function startServe(args: readonly string[], cwd: string): Promise<{ program: Program; url: string }> {
  const program = new Program(['serve', '--port', '0', ...args], cwd);
  const [, url] = await program.printed(/(wss?:\/\/[^\s",]+)/);
  return { program, url: url as string };
}

/** The events of a `--json` run, without their times, which must be there. */
export function eventsOf({ stdout }: Ended): JsonEvent[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { time, ...event } = JSON.parse(line) as JsonEvent & { time: string };
      if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(time)) throw new Error(`expected a time, got ${line}`);
      return event as JsonEvent;
    });
}

/** 1 GB that takes no disk: long enough on its way to be interrupted. */
export async function bigFile(path: string): Promise<void> {
  const file = await open(path, 'wx');
  await file.truncate(1_000_000_000);
  await file.close();
}

/**
 * A line of a shell in which `wsferry` is the program: for what stands between pipes. `bash`, for its `pipefail` and
 * `PIPESTATUS`.
 */
export async function shell(script: string, cwd: string, options: ProgramOptions = {}) {
  const words = [process.execPath, ...nodeArgs(options)].map((word) => `'${word}'`).join(' ');
  const child = spawn('bash', ['-c', `wsferry() { ${words} "$@"; }\n${script}`], {
    cwd,
    env: environment(options),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout: Buffer.concat(stdout), stderr };
}
