/**
 * Holds the maps of the RFCs in docs/ against the sources: what obeys a requirement and what proves it must exist. `tsx
 * scripts/check-map.ts [ROOT]`: a line a map when all holds, else one line a problem and exit code 1.
 *
 * A map has two kinds of table. Requirements: `§ | requirement | role | obeyed by | proved by`. What is not ours: `§ | what |
 * why not`. "Obeyed by" holds links whose text is a name that the linked file declares; "proved by" holds links whose text
 * is the title of a test in the linked file, and ids of the conformance table in backticks, where `*` stands for anything.
 * A cell with neither begins with a dash and says why.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, posix, resolve } from 'node:path';
import { table } from '../conformance/src/table/index.ts';
import type { Group } from '../conformance/src/table/row.ts';
import { readDeclarations, readTestTitles } from './read-declarations.ts';

export interface RfcMap {
  /** From the root. */
  readonly file: string;
  readonly title: string;
  /** Every section whose text has a keyword of RFC 2119 for an endpoint, in its order. */
  readonly sections: readonly string[];
}

export const maps: readonly RfcMap[] = [
  {
    file: 'docs/rfc6455-map.md',
    title: 'RFC 6455',
    // biome-ignore format: one line a chapter
    sections: [
      '3',
      '4.1', '4.2.1', '4.2.2', '4.3', '4.4',
      '5.1', '5.2', '5.3', '5.4', '5.5', '5.5.1', '5.5.2', '5.5.3', '5.6', '5.8',
      '6.1', '6.2',
      '7.1.1', '7.1.2', '7.1.7', '7.2.1', '7.2.2', '7.2.3', '7.3', '7.4.1', '7.4.2',
      '8.1',
      '9', '9.1',
      '10.1', '10.2', '10.3', '10.4', '10.6', '10.7',
      '11.1.1', '11.1.2', '11.3.1', '11.3.2', '11.3.3', '11.3.4', '11.3.5',
    ],
  },
  {
    file: 'docs/rfc7692-map.md',
    title: 'RFC 7692',
    // biome-ignore format: one line a chapter
    sections: [
      '5', '5.1',
      '6', '6.1', '6.2',
      '7', '7.1.1.1', '7.1.1.2', '7.1.2.1', '7.1.2.2', '7.2.1', '7.2.2',
    ],
  },
];

export interface Problem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly reason: string;
}

/** A requirement as a row of a map. */
export interface Requirement {
  readonly section: string;
  /** Both cells name something. */
  readonly followed: boolean;
}

const REQUIREMENT_COLUMNS = ['§', 'requirement', 'role', 'obeyed by', 'proved by'];
const FOREIGN_COLUMNS = ['§', 'what', 'why not'];
/** A lower-case "must" is quoted as it stands; `_no keyword_` is for what the RFC states without one. */
const KEYWORD = /\*\*(?:must not|must|shall not|shall|should not|should|required|recommended)\*\*|_no keyword_/i;
const ROLES = ['client', 'server', 'both'];

/** Checks one map; `groups` is the conformance table. */
export function checkMap(root: string, map: RfcMap, groups: readonly Group[] = table) {
  const problems: Problem[] = [];
  const requirements: Requirement[] = [];
  const seen = new Set<string>();
  const files = new Files(root);
  let columns: readonly string[] | undefined;
  let last = '0';
  const lines = readFileSync(join(root, map.file), 'utf8').split('\n');
  for (const [index, text] of lines.entries()) {
    const problem = (reason: string) => problems.push({ file: map.file, line: index + 1, reason });
    if (!text.startsWith('|')) {
      columns = undefined;
      continue;
    }
    const cells = cellsOf(text);
    if (columns === undefined) {
      columns = cells.map((cell) => cell.toLowerCase());
      if (![REQUIREMENT_COLUMNS, FOREIGN_COLUMNS].some((known) => known.join() === columns?.join())) {
        problem(`expected the columns ${REQUIREMENT_COLUMNS.join(' | ')} or ${FOREIGN_COLUMNS.join(' | ')}`);
      }
      continue;
    }
    if (cells.every((cell) => /^:?-+:?$/.test(cell))) continue;
    if (cells.length !== columns.length) problem(`expected ${columns.length} cells, got ${cells.length}`);
    const section = /^[0-9.]*[0-9]/.exec(cells[0] ?? '')?.[0];
    if (section === undefined) {
      problem(`expected a section such as 5.4, got ${JSON.stringify(cells[0])}`);
      continue;
    }
    seen.add(section);
    if (columns.length === FOREIGN_COLUMNS.length) {
      if ((cells[2] ?? '').length < 10) problem(`§${section}: expected why this is not ours, got nothing`);
      continue;
    }
    if (compare(section, last) < 0) problem(`§${section} stands behind §${last}`);
    last = section;
    const [, requirement = '', role = '', obeyed = '', proved = ''] = cells;
    if (!KEYWORD.test(requirement)) problem(`§${section}: expected the keyword in bold, as **MUST**`);
    if (!ROLES.includes(role)) problem(`§${section}: expected the role client, server or both, got "${role}"`);
    const obeys = checkObeyed(obeyed, map.file, files);
    const proves = checkProved(proved, map.file, files, groups);
    for (const reason of [...obeys.reasons, ...proves.reasons]) problem(`§${section}: ${reason}`);
    requirements.push({ section, followed: obeys.named && proves.named });
  }
  for (const section of map.sections) {
    if (!seen.has(section)) {
      problems.push({ file: map.file, line: lines.length, reason: `§${section} has keywords and no row` });
    }
  }
  return { problems, requirements };
}

