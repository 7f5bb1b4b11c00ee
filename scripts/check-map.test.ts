import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Group } from '../conformance/src/table/row.ts';
import { checkMap } from './check-map.ts';
import { readDeclarations, readTestTitles } from './read-declarations.ts';

const trees: string[] = [];
afterEach(() => {
  for (const tree of trees.splice(0)) rmSync(tree, { recursive: true });
});

const row = (id: string, openBug?: string) => ({
  ...({ kind: 'conversation', id, clause: '', rule: '', send: [], answers: [], close: 1000 } as const),
  ...(openBug === undefined ? {} : { openBug }),
});
const groups: Group[] = [
  { title: 'played', rows: [row('5.1-mask'), row('5.1-mask-fast'), row('5.2-bug', 'not mended')] },
  { title: 'not yet', rows: [row('9-later')], skipped: 'no time' },
];

const sources: Record<string, string> = {
  'src/decoder.ts': 'export class Decoder {\n  #take() {}\n  next() {}\n}\nexport const LIMIT = 1;\n',
  'src/decoder.test.ts': "test('refuses an unmasked frame', () => {});\ntest.each([1])('takes %d', () => {});\n",
};

const good = '| 5.1 | A client **MUST** mask | client | [`Decoder.#take`](../src/decoder.ts) | `5.1-mask*` |';
const requirements = (...rows: string[]) =>
  ['| § | requirement | role | obeyed by | proved by |', '| --- | --- | --- | --- | --- |', ...rows].join('\n');

