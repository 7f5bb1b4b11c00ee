/**
 * Holds every source and every package.json against the table in layers.ts. `tsx scripts/check-layers.ts [ROOT]`:
 * one line when all arrows point the right way, else one line a violation and exit code 1.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, posix, resolve } from 'node:path';
import { type Layer, layers, testingPackage, testTools, webSocketLibraries } from './layers.ts';
import { readSource } from './read-source.ts';

export interface Violation {
  /** From the root, with `/`. */
  readonly file: string;
  readonly line: number;
  /** Who points at whom: `@wsferry/frames → @wsferry/connection`. */
  readonly arrow: string;
  readonly rule: string;
}

interface Manifest {
  readonly name?: string;
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
}

/** Checks the tree under `root`. Layers whose folder is not there are left out. */
export function checkLayers(root: string, table = layers): { files: number; violations: Violation[] } {
  const violations: Violation[] = [];
  let files = 0;
  for (const layer of table.filter(({ folder }) => existsSync(join(root, folder, 'package.json')))) {
    const text = readFileSync(join(root, layer.folder, 'package.json'), 'utf8');
    const manifest = JSON.parse(text) as Manifest;
    for (const { name, rule } of judgeManifest(layer, manifest)) {
      const line = text.split('\n').findIndex((content) => content.includes(`"${name}"`)) + 1;
      violations.push({ file: `${layer.folder}/package.json`, line, arrow: `${layer.name} → ${name}`, rule });
    }
    for (const path of sourcesOf(join(root, layer.folder))) {
      files++;
      const file = `${layer.folder}/${path}`;
      const source = readSource(file, readFileSync(join(root, file), 'utf8'));
      for (const { specifier, line } of source.imports) {
        const rule = judgeImport(layer, manifest, path, specifier);
        if (rule) violations.push({ file, line, arrow: `${layer.name} → ${specifier ?? '(computed)'}`, rule });
      }
      if (isTest(path) || !mustRunWithoutNode(layer, path)) continue;
      for (const { name, line } of source.nodeGlobals)
        violations.push({
          file,
          line,
          arrow: `${layer.name} → ${name}`,
          rule: `${file} must run without Node's globals`,
        });
    }
  }
  return { files, violations };
}

/** The rule that a package.json breaks, for each dependency that breaks one. */
function judgeManifest(layer: Layer, manifest: Manifest): { name: string; rule: string }[] {
  const broken: { name: string; rule: string }[] = [];
  const runtime = { ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.optionalDependencies };
  for (const name of Object.keys(runtime)) {
    const rule = webSocketLibraries.includes(name) ? ruleForRivals(layer, false) : ruleForSources(layer, name);
    if (rule) broken.push({ name, rule });
  }
  for (const name of Object.keys(manifest.devDependencies ?? {})) {
    if (webSocketLibraries.includes(name)) {
      const rule = ruleForRivals(layer, true);
      if (rule) broken.push({ name, rule });
    } else if (isOurs(name) && !mayTestsImport(layer, name)) {
      broken.push({ name, rule: `tests of ${layer.name} may import ${list([...testsOf(layer)])}` });
    }
  }
  return broken;
}

