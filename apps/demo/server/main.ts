import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ConnectionError } from '@wsferry/connection';
import { Command, InvalidArgumentError } from 'commander';
import { startDemo } from './serve-demo.ts';

interface Options {
  readonly host: string;
  readonly port: number;
  readonly dir: string;
  readonly allowOrigin?: readonly string[];
}

function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65535) {
    throw new InvalidArgumentError('expected a whole number from 0 to 65535 (0 picks a free port).');
  }
  return value;
}

function origin(text: string, before: readonly string[] = []): readonly string[] {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.origin !== text) throw new InvalidArgumentError('expected an origin such as https://files.example.');
  return [...before, text];
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
  .parse()
  .opts<Options>();

// pnpm runs this in apps/demo; INIT_CWD is where the user stands.
const dir = resolve(process.env['INIT_CWD'] ?? process.cwd(), options.dir);

try {
  await mkdir(dir, { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
    const why =
      cause.code === 'EEXIST' || cause.code === 'ENOTDIR' ? 'something that is no folder is there' : cause.code;
    throw new Error(`cannot create the folder ${dir} (${why}); choose another with --dir`, { cause });
  });
  const demo = await startDemo({ host, port: options.port, dir, origins: options.allowOrigin ?? [] });
  console.log(`${demo.url}  (files go into ${dir})`);

  let stopping = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(130); // A second Ctrl-C: somebody does not want to wait.
      stopping = true;
      void demo.close().finally(() => process.exit(signal === 'SIGINT' ? 130 : 0));
    });
  }
} catch (error) {
  const hint =
    error instanceof ConnectionError && error.code === 'ADDRESS_IN_USE' ? '; choose another with --port' : '';
  console.error(`demo: ${error instanceof Error ? error.message : String(error)}${hint}`);
  process.exitCode = 1;
}
