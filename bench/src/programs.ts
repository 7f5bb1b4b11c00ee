import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export const BENCH_DIR = fileURLToPath(new URL('..', import.meta.url));
export const ROOT_DIR = fileURLToPath(new URL('../..', import.meta.url));
export const CACHE_DIR = fileURLToPath(new URL('../node_modules/.cache', import.meta.url));
const PROGRAMS_DIR = `${CACHE_DIR}/programs`;

const PROGRAMS = [
  'load/load',
  'servers/ours',
  'servers/ws',
  'servers/node-net',
  'clients/ours',
  'clients/ws',
  'files/ours-receive',
  'files/ours-send',
  'files/ws-receive',
  'files/ws-send',
  'files/tus-receive',
  'files/tus-send',
  'files/relay',
  'files/tcp-stream',
];

/** How to run our own packages: as they are built, what a user gets, or from source, for work in progress. */
let fromSource = false;

/**
 * Turns the programs into plain JavaScript, so that no loader runs inside what is measured, and builds our packages.
 * Rejects when the build fails.
 */
export async function prepare({ source = false, profile = undefined as string | undefined } = {}): Promise<void> {
  fromSource = source;
  profileDir = profile;
  await mkdir(PROGRAMS_DIR, { recursive: true });
  await build({
    absWorkingDir: BENCH_DIR,
    entryPoints: PROGRAMS.map((name) => `src/${name}.ts`),
    outdir: PROGRAMS_DIR,
    outbase: 'src',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
  });
  if (source) return;
  const turbo = spawn(
    'node_modules/.bin/turbo',
    ['run', 'build', '--filter=./packages/*', '--output-logs=errors-only'],
    {
      cwd: ROOT_DIR,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' },
    },
  );
  const [code] = await once(turbo, 'close');
  if (code !== 0) throw new Error('our packages do not build; --source measures them as they are');
}

let profileDir: string | undefined;

/** A command that is one of our programs on Node. */
export function nodeProgram(name: string, args: readonly string[] = []): readonly string[] {
  const source = fromSource ? ['--conditions=@wsferry/source', '--import', 'tsx'] : [];
  const profile =
    profileDir && name === 'servers/ours'
      ? ['--cpu-prof', `--cpu-prof-dir=${profileDir}`, '--cpu-prof-interval=200']
      : [];
  return [process.execPath, '--expose-gc', ...profile, ...source, `${PROGRAMS_DIR}/${name}.mjs`, ...args];
}

/** Our shell as it is installed. */
export function shellProgram(args: readonly string[]): readonly string[] {
  const source = fromSource ? ['--conditions=@wsferry/source', '--import', 'tsx'] : [];
  const main = fromSource ? 'packages/cli/src/main.ts' : 'packages/cli/dist/main.js';
  return [process.execPath, ...source, `${ROOT_DIR}/${main}`, ...args];
}

/** A process that tells things about itself in lines of JSON. */
export class Program {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly #lines: AsyncIterator<string>;
  #stderr = '';

  constructor([command, ...args]: readonly string[], cwd: string = BENCH_DIR) {
    this.child = spawn(command!, args, { cwd, stdio: ['pipe', 'pipe', 'pipe'] });
    this.pid = this.child.pid ?? 0;
    this.child.on('error', (error) => {
      this.#stderr += error.message;
    });
    this.child.stdin!.on('error', () => {}); // it may have ended already
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-2000);
    });
    this.#lines = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
  }

  /** The next line that is JSON. Rejects with what the program said last when it ended instead. */
  async next<T>(): Promise<T> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done)
        throw new Error(`${this.child.spawnfile} ended: ${this.#stderr.trim().slice(-500) || 'without a word'}`);
      if (value.startsWith('{')) return JSON.parse(value) as T;
    }
  }

  tell(text: string): void {
    this.child.stdin!.write(`${text}\n`);
  }

  /** Ends it by closing its standard input, and by force when that is not enough. */
  async stop(signal?: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null || this.pid === 0) return;
    const closed = once(this.child, 'close');
    this.child.stdin!.end();
    if (signal) this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 5000);
    await closed;
    clearTimeout(timer);
  }
}