/** The rule that one import breaks, or undefined. `path` counts from the layer's folder. */
function judgeImport(layer: Layer, manifest: Manifest, path: string, specifier: string | undefined) {
  const test = isTest(path);
  const withoutNode = !test && mustRunWithoutNode(layer, path);
  if (specifier === undefined) return test ? undefined : 'a source names what it imports with a plain string';
  if (specifier.startsWith('.')) {
    const target = posix.normalize(posix.join(posix.dirname(path), specifier));
    if (target.startsWith('..')) return 'a relative import stays inside its package; other packages go by their name';
    if (withoutNode && !mustRunWithoutNode(layer, target) && !layer.withoutNode?.except?.includes(target))
      return `${layer.folder}/${path} must run without Node, and what it imports too`;
    if (!test && ringOf(layer, target) > ringOf(layer, path))
      return `${layer.folder}/${path} lies in an inner ring: it does not know ${target}`;
    if (!test && isTest(target)) return 'sources do not import tests';
    return undefined;
  }
  if (specifier.startsWith('/') || specifier.startsWith('file:')) return 'no import goes by an absolute path';
  if (specifier.startsWith('node:') || builtinModules.includes(specifier))
    return withoutNode ? `${layer.folder}/${path} must run without Node: no node: import` : undefined;

  const name = packageOf(specifier);
  if (name === manifest.name) return test ? undefined : 'a package reaches its own files by relative imports';
  if (webSocketLibraries.includes(name)) return ruleForRivals(layer, manifest.devDependencies?.[name] !== undefined);
  if (test) {
    if (isOurs(name)) return mayTestsImport(layer, name) ? undefined : `its tests may import ${list(testsOf(layer))}`;
    const known = testTools.includes(name) || (manifest.devDependencies?.[name] ?? manifest.dependencies?.[name]);
    return known ? undefined : `${layer.folder}/package.json does not name ${name}`;
  }
  const rule = ruleForSources(layer, name);
  if (rule) return rule;
  if (withoutNode && isOurs(name) && (specifier.endsWith('/node') || needsNode(name)))
    return `${layer.folder}/${path} must run without Node: ${specifier} needs it`;
  const runtime = manifest.dependencies?.[name] ?? manifest.peerDependencies?.[name];
  // In a workspace that nobody installs, tools for comparing may be imported from devDependencies.
  const known = runtime ?? (layer.comparesWithOthers ? manifest.devDependencies?.[name] : undefined);
  return known === undefined ? `${layer.folder}/package.json does not name ${name} as a dependency` : undefined;
}

function ruleForSources(layer: Layer, name: string): string | undefined {
  if (isOurs(name))
    return layer.mayImport.includes(name) ? undefined : `${layer.name} may import ${list(layer.mayImport)}`;
  return layer.outsidePackages ? undefined : `${layer.name} depends on nobody outside the house`;
}

function ruleForRivals(layer: Layer, isDevDependency: boolean): string | undefined {
  return layer.comparesWithOthers && isDevDependency
    ? undefined
    : 'other WebSocket implementations are only devDependencies of conformance/ and bench/';
}

const isOurs = (name: string) => name.startsWith('@wsferry/');
const testsOf = (layer: Layer) => [...layer.mayImport, ...(layer.testsMayImport ?? []), testingPackage];
const mayTestsImport = (layer: Layer, name: string) => testsOf(layer).includes(name);
const list = (names: readonly string[]) => (names.length === 0 ? 'none of our packages' : names.join(', '));
const isTest = (path: string) => /\.test\.tsx?$/.test(path) || path.startsWith('test/') || path.includes('/test/');
const needsNode = (name: string) => layers.some((layer) => layer.name === name && layer.needsNode);
const isUnder = (path: string, places: readonly string[]) =>
  places.some((place) => (place.endsWith('/') ? path.startsWith(place) : path === place));

function mustRunWithoutNode({ withoutNode }: Layer, path: string): boolean {
  if (!withoutNode) return false;
  return isUnder(path, withoutNode.inside) && !isUnder(path, withoutNode.except ?? []);
}

function ringOf({ rings = [] }: Layer, path: string): number {
  const ring = rings.findIndex((places) => isUnder(path, places));
  return ring < 0 ? rings.length : ring;
}

/** `@scope/name` of `@scope/name/sub/path`, `name` of `name/sub`. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Every TypeScript or JavaScript file of a workspace; what tools made and the tools' own settings stay out. */
function sourcesOf(folder: string, inside = ''): string[] {
  return readdirSync(join(folder, inside), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(inside, entry.name);
    if (entry.isDirectory())
      return ['node_modules', 'dist', 'artifacts', 'coverage'].includes(entry.name) ? [] : sourcesOf(folder, path);
    const isSource = /\.[cm]?[jt]sx?$/.test(entry.name) && !entry.name.startsWith('.');
    return isSource && !(inside === '' && entry.name.includes('.config.')) ? [path] : [];
  });
}

if (process.argv[1] && resolve(process.argv[1]) === import.meta.filename) {
  const { files, violations } = checkLayers(resolve(process.argv[2] ?? '.'));
  for (const { file, line, arrow, rule } of violations) console.error(`${file}:${line}  ${arrow}  (${rule})`);
  if (violations.length === 0) console.log(`layers: ${files} files, every arrow points the right way`);
  process.exitCode = violations.length === 0 ? 0 : 1;
}
