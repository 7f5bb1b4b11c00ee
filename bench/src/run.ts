import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { measureFiles } from './files/measure-files.ts';
import { type Machine, thisMachine } from './machine.ts';
import { measure } from './measure.ts';
import { findPeers } from './peers.ts';
import { prepare } from './programs.ts';
import { writeDocs } from './report/docs.ts';
import { closingLines, printWorkload } from './report/terminal.ts';
import { evaluate, type WorkloadResult } from './results.ts';
import { FILE_WORKLOADS, MESSAGE_WORKLOADS } from './workloads.ts';

export interface RunOptions {
  readonly quick: boolean;
  readonly rounds?: number;
  readonly json?: string;
  readonly docs: boolean;
  readonly peers?: readonly string[];
  readonly offline: boolean;
  readonly source: boolean;
  readonly profile?: string;
}

/** What `--json` holds, and what the page of the docs is made from. */
export interface Results {
  readonly date: string;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly quick: boolean;
  readonly rounds: number;
  readonly workloads: readonly WorkloadResult[];
}

/** Runs the workloads that are named, prints each as it ends, and ends with 1 when a name is unknown. */
export async function run(names: readonly string[], options: RunOptions): Promise<void> {
  const { quick, rounds = quick ? 1 : 5 } = options;
  const chosen = <T extends { name: string }>(list: readonly T[]) =>
    list.filter(({ name }) => names.some((wanted) => name === wanted || name.startsWith(`${wanted}-`)));
  // Quick without names is about messages: the smallest file alone takes as long as all of them.
  const messages = names.length > 0 ? chosen(MESSAGE_WORKLOADS) : MESSAGE_WORKLOADS;
  const files = names.length > 0 ? chosen(FILE_WORKLOADS) : quick ? [] : FILE_WORKLOADS;
  if (messages.length + files.length === 0) {
    console.error(`no such workload: ${names.join(' ')}; "pnpm bench --help" names them`);
    process.exitCode = 1;
    return;
  }

  const startedAt = performance.now();
  // Before we build: its load is what others do.
  const machine = await thisMachine();
  // INIT_CWD: pnpm runs scripts in the package's folder; paths are meant from where the user stands.
  const fromUser = (path: string) => resolve(process.env['INIT_CWD'] ?? '.', path);
  await prepare({
    source: options.source,
    ...(options.profile !== undefined && { profile: fromUser(options.profile) }),
  });
  const found = await findPeers({ fetch: !options.offline });
  const peers = found.filter(({ name }) => name === 'wsferry' || (options.peers?.includes(name) ?? true));
  const versions: Record<string, string> = Object.fromEntries(peers.map((peer) => [peer.name, peer.version]));
  console.log(
    `${machine.cpu}, ${machine.cores} cores, ${machine.system}, Node ${machine.node}; load ${machine.loadAverage}`,
  );
  console.log(`${Object.values(versions).join(' · ')}; ${rounds} ${rounds === 1 ? 'round' : 'rounds'}\n`);

  const pace = quick ? { rounds, ms: 250, warmupMs: 80 } : { rounds, ms: 1500, warmupMs: 400 };
  const workloads: WorkloadResult[] = [];
  for (const workload of messages) {
    const result = evaluate(workload, await measure(workload, peers, pace));
    workloads.push(result);
    printWorkload(result);
  }
  for (const workload of files) {
    const { participants, title, versions: more } = await measureFiles(workload, { rounds, quick });
    Object.assign(versions, more);
    const result = evaluate({ ...workload, title }, participants);
    workloads.push(result);
    printWorkload(result);
  }

  const results: Results = { date: new Date().toISOString(), machine, versions, quick, rounds, workloads };
  for (const line of closingLines(results, (performance.now() - startedAt) / 1000)) console.log(line);
  if (options.json !== undefined) await writeFile(fromUser(options.json), `${JSON.stringify(results, null, 1)}\n`);
  if (options.docs) await writeDocs(results);
}
