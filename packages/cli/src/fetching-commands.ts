import { type Command, InvalidArgumentError, Option } from 'commander';
import type { GetOptions } from './commands/get.ts';
import type { ListOptions } from './commands/list.ts';
import type { TalkOptions } from './commands/run-command.ts';
import type { WatchOptions } from './commands/watch.ts';
import type { ExitCode } from './exit-codes.ts';
import { given, json, limitRate, onConflict, parseLineTimeout, quiet, tokenFile } from './option-parsers.ts';
import { parseDuration } from './quantities.ts';

/** The commands for which the receiver is the one that has something: get, list, watch and note. */
export function addFetchingCommands(program: Command, cwd: string, ended: (exitCode: ExitCode) => void): void {
  talking(program.command('get'))
    .description('Get files, checked and resumed as `send` does it.')
    .argument('<name...>', 'the files, with their folders: photos/2024/a.jpg')
    .option(
      '--dir <dir>',
      'the folder to save into, created when it is not there; without it the one you stand in',
      given,
    )
    .option('-r, --recursive', 'folders with all that lies in them')
    .addOption(
      new Option('-o, --output <file>', 'save the one file under this name; - for standard output')
        .argParser(given)
        .conflicts(['dir', 'recursive']),
    )
    .addOption(limitRate('bytes per second, of all files together: 500K, 2MB'))
    .addOption(onConflict('what becomes of a file whose name is taken here (default: rename, with -o fail)'))
    .addHelpText(
      'after',
      `
Examples:
  wsferry get report.pdf
  wsferry get photos.tar -o - | tar x
  wsferry get photos/2024 -r --dir ~/Pictures --from wss://files.example.org
  wsferry get config.json --on-conflict overwrite

At a terminal:
  p  pauses all files, and goes on`,
    )
    .action(async (names: string[], options: GetOptions, command: Command) => {
      if (options.output !== undefined && names.length > 1) {
        command.error(`error: --output is for one file, and there are ${names.length} names`);
      }
      const { get } = await import('./commands/get.ts');
      ended(await get(names, cwd, options));
    });

  talking(program.command('list'))
    .description('List what can be got: size, time, name.')
    .argument('[folder]', 'the folder; without it the outermost one')
    .option('-r, --recursive', 'also what lies in its folders')
    .addHelpText(
      'after',
      `
Examples:
  wsferry list
  wsferry list photos -r --json | jq -r .path`,
    )
    .action(async (folder: string | undefined, options: ListOptions) => {
      const { list } = await import('./commands/list.ts');
      ended(await list(folder, cwd, options));
    });

  talking(program.command('watch'))
    .description('Print files and notes as they arrive at the receiver, until Ctrl-C.')
    .option('--recent <count>', 'begin with so many of the last ones', parseCount, 0)
    .addHelpText(
      'after',
      `
Example:
  wsferry watch --json | jq -r 'select(.event == "arrived").name'`,
    )
    .action(async (options: WatchOptions) => {
      const { watch } = await import('./commands/watch.ts');
      ended(await watch(cwd, options));
    });

  talking(program.command('note'))
    .description('Tell a short text to everybody who watches at the receiver.')
    .argument('<text>', 'the text', parseText)
    .action(async (text: string, options: TalkOptions) => {
      const { note } = await import('./commands/note.ts');
      ended(await note(text, cwd, options));
    });
}

/** What every command takes that talks to a receiver which is there. */
function talking(command: Command): Command {
  return command
    .option(
      '--from <url>',
      'the receiver, ws://…, wss://… or ws+unix:/path; else WSFERRY_URL, else ws://127.0.0.1:6455',
    )
    .option('--ca <file>', 'trust the authorities in this PEM file (wss)', given)
    .option('--insecure', 'do not check the certificate (wss): anybody could answer')
    .addOption(tokenFile('the file of the token that the receiver wants; else WSFERRY_TOKEN'))
    .addOption(
      new Option('--retry-for <time>', 'how long to go on trying when the line is lost').argParser(parseDuration),
    )
    .option('--line-timeout <time>', 'give a line up that is silent for so long (default: 10s)', parseLineTimeout)
    .addOption(json())
    .addOption(quiet());
}

function parseCount(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected a whole number.');
}

function parseText(value: string): string {
  if (value.trim() !== '') return value;
  throw new InvalidArgumentError('expected some words.');
}
