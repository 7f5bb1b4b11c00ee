import { parseSync } from 'oxc-parser';

type Node = Record<string, unknown> & { type: string };

/**
 * What a source declares, each by the name one would say: `parseAddress`, `Connection`, `Connection.close`,
 * `ConnectionProtocol.#pong`, `ListenOptions.origins`. Functions and constants count wherever they stand. Throws when the
 * source does not parse.
 */
export function readDeclarations(fileName: string, source: string): Set<string> {
  const names = new Set<string>();
  visit(parse(fileName, source), (node) => {
    const name = nameOf(node['id']);
    if (name === undefined) return;
    switch (node.type) {
      case 'FunctionDeclaration':
      case 'VariableDeclarator':
      case 'TSTypeAliasDeclaration':
        names.add(name);
        break;
      case 'ClassDeclaration':
      case 'TSInterfaceDeclaration':
        names.add(name);
        for (const member of membersOf(node['body'])) {
          const key = nameOf(member['key']);
          if (key !== undefined) names.add(`${name}.${key}`);
        }
    }
  });
  return names;
}

/** The titles of every `test`, `it` and `describe` in a test file, `.each` and the like too, as they stand there. */
export function readTestTitles(fileName: string, source: string): Set<string> {
  const titles = new Set<string>();
  visit(parse(fileName, source), (node) => {
    if (node.type !== 'CallExpression' || !['test', 'it', 'describe'].includes(rootOf(node) ?? '')) return;
    const title = textOf((node['arguments'] as Node[])[0]);
    if (title !== undefined) titles.add(title);
  });
  return titles;
}

function parse(fileName: string, source: string): unknown {
  const { program, errors } = parseSync(fileName, source);
  if (errors[0]) throw new SyntaxError(`${fileName}: ${errors[0].message}`);
  return program;
}

/** `test` of `test.skipIf(x).each(y)('title')`. */
function rootOf(node: Node | undefined): string | undefined {
  let at = node;
  while (at?.type === 'CallExpression' || at?.type === 'MemberExpression') {
    at = (at.type === 'CallExpression' ? at['callee'] : at['object']) as Node | undefined;
  }
  return nameOf(at);
}

function textOf(node: Node | undefined): string | undefined {
  if (node?.type === 'Literal' && typeof node['value'] === 'string') return node['value'];
  if (node?.type !== 'TemplateLiteral' || (node['expressions'] as Node[]).length > 0) return undefined;
  return (node['quasis'] as { value: { cooked: string } }[])[0]?.value.cooked;
}

function nameOf(value: unknown): string | undefined {
  const node = value as Node | null | undefined;
  if (node?.type === 'Identifier') return String(node['name']);
  return node?.type === 'PrivateIdentifier' ? `#${String(node['name'])}` : undefined;
}

function membersOf(body: unknown): Node[] {
  return ((body as Node | undefined)?.['body'] as Node[] | undefined) ?? [];
}

function visit(value: unknown, enter: (node: Node) => void): void {
  if (Array.isArray(value)) for (const item of value) visit(item, enter);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  if ('type' in value) enter(value as Node);
  for (const child of Object.values(value)) if (typeof child === 'object') visit(child, enter);
}
