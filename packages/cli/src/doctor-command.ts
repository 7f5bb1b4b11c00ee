import { type Command, InvalidArgumentError, Option } from 'commander';
import type { DoctorOptions } from './commands/doctor.ts';
import type { ExitCode } from './exit-codes.ts';
import { given, json, tokenFile } from './option-parsers.ts';
import { parseDuration } from './quantities.ts';

/** `doctor`; `ended` gets its exit code. */
export function addDoctorCommand(program: Command, cwd: string, ended: (code: ExitCode) => void): void {
  program
    .command('doctor')
    .description('Look at a server through whatever stands between, and say what is wrong and what mends it.')
    .argument('[url]', 'ws://…, wss://… or ws+unix:/path; else WSFERRY_URL, else ws://127.0.0.1:6455', given)
    .option('--ca <file>', 'trust the authorities in this PEM file (wss)', given)
    .option('--insecure', 'look on when the certificate is not trusted (wss)')
    .option('--idle <time>', 'how long to wait whether a silent connection is cut; 0 for not at all', parseIdle, 75_000)
    .addOption(tokenFile('the file of the token that the receiver wants; else WSFERRY_TOKEN'))
    .addOption(json())
    .addOption(new Option('--quiet', 'only what is wrong, and what mends it'))
    .addHelpText(
      'after',
      `
Nothing is stored at the server. What is sent to it are pings, an offer of a file that is taken back, and up to 20 MB of
messages that it reads and drops. Exit code: 0 nothing is wrong, 1 something is, 3 cannot connect.

Examples:
  wsferry doctor wss://files.example.org
  wsferry doctor wss://files.example.org/up/ --ca ca.pem --idle 10m
  wsferry doctor --json | jq -r 'select(.severity == "wrong").mend.lines[]?'`,
    )
    .action(async (url: string | undefined, options: DoctorOptions) => {
      const { doctor } = await import('./commands/doctor.ts');
      ended(await doctor(url, cwd, options));
    });
}

function parseIdle(text: string): number {
  const ms = parseDuration(text);
  if (ms === 0 || (ms >= 1000 && ms <= 86_400_000)) return ms;
  throw new InvalidArgumentError('expected 0, or a time from 1s to 1d.');
}
