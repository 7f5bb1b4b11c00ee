import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { checkLayers } from './check-layers.ts';
import { readSource } from './read-source.ts';

const trees: string[] = [];
afterEach(() => {
  for (const tree of trees.splice(0)) rmSync(tree, { recursive: true });
});

/** A small house in which all is well. */
const house: Record<string, string> = {
  'packages/frames/package.json': '{\n  "name": "@wsferry/frames"\n}\n',
  'packages/frames/src/index.ts': "export { decode } from './decode.ts';\n",
  'packages/frames/src/decode.ts': 'export const decode = 1;\n',
  'packages/frames/src/decode.test.ts': "import fs from 'node:fs';\nimport { test } from 'vitest';\n",
  'packages/handshake/package.json': '{\n  "name": "@wsferry/handshake"\n}\n',
  'packages/handshake/src/index.ts': "export * from './key.ts';\n",
  'packages/handshake/src/key.ts': "import { createHash } from 'node:crypto';\n",
  'packages/handshake/src/node/index.ts': "import net from 'node:net';\nimport '../key.ts';\n",
  'packages/connection/package.json':
    '{\n  "name": "@wsferry/connection",\n  "dependencies": {\n    "@wsferry/frames": "workspace:^"\n  }\n}\n',
  'packages/connection/src/index.ts': "import net from 'node:net';\nimport { decode } from '@wsferry/frames';\n",
  'packages/connection/src/protocol.ts': "import { decode } from '@wsferry/frames';\n",
  'apps/demo/package.json':
    '{ "name": "@wsferry/demo", "dependencies": { "@wsferry/connection": "1", "@wsferry/transfer": "1" } }',
  'apps/demo/page/main.tsx': "import { fromWebSocket } from '@wsferry/transfer/browser';\n",
  'apps/demo/server/main.ts': "import { listen } from '@wsferry/connection';\nimport '@wsferry/transfer/node';\n",
  'conformance/package.json':
    '{\n  "name": "@wsferry/conformance",\n  "devDependencies": {\n    "ws": "8.0.0"\n  }\n}\n',
  'conformance/test/ws.test.ts': "import { WebSocket } from 'ws';\n",
};

function build(changes: Record<string, string> = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'wsferry-layers-'));
  trees.push(root);
  for (const [path, content] of Object.entries({ ...house, ...changes })) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

const violationsWith = (changes: Record<string, string>) =>
  checkLayers(build(changes)).violations.map(({ file, line, arrow }) => `${file}:${line} ${arrow}`);

test('a house whose arrows all point down passes', () => {
  expect(checkLayers(build()).violations).toEqual([]);
});

test('the program prints one line when fine, and the place, the arrow and the rule when an arrow is turned around', () => {
  const run = (root: string) =>
    spawnSync(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'check-layers.ts'), root], {
      encoding: 'utf8',
      cwd: import.meta.dirname,
    });
  const fine = run(build());
  expect(fine).toMatchObject({ status: 0, stdout: expect.stringMatching(/^layers: .*\n$/), stderr: '' });

  const turned = run(
    build({ 'packages/frames/src/decode.ts': "// up\nimport { connect } from '@wsferry/connection';\n" }),
  );
  expect(turned.status).toBe(1);
  expect(turned.stdout).toBe('');
  expect(turned.stderr).toBe(
    'packages/frames/src/decode.ts:2  @wsferry/frames → @wsferry/connection  (@wsferry/frames may import none of our packages)\n',
  );
});

