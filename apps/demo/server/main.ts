import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ConnectionError, checkedToken, isLoopbackHost, readTokenFile } from '@wsferry/connection';
import { Command, InvalidArgumentError } from 'commander';
import { startDemo } from './serve-demo.ts';

interface Options {
  readonly host: string;
  readonly port: number;
  readonly dir: string;
  readonly allowOrigin?: readonly string[];
  readonly tokenFile?: string;
  readonly insecurePublic?: boolean;
  readonly trustProxy?: readonly string[];
  /** Milliseconds. */
  readonly grace: number;
}

function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65535) {
    throw new InvalidArgumentError('expected a whole number from 0 to 65535 (0 picks a free port).');
  }
  return value;
}

const UNITS_MS = { ms: 1, s: 1000, m: 60_000 } as const;

function time(text: string): number {
  const [, number, unit] = /^(\d{1,6})(ms|s|m)$/.exec(text === '0' ? '0s' : text) ?? [];
  if (number === undefined) throw new InvalidArgumentError('expected a time such as 10s, 500ms or 1m.');
  return Number(number) * UNITS_MS[unit as keyof typeof UNITS_MS];
}

function origin(text: string, before: readonly string[] = []): readonly string[] {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.origin !== text) throw new InvalidArgumentError('expected an origin such as https://files.example.');
  return [...before, text];
}

/** The token that lets in: of the file, else of the environment, never of the command line, which others can read. */
async function readToken(path: string | undefined): Promise<string | undefined> {
  const inEnvironment = process.env['WSFERRY_TOKEN'];
  if (path === undefined && inEnvironment === undefined) return undefined;
  try {
    if (path === undefined) return checkedToken(inEnvironment ?? '', 16);
    const { token, readableByOthers } = await readTokenFile(path, { minLength: 16 });
    if (readableByOthers)
      console.error(`WARNING: everybody on this machine can read ${path}; chmod 600 keeps it to you`);
    return token;
  } catch (error) {
    throw new Error(`${path ?? 'WSFERRY_TOKEN'}: ${(error as Error).message}`, { cause: error });
  }
}

const { host, ...options } = new Command('demo')
  .description('Serve a page that sends files into a folder, over the WebSocket stack of this repository.')
  .option('--port <port>', 'port for page and WebSocket; 0 picks a free one', port, 6455)
  .option('--host <host>', 'address to listen on', '127.0.0.1')
  .option('--dir <folder>', 'where the files go (created when missing)', './received')
  .option(
    '--allow-origin <origin...>',
    'where the page is under a name, such as https://files.example behind a proxy',
    origin,
  )
  .option('--token-file <file>', 'let in only who has the token in this file; else the one in WSFERRY_TOKEN')
  .option('--insecure-public', 'listen where other machines can reach it, and want no token')
  .option('--trust-proxy <address...>', 'proxies that say who comes through them: 127.0.0.1, 10.0.0.0/8, unix')
  .option('--grace <time>', 'how long files under way may go on after SIGTERM', time, 10_000)
  .parse()
  .opts<Options>();

// pnpm runs this in apps/demo; INIT_CWD is where the user stands.
const cwd = process.env['INIT_CWD'] ?? process.cwd();
const dir = resolve(cwd, options.dir);

try {
  const token = await readToken(options.tokenFile && resolve(cwd, options.tokenFile));
  if (token === undefined && !options.insecurePublic && !(await isLoopbackHost(host))) {
    throw new Error(
      `${host} can be reached from other machines, and without a token everybody there could send and fetch files; ` +
        'set WSFERRY_TOKEN or name a --token-file, or let everybody in with --insecure-public',
    );
  }
  await mkdir(dir, { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
    const why =
      cause.code === 'EEXIST' || cause.code === 'ENOTDIR' ? 'something that is no folder is there' : cause.code;
    throw new Error(`cannot create the folder ${dir} (${why}); choose another with --dir`, { cause });
  });
  const demo = await startDemo({
    host,
    port: options.port,
    dir,
    origins: options.allowOrigin ?? [],
    ...(token !== undefined && { token }),
    ...(options.trustProxy && { trustedProxies: options.trustProxy }),
  });
  console.log(`${demo.url}  (files go into ${dir})`);

  let stoppingAt: number | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      const now = performance.now();
      if (stoppingAt !== undefined) {
        // A second one: somebody does not want to wait. What comes at once is a copy of the first, which pnpm passes on.
        if (now - stoppingAt > 250) process.exit(130);
        return;
      }
      stoppingAt = now;
      // SIGTERM comes from who can wait, a service manager; Ctrl-C from somebody who cannot.
      void demo
        .close(signal === 'SIGTERM' ? options.grace : 0)
        .finally(() => process.exit(signal === 'SIGINT' ? 130 : 0));
    });
  }
} catch (error) {
  const hint =
    error instanceof ConnectionError && error.code === 'ADDRESS_IN_USE' ? '; choose another with --port' : '';
  console.error(`demo: ${error instanceof Error ? error.message : String(error)}${hint}`);
  process.exitCode = 1;
}
