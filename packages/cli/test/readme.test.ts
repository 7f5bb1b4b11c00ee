import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import { expect, test } from 'vitest';
import { checks } from '../src/doctor/checks.ts';
import { eventsOf, wsferry } from './program.ts';

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');

test('the commands of the README example run, one after the other', async () => {
  const example = /```sh\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
  const commands = example.split('\n').filter((line) => line.startsWith('wsferry '));
  expect(commands).toHaveLength(2);
  await using here = await temporaryDirectory();
  await writeFile(join(here.path, 'hello.txt'), 'hello\n');
  const ended = [];
  for (const command of commands) ended.push(await wsferry(command.split(' ').slice(1), here.path));
  expect(ended.map(({ code, stderr }) => ({ code, stderr }))).toEqual(commands.map(() => ({ code: 0, stderr: '' })));
  expect(ended[0]?.stdout).toContain('md5 b1946ac92492d2347c6235b4d2611184');
  expect(eventsOf(ended[1]!).find(({ event }) => event === 'stored')).toMatchObject({ existing: true });
});

test('the README names every option that --help knows', async () => {
  for (const command of ['send', 'serve', 'get', 'list', 'watch', 'note', 'doctor']) {
    const { stdout } = await wsferry([command, '--help'], process.cwd());
    const options = stdout.match(/^ {2}(?:-\w, )?(--[\w-]+)/gm)?.map((line) => line.trim().replace(/^-\w, /, '')) ?? [];
    for (const option of options.filter((name) => name !== '--help')) expect(readme).toContain(option);
  }
});

test("the README has doctor's checks in their order, and every code that it gives", async () => {
  const table = readme.slice(readme.indexOf('| Check '), readme.indexOf('`wrong` keeps somebody out'));
  const shown = [...table.matchAll(/^\| `([a-z-]+)`/gm)].map(([, id]) => id);
  expect(shown).toEqual(checks.map(({ id }) => id));
  const folder = new URL('../src/doctor/', import.meta.url);
  const codes = new Set<string>();
  for (const name of (await readdir(folder)).filter((name) => !name.endsWith('.test.ts'))) {
    const source = await readFile(new URL(name, folder), 'utf8');
    for (const [, code] of source.matchAll(/(?:code: |wrong\(\s*)'([A-Z][A-Z_]+)'/g)) codes.add(code!);
  }
  expect(codes.size).toBeGreaterThan(30);
  for (const code of codes) expect(table).toContain(`\`${code}\``);
});
