import { parseSync } from 'oxc-parser';

/** One place where a file names another module: import, re-export, `import()`, `require()`, or a type's `import()`. */
export interface ModuleReference {
  /** What stands between the quotes; undefined when it is computed and nobody can tell. */
  readonly specifier: string | undefined;
  /** From 1. */
  readonly line: number;
}

/** A use of something that only Node has, without an import. */
export interface GlobalReference {
  readonly name: string;
  /** From 1. */
  readonly line: number;
}

const nodeOnly = new Set(['Buffer', 'process', 'global', 'setImmediate', 'clearImmediate', '__dirname']);

/** What a source asks of others, in the order of the text. Throws when the source does not parse. */
export function readSource(
  fileName: string,
  source: string,
): { imports: ModuleReference[]; nodeGlobals: GlobalReference[] } {
  const { program, errors } = parseSync(fileName, source);
  const error = errors[0];
  if (error) throw new SyntaxError(`${fileName}: ${error.message}`);
  const lineOf = (node: Node) => source.slice(0, Number(node['start'] ?? 0)).split('\n').length;
  const imports: ModuleReference[] = [];
  const nodeGlobals: GlobalReference[] = [];
  visit(program, (node, key, parent) => {
    const target = moduleOf(node);
    if (target)
      imports.push({ specifier: target.value === undefined ? undefined : String(target.value), line: lineOf(node) });
    const { name } = node;
    if (node.type !== 'Identifier' || typeof name !== 'string' || !nodeOnly.has(name)) return;
    // `x.process` and `{ process: 1 }` only name a property.
    const names = (key === 'property' || key === 'key') && parent?.['computed'] !== true;
    if (!names) nodeGlobals.push({ name, line: lineOf(node) });
  });
  return { imports: imports.sort(byLine), nodeGlobals: nodeGlobals.sort(byLine) };
}

const byLine = (a: { line: number }, b: { line: number }) => a.line - b.line;

type Node = Record<string, unknown> & { type: string; value?: unknown };

/** The node that names the module, when `node` is one of the forms that load one. */
function moduleOf(node: Node): Node | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression':
    case 'TSImportType':
      return asNode(node['source']) ?? asNode(node['argument']);
    case 'TSExternalModuleReference':
      return asNode(node['expression']);
    case 'CallExpression': {
      const callee = asNode(node['callee']);
      const isRequire = callee?.type === 'Identifier' && callee['name'] === 'require';
      return isRequire && Array.isArray(node['arguments']) ? asNode(node['arguments'][0]) : undefined;
    }
    default:
      return undefined;
  }
}

function asNode(value: unknown): Node | undefined {
  return typeof value === 'object' && value !== null && 'type' in value ? (value as Node) : undefined;
}

function visit(value: unknown, enter: (node: Node, key: string, parent: Node | undefined) => void): void {
  const walk = (value: unknown, key: string, parent: Node | undefined): void => {
    if (Array.isArray(value)) {
      for (const item of value) walk(item, key, parent);
      return;
    }
    const node = asNode(value);
    if (!node) return;
    enter(node, key, parent);
    for (const [name, child] of Object.entries(node)) if (typeof child === 'object') walk(child, name, node);
  };
  walk(value, '', undefined);
}