interface Verdict {
  readonly reasons: readonly string[];
  /** The cell names something, rather than saying why it names nothing. */
  readonly named: boolean;
}

function checkObeyed(cell: string, map: string, files: Files): Verdict {
  const links = linksOf(cell);
  if (links.length === 0 || DASH.test(cell)) return withoutNames(cell, 'obeyed by');
  const reasons = links.flatMap(({ name, target }) => {
    const file = posix.join(posix.dirname(map), target);
    if (!/\.tsx?$/.test(file)) return [`expected a source, got ${file}`];
    const names = files.declarations(file);
    if (names === undefined) return [`there is no source ${file}`];
    return names.has(name) ? [] : [`${file} declares no ${name}`];
  });
  return { reasons, named: true };
}

function checkProved(cell: string, map: string, files: Files, groups: readonly Group[]): Verdict {
  const links = linksOf(cell);
  const ids = [...cell.replaceAll(LINK, '').matchAll(/`([^`]+)`/g)].map(([, id = '']) => id);
  if (links.length + ids.length === 0 || DASH.test(cell)) return withoutNames(cell, 'proved by');
  const reasons = links.flatMap(({ name, target }) => {
    const file = posix.join(posix.dirname(map), target);
    if (!file.endsWith('.test.ts')) return [`expected a test file, got ${file}`];
    const titles = files.titles(file);
    if (titles === undefined) return [`there is no test file ${file}`];
    return titles.has(name) ? [] : [`${file} has no test "${name}"`];
  });
  return { reasons: [...reasons, ...ids.flatMap((id) => checkId(id, groups))], named: true };
}

function checkId(id: string, groups: readonly Group[]): string[] {
  const pattern = new RegExp(`^${id.replace(/[.+?^$()[\]{}|\\]/g, '\\$&').replaceAll('*', '.*')}$`);
  const found = groups.flatMap((group) =>
    group.rows.filter((row) => pattern.test(row.id)).map((row) => ({ row, group })),
  );
  if (found.length === 0) return [`the conformance table has no row ${id}`];
  return found.flatMap(({ row, group }) => {
    if (group.skipped !== undefined) return [`the conformance row ${row.id} is not played: ${group.skipped}`];
    return row.openBug === undefined ? [] : [`the conformance row ${row.id} is an open bug: ${row.openBug}`];
  });
}

function withoutNames(cell: string, column: string): Verdict {
  const reason = DASH.exec(cell)?.[1] ?? '';
  const reasons = reason.length < 10 ? [`expected "${column}" to name something, or a dash and why not`] : [];
  return { reasons, named: false };
}

const DASH = /^[—–-] *(.*)$/;
const LINK = /\[([^\]]+)\]\(([^)\s]+)\)/g;

function linksOf(cell: string): { name: string; target: string }[] {
  return [...cell.matchAll(LINK)].map(([, name = '', target = '']) => ({ name: name.replaceAll('`', ''), target }));
}

/** The cells of a table's line; `\|` is no border. */
function cellsOf(line: string): string[] {
  const inner = line.trim().replace(/^\||\|$/g, '');
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'));
}

/** By number, part by part: §5.5.1 before §5.6, §9 before §10. */
function compare(one: string, other: string): number {
  const [a, b] = [one, other].map((section) => section.split('.').map(Number)) as [number[], number[]];
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** What the named files hold, each read once; `undefined` for a file that is not there. */
class Files {
  readonly #root: string;
  readonly #declarations = new Map<string, Set<string> | undefined>();
  readonly #titles = new Map<string, Set<string> | undefined>();

  constructor(root: string) {
    this.#root = root;
  }

  declarations(file: string) {
    return this.#read(this.#declarations, file, readDeclarations);
  }

  titles(file: string) {
    return this.#read(this.#titles, file, readTestTitles);
  }

  #read(known: Map<string, Set<string> | undefined>, file: string, read: typeof readDeclarations) {
    if (!known.has(file)) {
      const path = join(this.#root, file);
      known.set(file, existsSync(path) ? read(file, readFileSync(path, 'utf8')) : undefined);
    }
    return known.get(file);
  }
}

if (process.argv[1] && resolve(process.argv[1]) === import.meta.filename) {
  const root = resolve(process.argv[2] ?? '.');
  for (const map of maps) {
    const { problems, requirements } = checkMap(root, map);
    for (const { file, line, reason } of problems) console.error(`${file}:${line}  ${reason}`);
    if (problems.length > 0) process.exitCode = 1;
    const notFollowed = requirements.filter(({ followed }) => !followed).length;
    const others = notFollowed === 0 ? '' : `, ${notFollowed} not followed or not shown, each with its reason`;
    if (problems.length === 0) {
      console.log(
        `map: ${map.title}, ${requirements.length} requirements, ${requirements.length - notFollowed} obeyed and proved${others}`,
      );
    }
  }
}
