#!/usr/bin/env node
// Only the command line itself is loaded here: `--help` has to answer at once.
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { SendOptions } from './commands/send.ts';
import type { ServeOptions } from './commands/serve.ts';
import { addDoctorCommand } from './doctor-command.ts';
import { ExitCode } from './exit-codes.ts';
import { addFetchingCommands } from './fetching-commands.ts';
import { given, json, limitRate, onConflict, parseLineTimeout, quiet, tokenFile } from './option-parsers.ts';
import { parseBytes, parseDuration } from './quantities.ts';
import { VERSION } from './version.ts';

const cwd = currentFolder();
let exitCode: ExitCode = ExitCode.Done;

// `pnpm --filter cli start -- send …` passes the dashes on.
const args = process.argv.slice(2);
if (args[0] === '--') args.shift();
if (args.length === 0) args.push('--help');
// Known before anything is parsed: a mistake in the command line is an event, too.
const flags = args.slice(0, args.includes('--') ? args.indexOf('--') : undefined);
const asJson = flags.some((flag) => /^--(?:json|log(?:=json)?)$/.test(flag));
const NO_FOLDER = 'NO_DIRECTORY';
const usageHint = 'wsferry --help shows how';

const program = new Command('wsferry')
  .description('Send and receive files over WebSocket.')
  .version(VERSION)
  .exitOverride()
  .configureOutput({ writeErr: (text) => asJson || process.stderr.write(text) })
  .showHelpAfterError(`(${usageHint})`)
  .addHelpText(
    'after',
    `
Exit codes:
  0 done, 1 a transfer failed, 2 usage, 3 cannot connect, 4 refused by the receiver, 5 digest mismatch,
  130 Ctrl-C, 143 SIGTERM, 129 SIGHUP (its terminal was closed), 141 SIGPIPE (nobody reads what get -o - writes)

"wsferry COMMAND --help" shows examples.`,
  );

program
  .command('send')
  .description('Send files. Without --to: to ws://127.0.0.1:6455, or into ./received when nobody listens there.')
  .argument(
    '<path...>',
    'the files, folders with all that lies in them, - for standard input',
    (path: string, before?: string[]) => {
      if (path === '') throw new InvalidArgumentError('expected a path, got an empty one.');
      return [...(before ?? []), path];
    },
  )
  .option('--to <url>', 'the receiver, ws://…, wss://… or ws+unix:/path')
  .option('--ca <file>', 'trust the authorities in this PEM file (wss)', given)
  .option('--compress', 'offer permessage-deflate; off by default, because most files are compressed already')
  .addOption(
    new Option('--digest <algorithm>', 'what both ends compare; sha256 where the receiver can do it').choices([
      'md5',
      'sha256',
    ]),
  )
  .option('--insecure', 'do not check the certificate (wss): anybody could be receiving')
  .option(
    '--retry-for <time>',
    'how long to go on trying when the line is lost; 0 for never (default: 10m)',
    parseDuration,
  )
  .option('--line-timeout <time>', 'give a line up that is silent for so long (default: 10s)', parseLineTimeout)
  .option('--as <name>', 'what standard input, or the one file, is called there; may have folders: logs/a.txt', given)
  .addOption(limitRate('bytes per second, of all files together: 500K, 2MB'))
  .option('--ignore <pattern...>', 'leave out of folders, as in a .gitignore: node_modules *.tmp')
  .addOption(onConflict('what you wish when a name is taken there; the receiver has the last word'))
  .addOption(tokenFile('the file of the token that the receiver wants; else WSFERRY_TOKEN'))
  .addOption(json())
  .addOption(quiet())
  .addHelpText(
    'after',
    `
Examples:
  wsferry send report.pdf
  wsferry send *.jpg --to ws://192.168.1.20:6455
  wsferry send backup.tar --to wss://files.example.org --ca ca.pem
  wsferry send server.log --compress --to ws+unix:/run/wsferry.sock
  tar c photos | wsferry send - --as photos.tar
  wsferry send report.pdf --json | jq -r 'select(.event == "stored").md5'

At a terminal:
  p             pauses all files, and goes on

Environment:
  WSFERRY_URL   the receiver, when there is no --to; the place for a password: wss://NAME:PASSWORD@host
  WSFERRY_TOKEN the token that it wants
  https_proxy, http_proxy, all_proxy, NO_PROXY
                an HTTP proxy to a receiver that was named, and which ones to reach without it
  NO_COLOR      no colours`,
  )
  .action(async (paths: string[], options: SendOptions, command: Command) => {
    checkNamed(paths, options.as, command);
    const { send } = await import('./commands/send.ts');
    exitCode = await send(paths, cwd, options);
  });

