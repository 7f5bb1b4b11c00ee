import { parseSync } from 'oxc-parser';

/** One place where a file names another module: import, re-export, `import()`, `require()`, or a type's `import()`. */
export interface ModuleReference {
  /** What stands between the quotes; undefined when it is computed and nobody can tell. */
  readonly specifier: string | undefined;
  /** From 1. */
  readonly line: number;
}

/** Every module reference of a source, in the order of the text. Throws when the source does not parse. */
export function readImports(fileName: string, source: string): ModuleReference[] {
  const { program, errors } = parseSync(fileName, source);
  const error = errors[0];
  if (error) throw new SyntaxError(`${fileName}: ${error.message}`);
  const found: { specifier: string | undefined; at: number }[] = [];
  visit(program, (node) => {
    const target = moduleOf(node);
    if (!target) return;
    const specifier = typeof target.value === 'string' ? target.value : undefined;
    found.push({ specifier, at: typeof node['start'] === 'number' ? node['start'] : 0 });
  });
  found.sort((a, b) => a.at - b.at);
  return found.map(({ specifier, at }) => ({ specifier, line: source.slice(0, at).split('\n').length }));
}

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

function visit(value: unknown, enter: (node: Node) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, enter);
    return;
  }
  const node = asNode(value);
  if (!node) return;
  enter(node);
  for (const child of Object.values(node)) if (typeof child === 'object') visit(child, enter);
}
