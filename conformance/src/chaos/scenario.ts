import { Random } from '../fuzz/random.ts';

/**
 * What befalls a transfer. `drop` ends both sides' TCP, `reset` too and without a goodbye; after `stall` nothing is carried any
 * more and both sides keep an open connection; after `half-open` only the one that had connected does; `slow`
 * carries on at a crawl for a while. The others are SIGKILL, and the same command again.
 */
export const INCIDENTS = [
  'drop',
  'reset',
  'stall',
  'half-open',
  'slow',
  'kill sender',
  'kill receiver',
  'kill both',
] as const;
export type IncidentKind = (typeof INCIDENTS)[number];

/** The words of the shell by which the files travel: sent by name or as a folder, or got. */
export const COMMANDS = ['send', 'send DIR', 'get', 'get -r DIR'] as const;
export type ShellCommand = (typeof COMMANDS)[number];

export interface Incident {
  readonly kind: IncidentKind;
  /** When so many bytes went `up` (as the files) or `down` since the incident before was over. */
  readonly after: { readonly direction: 'up' | 'down'; readonly bytes: number };
}

/** One transfer and what is in its way. The same seed gives the same one on every machine. */
export interface Scenario {
  readonly seed: number;
  readonly command: ShellCommand;
  /** `name` with the folders before it. */
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
  readonly incidents: readonly Incident[];
}

const KIB = 1024;
const MIB = 1024 * KIB;

export function scenarioOf(seed: number): Scenario {
  const random = new Random(seed);
  const count = 1 + random.below(6);
  const files = Array.from({ length: count }, (_, index) => ({ name: nameOf(random, index), bytes: sizeOf(random) }));
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const incidents = Array.from({ length: 1 + random.below(4) }, (_, __): Incident => {
    return { kind: random.pick(INCIDENTS), after: momentOf(random, total) };
  });
  // Behind all others, so that a seed keeps its files and incidents. One in two sends by name, as most people do.
  const command = random.once(2) ? 'send' : random.pick(COMMANDS);
  const placed = files.map(({ name, bytes }, index) => ({ name: `${placeOf(command, index)}${name}`, bytes }));
  return { seed, command, files: placed, incidents };
}

/** The one folder that is sent or got, and one in it. */
export const FOLDER = 'tree';

function placeOf(command: ShellCommand, index: number): string {
  if (command === 'send' || command === 'get') return '';
  return index % 2 === 0 ? `${FOLDER}/` : `${FOLDER}/below/`;
}

function nameOf(random: Random, index: number): string {
  const stem = random.pick(['photo', 'a b', 'Übung', '渡し船', '.hidden', 'no-extension', 'log (1)']);
  return `${stem}-${index}${random.pick(['', '.bin', '.tar.gz'])}`;
}

function sizeOf(random: Random): number {
  switch (random.below(6)) {
    case 0:
      return random.below(2); // empty, or one byte
    case 1:
      return random.below(64 * KIB);
    case 2:
    case 3:
      return random.below(3 * MIB);
    default:
      return 2 * MIB + random.below(18 * MIB);
  }
}

function momentOf(random: Random, total: number): Incident['after'] {
  // During the handshakes of HTTP and of the files; among the answers; anywhere.
  if (random.once(6)) return { direction: random.pick(['up', 'down']), bytes: random.below(900) };
  if (random.once(8)) return { direction: 'down', bytes: random.below(6000) };
  return { direction: 'up', bytes: random.below(Math.max(1, Math.ceil(total * 0.6))) };
}

/** One line for people. */
export function describe({ seed, command, files, incidents }: Scenario): string {
  const megabytes = files.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6;
  const what = incidents.map(({ kind, after }) => `${kind} at ${after.direction} ${after.bytes}`).join(', ');
  return `seed ${seed}: ${command}, ${files.length} files, ${megabytes.toFixed(1)} MB; ${what}`;
}
