import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const folder = new URL('../../../packages/cli/', import.meta.url);
const tsx = createRequire(new URL('package.json', folder)).resolve('tsx');
const main = fileURLToPath(new URL('src/main.ts', folder));

/** The shell program from source, in a process of its own; it ends with the test. */
export class Shell implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  /** Its exit code and everything it printed. */
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
  #stdout = '';
  #stderr = '';

  constructor(args: readonly string[], cwd: string) {
    const { INIT_CWD: _, CI: __, WSFERRY_URL: ___, ...env } = process.env;
    const child = spawn(process.execPath, ['--conditions=@wsferry/source', '--import', tsx, main, ...args], {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.ended = once(child, 'close').then(([code]) => ({ code, stdout: this.#stdout, stderr: this.#stderr }));
    this.#child = child;
  }

  /** `serve` on a free port, and its address as soon as it listens. */
  static async serve(cwd: string, ...args: string[]): Promise<{ serve: Shell; url: URL }> {
    const serve = new Shell(['serve', '--port', '0', '--json', ...args], cwd);
    while (!serve.#stdout.includes('\n')) {
      const more = await Promise.race([once(serve.#child.stdout, 'data'), serve.ended]);
      if (!Array.isArray(more)) throw new Error(`serve ended with ${more.code}:\n${more.stderr}`);
    }
    return { serve, url: new URL(JSON.parse(serve.#stdout.split('\n')[0]!).url) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGTERM');
    await this.ended;
  }
}
