import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { CACHE_DIR, nodeProgram, ROOT_DIR } from './programs.ts';

export type PeerName = 'wsferry' | 'ws' | 'bun' | 'deno' | 'node:net';

/** Bun's and Deno's releases that are fetched, about 100 MB each: not dependencies, so that an install stays small. */
const FETCHED = { bun: '1.4.5', deno: '2.9.6' } as const;

/** What a server does: send back what comes, the same with text as strings, or send what comes to everybody. */
export type ServerMode = 'echo' | 'strings' | 'push';

export interface Peer {
  readonly name: PeerName;
  /** Name and version, for people. */
  readonly version: string;
  /** Why it is not there. */
  readonly absent?: string;
  /** It does nothing but answer the upgrade: it says what the platform costs, and takes part only where that is asked. */
  readonly floor?: boolean;
  /** The command of its server, which tells its port. */
  server(mode: ServerMode, deflate: boolean): readonly string[];
  /** The command of its sending client. */
  client?(url: string, bytes: number): readonly string[];
}

const run = promisify(execFile);
const require = createRequire(import.meta.url);

/** Everybody, those who could not be had with the reason. `fetch` allows to fetch what is not there yet. */
export async function findPeers({ fetch }: { fetch: boolean }): Promise<readonly Peer[]> {
  const words = (mode: string, deflate: boolean) => [mode, ...(deflate ? ['deflate'] : [])];
  const bun = await fetched('bun', fetch);
  const deno = await fetched('deno', fetch);
  return [
    {
      name: 'wsferry',
      version: await ourVersion(),
      server: (mode, deflate) => nodeProgram('servers/ours', words(mode, deflate)),
      client: (url, bytes) => nodeProgram('clients/ours', [url, String(bytes)]),
    },
    {
      name: 'ws',
      version: wsVersion(),
      server: (mode, deflate) => nodeProgram('servers/ws', words(mode, deflate)),
      client: (url, bytes) => nodeProgram('clients/ws', [url, String(bytes)]),
    },
    {
      name: 'bun',
      ...bun,
      server: (mode, deflate) => [bun.path, 'run', source('bun'), ...words(mode, deflate)],
    },
    {
      name: 'deno',
      ...deno,
      server: (mode, deflate) => [
        deno.path,
        'run',
        '--no-config',
        '--no-lock',
        '--allow-net=127.0.0.1',
        '--v8-flags=--expose-gc',
        source('deno'),
        ...words(mode, deflate),
      ],
    },
    {
      name: 'node:net',
      version: 'node:net bare',
      floor: true,
      server: () => nodeProgram('servers/node-net'),
    },
  ];
}

/** Bun and Deno read TypeScript themselves. */
function source(name: string): string {
  return `${ROOT_DIR}/bench/src/servers/${name}.ts`;
}

async function ourVersion(): Promise<string> {
  const commit = await run('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT_DIR }).then(
    ({ stdout }) => ` at ${stdout.trim()}`,
    () => '',
  );
  return `wsferry${commit}`;
}

/** `ws` is at its fastest with both add-ons; an add-on without a binary for this platform is plain JavaScript. */
function wsVersion(): string {
  const { version } = require('ws/package.json') as { version: string };
  const { mask } = require('bufferutil') as { mask: (...args: unknown[]) => void };
  const native = Function.prototype.toString.call(mask).includes('[native code]');
  return `ws ${version}, bufferutil ${native ? 'native' : 'without its binary'}, utf-8-validate`;
}

/** A runtime as an npm package, in a cache of its own. */
async function fetched(
  name: keyof typeof FETCHED,
  mayFetch: boolean,
): Promise<{ path: string; version: string; absent?: string }> {
  const version = `${name} ${FETCHED[name]}`;
  const packageName = platformPackage(name);
  if (!packageName) return { path: '', version, absent: `no npm package for ${process.platform}-${process.arch}` };
  const folder = `${CACHE_DIR}/${name}`;
  const path = `${folder}/node_modules/${packageName}/${name === 'bun' ? 'bin/bun' : 'deno'}`;
  if (!existsSync(path)) {
    if (!mayFetch) return { path, version, absent: 'not fetched yet, and --offline' };
    const problem = await install(folder, `${packageName}@${FETCHED[name]}`);
    if (problem) return { path, version, absent: problem };
  }
  // The release that is there may be another one than the one that is named here.
  return run(path, ['--version']).then(
    ({ stdout }) => ({ path, version: `${name} ${/\d+\.\d+\.\d+/.exec(stdout)?.[0]}` }),
    (error: Error) => ({ path, version, absent: `does not run: ${error.message.split('\n')[0]}` }),
  );
}

async function install(folder: string, what: string): Promise<string | undefined> {
  console.error(`fetching ${what}, about 100 MB, once`);
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}/package.json`, '{"private":true}');
  const npm = spawn('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error', what], {
    cwd: folder,
    stdio: 'ignore',
  });
  const [code] = await once(npm, 'close').catch(() => [-1]);
  return code === 0 ? undefined : `npm install ${what} failed`;
}

function platformPackage(name: keyof typeof FETCHED): string | undefined {
  const { platform, arch } = process;
  if (!['linux', 'darwin'].includes(platform) || !['x64', 'arm64'].includes(arch)) return undefined;
  if (name === 'bun') return `@oven/bun-${platform}-${arch === 'arm64' ? 'aarch64' : 'x64'}`;
  return `@deno/${platform}-${arch}${platform === 'linux' ? '-glibc' : ''}`;
}

export function packageVersion(name: string): string {
  const path = `${ROOT_DIR}/bench/node_modules/${name}/package.json`;
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version : 'not installed';
}
