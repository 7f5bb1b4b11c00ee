import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { missing, temporaryDirectory } from '@wsferry/testing';
import { expect, test } from 'vitest';
import { startServe, wsferry } from './program.ts';

const page = await readFile(new URL('../../../docs/systemd.md', import.meta.url), 'utf8');
const operating = await readFile(new URL('../../../docs/operating.md', import.meta.url), 'utf8');
const unit = /```ini\n([\s\S]*?)```/.exec(page)?.[1] ?? '';

/** The words behind `wsferry`, of a command that may go over several lines. */
function argumentsOf(text: string, pattern: RegExp): string[] {
  const [, command = ''] = pattern.exec(text.replace(/\\\n\s*/g, '')) ?? [];
  expect(command).toMatch(/^serve /);
  return command.trim().split(/\s+/);
}

const commands = {
  'the unit of docs/systemd.md': () => argumentsOf(unit, /^ExecStart=\/usr\/local\/bin\/wsferry (.*)$/m),
  'the line of docs/operating.md': () => argumentsOf(operating, /^wsferry (.*)$/m),
};

test.each(Object.entries(commands))(
  '%s has only options that serve knows, and serve starts with them',
  async (_, read) => {
    const args = read();
    const { stdout: help } = await wsferry(['serve', '--help'], process.cwd());
    for (const option of args.filter((arg) => arg.startsWith('--'))) expect(help).toContain(`  ${option}`);

    await using here = await temporaryDirectory();
    await writeFile(join(here.path, 'token'), 'correct-horse-battery-staple', { mode: 0o600 });
    const values: Record<string, string> = {
      '--dir': here.path,
      '--token-file': join(here.path, 'token'),
      '--port': '0',
    };
    const own = args.slice(1).map((arg, index, all) => values[all[index - 1] ?? ''] ?? arg);
    const { program } = await startServe(own, here.path);
    await using __ = program;
    program.signal('SIGTERM');
    const { code, stderr } = await program.ended;
    expect(stderr).toBe('');
    // What the unit takes for a clean end.
    expect(unit).toContain(`SuccessExitStatus=${code}`);
  },
);

test.skipIf(missing('systemd-analyze'))('systemd-analyze verify has nothing against the unit', async () => {
  await using here = await temporaryDirectory();
  const path = join(here.path, 'wsferry.service');
  // It wants the program to be there.
  await writeFile(path, unit.replace('/usr/local/bin/wsferry', '/bin/true'));
  const { stdout, stderr } = await promisify(execFile)('systemd-analyze', ['verify', '--man=no', path]);
  expect(`${stdout}${stderr}`).toBe('');
});
