import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

/** The shell as it is built: what a user runs, and no loader that takes a second to start. */
const WSFERRY = join(dirname(createRequire(import.meta.url).resolve('@wsferry/cli/package.json')), 'dist', 'main.js');

type Event = { readonly event: string; readonly [field: string]: unknown };

export interface PartyOptions {
  readonly within?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** One wsferry process that prints JSON; it may be killed and started again, with the same words. */
export class Party {
  readonly #command: readonly string[];
  readonly #env: Readonly<Record<string, string>>;
  readonly #cwd: string;
  #child: ChildProcess | undefined;
  #closed: Promise<number | string> | undefined;
  #stderr = '';
  readonly events: Event[] = [];
  /** Keep only the latest events: for a process that runs for hours. */
  forget = false;
  onEvent: ((event: Event) => void) | undefined;

  /** `within`: the command that runs it somewhere else, such as in another network namespace. */
  constructor(args: readonly string[], cwd: string, { within = [], env = {} }: PartyOptions = {}) {
    this.#command = [...within, process.execPath, WSFERRY, ...args, '--json'];
    this.#cwd = cwd;
    this.#env = env;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  start(): void {
    const { WSFERRY_URL: _, WSFERRY_TOKEN: __, ...env } = process.env;
    const [command, ...args] = this.#command;
    const child = spawn(command as string, args, {
      cwd: this.#cwd,
      env: { ...env, ...this.#env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-4000);
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      // A process that is killed may leave half a line.
      const event = parsed(line);
      if (!event) return;
      this.events.push(event);
      if (this.forget && this.events.length > 1000) this.events.splice(0, 900);
      this.onEvent?.(event);
    });
    this.#closed = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  }

  /** Resolves with the next event of that name that comes; rejects when the process ends without. */
  async next(name: string): Promise<Event> {
    const from = this.events.length;
    for (;;) {
      const found = this.events.slice(from).find(({ event }) => event === name);
      if (found) return found;
      const ended = await Promise.race([
        this.#closed,
        new Promise<undefined>((resolve) => {
          this.onEvent = () => resolve(undefined);
        }),
      ]);
      if (ended !== undefined && !this.events.slice(from).some(({ event }) => event === name)) {
        throw new Error(`expected the event ${name}, got the end with ${ended}: ${this.#stderr}`);
      }
    }
  }

  /** How the process that runs now ends: its exit code, or the signal. */
  ended(): Promise<number | string> {
    return this.#closed ?? Promise.resolve(0);
  }

  /** Ends it with a signal and waits until it is gone. */
  async signal(name: NodeJS.Signals): Promise<number | string> {
    if (this.#child?.exitCode === null && this.#child.signalCode === null) this.#child.kill(name);
    return this.ended();
  }
}

function parsed(line: string): Event | undefined {
  try {
    return JSON.parse(line) as Event;
  } catch {
    return undefined;
  }
}

/** A port that was free a moment ago: a receiver that is started again needs the same one. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
