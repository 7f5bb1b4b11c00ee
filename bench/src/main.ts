import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { FILE_WORKLOADS, MESSAGE_WORKLOADS } from './workloads.ts';

const program = new Command('bench').description('Side-by-side measurements of wsferry.');
const names = [...MESSAGE_WORKLOADS, ...FILE_WORKLOADS].map(({ name }) => name);

program
  .command('run', { isDefault: true })
  .description('compares with ws, Bun, Deno, scp, rsync and tus, workload by workload')
  .argument('[workload...]', `some of: ${names.join(', ')}; a prefix names several; all when none is named`)
  .option('--quick', 'under a minute: one short round of the messages; shows that it works, not how fast', false)
  .option('--rounds <n>', 'how often every participant has its turn (default 5; quick 1)', positive)
  .option('--json <file>', 'write the results there, too')
  .option('--docs', 'write docs/performance.md and its charts from this run', false)
  .option('--peers <names>', 'only these of ws, bun, deno beside ours', (text) => text.split(','))
  .option('--offline', 'fetch nothing: a peer that is not here is reported as absent', false)
  .option('--source', 'our packages from source instead of as built', false)
  .option('--profile <dir>', 'a CPU profile of our server for every workload')
  .action(async (workloads, options) => {
    const { run } = await import('./run.ts');
    await run(workloads, options);
  });

program
  .command('sizes')
  .description('carries the sizes the project promises, with the shell in processes of its own, and prints peak memory')
  .option('--large <bytes>', 'size of the large file', (text) => Number(text), 5 * 1024 ** 3)
  .option('--json', 'print one JSON object instead of a table', false)
  .action(async (options) => {
    const { runSizes } = await import('./sizes.ts');
    await runSizes(options);
  });

program
  .command('costs')
  .description(
    'what a message and a connection cost our server in allocations, reads and writes, beside what they may cost',
  )
  .action(async () => {
    const { printCosts } = await import('./costs/command.ts');
    await printCosts();
  });

program
  .command('docs <results...>')
  .description('writes docs/performance.md and its charts from the JSON of earlier runs, the first of them in full')
  .action(async (paths: string[]) => {
    const { writeDocsFrom } = await import('./report/docs.ts');
    await writeDocsFrom(paths.map((path) => resolve(process.env['INIT_CWD'] ?? '.', path)));
  });

program
  .command('hot <profile>')
  .description('the functions of a .cpuprofile that took most time themselves')
  .option('--count <n>', 'how many', positive, 25)
  .action(async (path: string, { count }: { count: number }) => {
    const { printHot } = await import('./report/hot.ts');
    await printHot(resolve(process.env['INIT_CWD'] ?? '.', path), count);
  });

// `pnpm bench -- --quick` passes the dashes on.
await program.parseAsync(process.argv.filter((word) => word !== '--'));

function positive(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new InvalidArgumentError('expected a whole number above 0.');
}