function build(map: string): string {
  const root = mkdtempSync(join(tmpdir(), 'wsferry-map-'));
  trees.push(root);
  for (const [path, content] of Object.entries({ ...sources, 'docs/map.md': map })) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

/** As `line reason`. */
function problemsOf(map: string, sections: readonly string[] = ['5.1']): string[] {
  const { problems } = checkMap(build(map), { file: 'docs/map.md', title: 'RFC 1', sections }, groups);
  return problems.map(({ line, reason }) => `${line} ${reason}`);
}

test('a map whose names all exist passes, and says how many requirements are followed', () => {
  const map = requirements(
    good,
    '| 5.1 | A server **MUST NOT** | server | [`LIMIT`](../src/decoder.ts) | [refuses an unmasked frame](../src/decoder.test.ts) |',
    '| 5.2 item 1 | It **SHOULD** | both | — not followed: nobody needs it | — not followed either |',
  );
  const { problems, requirements: found } = checkMap(
    build(`# Title\n\n${map}\n\n| § | what | why not |\n| --- | --- | --- |\n| 4 | Proxies | we are no proxy |\n`),
    { file: 'docs/map.md', title: 'RFC 1', sections: ['4', '5.1', '5.2'] },
    groups,
  );
  expect(problems).toEqual([]);
  expect(found.map(({ followed }) => followed)).toEqual([true, true, false]);
});

describe('fails, with the line and the reason, on', () => {
  const broken: [what: string, row: string, reason: string][] = [
    ['a source that is gone', good.replace('decoder.ts', 'gone.ts'), 'there is no source src/gone.ts'],
    ['a link that is no source', good.replace('decoder.ts', 'README.md'), 'expected a source, got src/README.md'],
    ['a method that is gone', good.replace('#take', 'take'), 'src/decoder.ts declares no Decoder.take'],
    ['a row of the table that is gone', good.replace('5.1-mask*', '5.1-x'), 'the conformance table has no row 5.1-x'],
    ['a pattern that nothing fits', good.replace('5.1-mask*', '6*'), 'the conformance table has no row 6*'],
    [
      'a row that is known to fail',
      good.replace('5.1-mask*', '5.2-bug'),
      'the conformance row 5.2-bug is an open bug: not mended',
    ],
    [
      'a row that is not played',
      good.replace('5.1-mask*', '9-later'),
      'the conformance row 9-later is not played: no time',
    ],
    [
      'a test that is gone',
      good.replace('`5.1-mask*`', '[takes it](../src/decoder.test.ts)'),
      'src/decoder.test.ts has no test "takes it"',
    ],
    [
      'a test file that is gone',
      good.replace('`5.1-mask*`', '[takes %d](../src/gone.test.ts)'),
      'there is no test file src/gone.test.ts',
    ],
    [
      'a source as a proof',
      good.replace('`5.1-mask*`', '[Decoder](../src/decoder.ts)'),
      'expected a test file, got src/decoder.ts',
    ],
    [
      'nothing that obeys',
      good.replace('[`Decoder.#take`](../src/decoder.ts)', 'somewhere'),
      'expected "obeyed by" to name something, or a dash and why not',
    ],
    [
      'a dash without a reason',
      good.replace('`5.1-mask*`', '—'),
      'expected "proved by" to name something, or a dash and why not',
    ],
    ['no keyword', good.replace('**MUST**', 'MUST'), 'expected the keyword in bold, as **MUST**'],
    ['an unknown role', good.replace('| client', '| proxy'), 'expected the role client, server or both, got "proxy"'],
  ];
  test.each(broken)('%s', (_, row, reason) => {
    expect(problemsOf(requirements(row))).toEqual([`3 §5.1: ${reason}`]);
  });

  test('a section that has no row', () => {
    expect(problemsOf(requirements(good), ['5.1', '5.10'])).toEqual(['3 §5.10 has keywords and no row']);
  });

  test('sections out of order, by number and not by letter', () => {
    const at = (section: string) => good.replace('5.1 ', `${section} `);
    expect(problemsOf(requirements(at('5.1'), at('5.5.1'), at('5.9'), at('10')))).toEqual([]);
    expect(problemsOf(requirements(at('10'), at('5.1')))).toEqual(['4 §5.1 stands behind §10']);
  });

  test('a cell too few, no section, other columns, what is not ours without a reason', () => {
    expect(problemsOf(requirements(good, '| 5.1 | It **MUST** | both | — for no reason at all |'))).toEqual([
      '4 expected 5 cells, got 4',
      '4 §5.1: expected "proved by" to name something, or a dash and why not',
    ]);
    expect(problemsOf(requirements(good, good.replace('5.1 ', 'masks ')))).toEqual([
      '4 expected a section such as 5.4, got "masks"',
    ]);
    expect(problemsOf('| § | rule |\n| --- | --- |', [])).toEqual([
      '1 expected the columns § | requirement | role | obeyed by | proved by or § | what | why not',
    ]);
    expect(problemsOf('| § | what | why not |\n| --- | --- | --- |\n| 4 | Proxies | |', [])).toEqual([
      '3 §4: expected why this is not ours, got nothing',
    ]);
  });
});

test('the program exits with 1 and prints file, line and reason', () => {
  const root = build('');
  for (const map of ['rfc6455-map.md', 'rfc7692-map.md']) writeFileSync(join(root, 'docs', map), requirements(good));
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', join(import.meta.dirname, 'check-map.ts'), root],
    { encoding: 'utf8', cwd: import.meta.dirname },
  );
  expect(status).toBe(1);
  expect(stderr).toContain('docs/rfc6455-map.md:3  §5.1: the conformance table has no row 5.1-mask*');
  expect(stderr).toContain('docs/rfc7692-map.md:3  §7.2.1 has keywords and no row');
});

test('declarations are read wherever they stand, members with their class, and not what only is mentioned', () => {
  const source = `
    export async function* walk() { const inner = 1; }
    export class Reader { #at = 0; static of() {} get length() { return this.#at; } }
    export interface Options { readonly tls?: string; close(): void }
    export type Role = 'a';
    // function commented() {}
    used(mentioned);`;
  expect([...readDeclarations('a.ts', source)].sort()).toEqual(
    [
      ...['Options', 'Options.close', 'Options.tls', 'Reader', 'Reader.#at', 'Reader.length', 'Reader.of', 'Role'],
      ...['inner', 'walk'],
    ].sort(),
  );
});

test('titles are those of test, it and describe, with each and skipIf too', () => {
  const source = `
    describe.each([1])('group %d', () => { test.skipIf(x).each(['no title'])('case %s', () => {}); });
    it(\`plain\`, () => {});
    test(\`made of \${parts}\`, () => {});
    expect('not a title');`;
  expect([...readTestTitles('a.test.ts', source)]).toEqual(['group %d', 'case %s', 'plain']);
});
