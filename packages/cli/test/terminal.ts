import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { commandLine } from './program.ts';

/** Gives a terminal of its own to a shell, and hands on what is typed and shown. */
const PTY = 'import pty, sys; pty.spawn(sys.argv[1:])';

/** A shell at a terminal, at which somebody types; `wsferry` is the program. */
export class Terminal implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #ended: Promise<unknown>;
  #shown = '';
  /** How much of it was waited for already. */
  #seen = 0;

  private constructor(cwd: string, env: NodeJS.ProcessEnv) {
    this.#child = spawn('/usr/bin/python3', ['-c', PTY, 'sh', '-i'], {
      cwd,
      env: { ...env, PS1: '> ', TERM: 'xterm', PATH: `${cwd}:${process.env['PATH']}` },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#shown += text));
    this.#ended = once(this.#child, 'close');
  }

  static async open(cwd: string): Promise<Terminal> {
    const { command, env } = commandLine();
    const words = command.map((word) => `'${word}'`).join(' ');
    await writeFile(join(cwd, 'wsferry'), `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
    const terminal = new Terminal(cwd, env);
    terminal.type('stty cols 100 rows 24; echo rea""dy\n');
    await terminal.shows(/ready/);
    return terminal;
  }

  type(text: string): void {
    this.#child.stdin.write(text);
  }

  /** Resolves when it shows this, behind what was waited for before. */
  async shows(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      // Whole lines: what is drawn over stands in some of its own, and no sequence is cut.
      const text = stripVTControlCharacters(this.#shown.slice(0, this.#shown.lastIndexOf('\n') + 1));
      const match = pattern.exec(text.slice(this.#seen));
      if (match) {
        this.#seen += match.index + match[0].length;
        return match;
      }
      const more = await Promise.race([once(this.#child.stdout, 'data'), this.#ended.then(() => undefined)]);
      if (!more) throw new Error(`expected ${pattern} on the terminal, got:\n${text}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
