import { Command, InvalidArgumentError, Option } from 'commander';
import { runFuzzingClient } from './autobahn-client.ts';
import { runChaos } from './chaos/command.ts';
import type { Mutant } from './chaos/play.ts';
import { soak } from './chaos/soak.ts';
import { startEchoServer } from './echo-server.ts';
import { type FuzzOptions, runFuzz } from './fuzz/run.ts';
import { runTable } from './table/command.ts';

const program = new Command('conformance').description('Drivers for outside WebSocket test suites.');

program
  .command('server')
  .description('an echo server for suites that play the client')
  .option('--host <host>', 'where to listen', '127.0.0.1')
  .option('--port <port>', 'where to listen; 0 picks a free port', port, 9002)
  .action(async ({ host, port }: { host: string; port: number }) => {
    const listener = await startEchoServer({ host, port });
    console.log(listener.url);
    const stop = () => void listener.close().then(() => process.exit(0));
    process.once('SIGINT', stop).once('SIGTERM', stop);
  });

program
  .command('client')
  .description('an echo client for suites that play the server (the Autobahn fuzzing-server convention)')
  .requiredOption('--url <url>', 'the fuzzing server, for example ws://127.0.0.1:9001')
  .option('--agent <name>', 'the name in its report', 'wsferry')
  .action(async ({ url, agent }: { url: string; agent: string }) => {
    const count = await runFuzzingClient({
      url,
      agent,
      onCase(number, of, problem) {
        if (problem) console.log(`case ${number}/${of}: ${problem}`);
        else if (number % 50 === 0) console.log(`case ${number}/${of}`);
      },
    });
    console.log(`${count} cases run as ${agent}; the server has the verdicts`);
  });

program
  .command('table')
  .description('our own conformance table: every rule against our server and our client')
  .option('--only <id>', 'only the rows whose id begins so, for example 5.4')
  .addOption(new Option('--role <role>', 'only one of the two').choices(['server', 'client']))
  .option('--url <url>', 'play the rows for a server against this echo server')
  .action(async (options: { only?: string; role?: 'server' | 'client'; url?: string }) => {
    if (!(await runTable(options, (text) => console.log(text)))) process.exitCode = 1;
  });

program
  .command('fuzz')
  .description('every parser under random and mutated bytes, cut in every way: an event or a documented error')
  .option('--target <name>', 'only this parser')
  .option('--inputs <count>', 'over all targets', count, 100_000)
  .option('--seed <number>', 'where the inputs come from; a new one each time if not given', count)
  .option('--input <hex>', 'play this one input again')
  .action(
    async ({
      seed = Math.floor(Math.random() * 2 ** 31),
      ...options
    }: Omit<FuzzOptions, 'seed'> & { seed?: number }) => {
      if (!(await runFuzz({ seed, ...options }))) process.exitCode = 1;
    },
  );

program
  .command('chaos')
  .description('files over a line that is cut, and between processes that are killed, until everything has arrived')
  .option('--scenarios <count>', 'how many', count, 200)
  .option('--seed <number>', 'of the first one; each next one has the next', count, 1)
  .option('--jobs <count>', 'how many are played side by side', count, 4)
  .addOption(new Option('--mutant <name>', 'with something wrong that must be found out').choices(['never resumes']))
  .action(async (options: { scenarios: number; seed: number; jobs: number; mutant?: Mutant }) => {
    const { scenarios, seed, ...others } = options;
    const seeds = Array.from({ length: scenarios }, (_, index) => seed + index);
    const played = await runChaos({ ...others, seeds, print: (line) => console.log(line) });
    if (played.some(({ problems }) => problems.length > 0)) process.exitCode = 1;
  });

program
  .command('soak')
  .description('many senders over lines that are cut, into one receiver, for a long time: does its memory stay flat?')
  .option('--minutes <count>', 'how long', Number, 60)
  .option('--senders <count>', 'how many', count, 50)
  .option('--seed <number>', 'where sizes and cuts come from', count, 1)
  .action(async ({ minutes, ...options }: { minutes: number; senders: number; seed: number }) => {
    const soaked = await soak({ ...options, seconds: minutes * 60, print: (line) => console.log(line) });
    console.log(JSON.stringify(soaked, null, 1));
    if (!soaked.flat || soaked.failures.length > 0) process.exitCode = 1;
  });

try {
  await program.parseAsync();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

function port(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 65_535) throw new InvalidArgumentError('expected a number from 0 to 65535.');
  return value;
}

function count(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError('expected a whole number.');
  return Number(text);
}