describe('an arrow that is not in the drawing is found', () => {
  test.each([
    ['a type', "import type { C } from '@wsferry/connection';"],
    ['a re-export', "export * from '@wsferry/connection';"],
    ['a named re-export', "export { connect } from '@wsferry/connection';"],
    ['a dynamic import', "const x = await import('@wsferry/connection');"],
    ["a type's import()", "type X = import('@wsferry/connection').Connection;"],
    ['a require', "const x = require('@wsferry/connection');"],
  ])('written as %s', (_, source) => {
    expect(violationsWith({ 'packages/frames/src/index.ts': `\n${source}\n` })).toEqual([
      'packages/frames/src/index.ts:2 @wsferry/frames → @wsferry/connection',
    ]);
  });

  test('between the two that do not know each other', () => {
    expect(violationsWith({ 'packages/handshake/src/index.ts': "import '@wsferry/frames';" })).toEqual([
      'packages/handshake/src/index.ts:1 @wsferry/handshake → @wsferry/frames',
    ]);
  });

  test('in a package.json, with its line', () => {
    const manifest =
      '{\n  "name": "@wsferry/frames",\n  "dependencies": {\n    "@wsferry/connection": "workspace:^"\n  }\n}\n';
    expect(violationsWith({ 'packages/frames/package.json': manifest })).toEqual([
      'packages/frames/package.json:4 @wsferry/frames → @wsferry/connection',
    ]);
  });

  test('that goes by a path instead of a name', () => {
    expect(violationsWith({ 'packages/connection/src/index.ts': "import '../../frames/src/index.ts';" })).toEqual([
      'packages/connection/src/index.ts:1 @wsferry/connection → ../../frames/src/index.ts',
    ]);
  });
});

describe('a source that must run without Node', () => {
  test.each([
    ['packages/frames/src/decode.ts', 'node:buffer'],
    ['packages/frames/src/decode.ts', 'buffer'],
    ['packages/handshake/src/index.ts', 'node:crypto'],
    ['packages/handshake/src/index.ts', './node/index.ts'],
    ['packages/connection/src/protocol.ts', 'node:net'],
    ['packages/connection/src/protocol.ts', './index.ts'],
    ['apps/demo/page/main.tsx', '@wsferry/connection'],
    ['apps/demo/page/main.tsx', '@wsferry/transfer/node'],
    ['apps/demo/page/main.tsx', '../server/main.ts'],
  ])('%s may not import %s', (file, specifier) => {
    expect(violationsWith({ [file]: `import '${specifier}';` })).toHaveLength(1);
  });
});

test('a source that must run without Node may not use its globals either', () => {
  const source = "export const wrong = Buffer.from('');\nexport const fine = { process: 1 }.process;\n";
  expect(violationsWith({ 'packages/frames/src/decode.ts': source })).toEqual([
    'packages/frames/src/decode.ts:1 @wsferry/frames → Buffer',
  ]);
});

test('an inner ring of a package does not know an outer one', () => {
  const transfer = {
    'packages/transfer/package.json': '{ "name": "@wsferry/transfer" }',
    'packages/transfer/src/session.ts': "import './send-machine.ts';",
    'packages/transfer/src/send-machine.ts': "import './packets.ts';",
    'packages/transfer/src/packets.ts': 'export {};',
  };
  expect(violationsWith(transfer)).toEqual([]);
  expect(violationsWith({ ...transfer, 'packages/transfer/src/packets.ts': "import './send-machine.ts';" })).toEqual([
    'packages/transfer/src/packets.ts:1 @wsferry/transfer → ./send-machine.ts',
  ]);
});

describe('other WebSocket implementations', () => {
  test('are not imported by a package, not even by its tests', () => {
    expect(violationsWith({ 'packages/connection/src/index.ts': "import 'ws';" })).toHaveLength(1);
    expect(violationsWith({ 'packages/connection/src/a.test.ts': "import 'ws';" })).toHaveLength(1);
    expect(violationsWith({ 'packages/connection/src/a.test.ts': "import { WebSocket } from 'undici';" })).toHaveLength(
      1,
    );
  });

  test('are never a dependency, only a devDependency', () => {
    expect(violationsWith({ 'conformance/package.json': '{\n  "dependencies": {\n    "ws": "8"\n  }\n}' })).toContain(
      'conformance/package.json:3 @wsferry/conformance → ws',
    );
  });
});

test('an import of a package that its package.json does not name is found', () => {
  expect(violationsWith({ 'packages/connection/src/index.ts': "import '@wsferry/handshake';" })).toHaveLength(1);
});

test('a computed import is found, because nobody can tell where it points', () => {
  expect(violationsWith({ 'packages/frames/src/index.ts': 'await import(name);' })).toEqual([
    'packages/frames/src/index.ts:1 @wsferry/frames → (computed)',
  ]);
});

test('what only looks like an import, in a string or a comment, is not one', () => {
  expect(readSource('a.ts', "// import 'ws';\nconst text = \"import 'ws'\";\n").imports).toEqual([]);
});