program
  .command('serve')
  .description('Receive files until Ctrl-C.')
  .option('--dir <dir>', 'the folder to save into; without it ./received, which is created', given)
  .option('--host <host>', 'the address to listen at', given, '127.0.0.1')
  .option('--port <port>', 'the port; 0 picks a free one and prints it', parsePort, 6455)
  .addOption(
    new Option('--socket <path>', 'listen at this Unix socket instead of host and port')
      .argParser(given)
      .conflicts(['host', 'port', 'tlsCert', 'tlsKey']),
  )
  .option('--allow-origin <origin...>', 'pages that may connect, such as https://example.com', (text, before) =>
    parseOrigin(text, before as string[] | undefined),
  )
  .addOption(tokenFile('let in only who has the token in this file; else the one in WSFERRY_TOKEN'))
  .option('--insecure-public', 'listen where other machines can reach it, and want no token')
  .option('--trust-proxy <address...>', 'proxies that say who comes through them: 127.0.0.1, 10.0.0.0/8, unix')
  .addOption(new Option('--read-only', 'take nothing in: no file is stored, no note is told').conflicts('writeOnly'))
  .option('--write-only', 'tell nobody what is here: nothing can be fetched, listed or watched')
  .option('--max-file <size>', 'refuse larger files: 10GB, 500MiB', parseBytes)
  .option('--max-total <size>', 'refuse what would make all files in the folder larger than this together', parseBytes)
  .option('--min-free <size>', 'refuse what would leave less of the disk free', parseBytes)
  .option('--max-transfers <number>', 'so many files at once, over all senders; further ones wait', parseCount)
  .addOption(limitRate('bytes per second, of all files together, both ways: 500K, 2MB'))
  .option('--durable', 'wait for the disk before bytes are acknowledged, not only before a file is')
  .option(
    '--keep-partials <time>',
    'how long the beginning of an interrupted file is kept (default: 7d)',
    parseDuration,
  )
  .option('--clean', 'remove what interrupted transfers have left, and end')
  .addOption(onConflict('what becomes of a file whose name is taken, unless its sender has a wish (default: rename)'))
  .option('--allow-overwrite', 'let senders put theirs in the place of a file that is there')
  .option('--no-compress', 'refuse permessage-deflate, which is accepted when a sender offers it')
  .option('--tls-cert <file>', 'certificate chain in PEM: serve wss', given)
  .option('--tls-key <file>', 'its private key in PEM', given)
  .option('--grace <time>', 'how long files under way may go on after SIGTERM (default: 10s)', parseDuration)
  .option('--healthz', 'answer GET /healthz: 200, and 503 while it stops')
  .option('--metrics', 'answer GET /metrics for Prometheus, from this machine or with the token')
  .addOption(
    new Option('--log <format>', 'as --json, without progress: for a log')
      .choices(['json'])
      .conflicts(['json', 'quiet']),
  )
  .addOption(json())
  .addOption(quiet())
  .addHelpText(
    'after',
    `
Examples:
  wsferry serve
  wsferry serve --dir ~/Downloads --host 0.0.0.0 --token-file token
  wsferry serve --write-only --max-file 2GB --max-total 100GB --min-free 10GB
  wsferry serve --port 0 --json
  wsferry serve --log json --healthz --metrics --grace 1m
  wsferry serve --socket /run/wsferry.sock
  wsferry serve --allow-origin https://files.example.org --trust-proxy 127.0.0.1
  wsferry serve --host :: --tls-cert cert.pem --tls-key key.pem --token-file token

Environment:
  WSFERRY_TOKEN let in only who has this token; openssl rand -base64 24 makes a good one`,
  )
  .action(async (options: ServeOptions) => {
    const { serve } = await import('./commands/serve.ts');
    exitCode = await serve(cwd, options, VERSION);
  });

const ended = (code: ExitCode) => {
  exitCode = code;
};
addFetchingCommands(program, cwd, ended);
addDoctorCommand(program, cwd, ended);

/** Standard input can be read once, and has no name. */
function checkNamed(paths: readonly string[], as: string | undefined, command: Command): void {
  const standard = paths.filter((path) => path === '-').length;
  const wrong =
    standard > 1
      ? '- is standard input, which can be sent once'
      : standard === 1 && as === undefined
        ? '- is standard input, and needs a name: --as NAME (a file of that name is ./-)'
        : standard === 0 && as !== undefined && paths.length > 1
          ? `--as names one file, or standard input (-), and there are ${paths.length} paths`
          : undefined;
  if (wrong !== undefined) command.error(`error: ${wrong}`);
}

/** As a browser sends it (RFC 6454 §6.2): anything else would never match. */
function parseOrigin(text: string, before: readonly string[] = []): string[] {
  if (URL.canParse(text) && new URL(text).origin === text) return [...before, text];
  throw new InvalidArgumentError('expected a scheme and a host, such as https://example.com, and no path.');
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected a whole number from 1 on.');
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('expected a port from 0 to 65535.');
  return port;
}

/** Where paths begin; '' in a folder that somebody has removed. */
function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    return '';
  }
}

// Not for `--help`: that can be read anywhere.
program.hook('preAction', () => {
  if (cwd === '') throw new CommanderError(ExitCode.Failed, NO_FOLDER, 'the folder you are in does not exist any more');
});

// `wsferry … | head` closes our stdout: the transfer goes on without it.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

try {
  await program.parseAsync(args, { from: 'user' });
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  const noFolder = error.code === NO_FOLDER;
  exitCode = error.exitCode === 0 ? ExitCode.Done : noFolder ? ExitCode.Failed : ExitCode.Usage;
  const [code, hint] = noFolder ? [NO_FOLDER, 'cd into one that does'] : ['USAGE', usageHint];
  if (asJson && exitCode !== ExitCode.Done) {
    const { jsonReporter } = await import('./reporters/json.ts');
    const message = error.message.replace(/^error: /, '');
    jsonReporter(process.stdout).report({ event: 'error', code, message, hint, exitCode });
  } else if (noFolder) process.stderr.write(`wsferry: ${error.message} (${hint})\n`);
}
// Not by running dry: an idle timer of a lower layer must not hold the shell up. What was written goes out first.
for (const output of [process.stdout, process.stderr]) {
  await new Promise<void>((resolve) => output.write('', () => resolve()));
}
process.exit(exitCode);
