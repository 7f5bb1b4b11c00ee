import { Command } from 'commander';
import { runSizes } from './sizes.ts';

const program = new Command('bench').description('Side-by-side measurements of wsferry.');

program
  .command('sizes', { isDefault: true })
  .description('carries the sizes the project promises, with the shell in processes of its own, and prints peak memory')
  .option('--large <bytes>', 'size of the large file', (text) => Number(text), 5 * 1024 ** 3)
  .option('--json', 'print one JSON object instead of a table', false)
  .action(runSizes);

await program.parseAsync();
