import { expect, test } from 'vitest';
import { runChaos } from '../src/chaos/command.ts';
import { INCIDENTS, scenarioOf } from '../src/chaos/scenario.ts';

/** A part of what `pnpm --filter conformance start chaos` plays: enough for every kind of incident to come about. */
const SCENARIOS = 24;
const SEED = 1;
const MIDDLES = [13, 17, 19, 28, 30, 34];

// Real time plays a part (a line is given up after a second): a machine that stands still may make one scenario fail, hardly two.
const settings = { timeout: 300_000, retry: 1 };

test('every file arrives whole and once, whatever is cut and whoever is killed', settings, async () => {
  const lines: string[] = [];
  const seeds = Array.from({ length: SCENARIOS }, (_, index) => SEED + index);
  const played = await runChaos({ seeds, jobs: 3, print: (line) => lines.push(line) });
  expect(
    played.flatMap(({ problems }) => problems),
    lines.join('\n'),
  ).toEqual([]);
  const planned = played.flatMap(({ scenario }) => scenario.incidents.map(({ kind }) => kind));
  expect([...new Set(planned)].sort()).toEqual([...INCIDENTS].sort());
  // Some find the transfer over already; how many depends on how fast the machine is.
  expect(played.flatMap(({ incidents }) => incidents).length).toBeGreaterThan(planned.length / 3);
});

test('a receiver that never goes on with a file is found out by what is carried again', settings, async () => {
  const lines: string[] = [];
  const print = (line: string) => lines.push(line);
  // Six in which something is cut or killed in the middle of a large file that is sent.
  const played = await runChaos({ seeds: MIDDLES, jobs: 3, print, mutant: 'never resumes' });
  const found = played.filter(({ problems }) => problems.some((problem) => /did not go on|were missing/.test(problem)));
  // A fast machine may have sent all of one before it is cut.
  expect(found.length, lines.join('\n')).toBeGreaterThan(MIDDLES.length / 2);
});

test('a seed gives the same scenario again, and another one another', () => {
  expect(scenarioOf(7)).toEqual(scenarioOf(7));
  expect(scenarioOf(7)).not.toEqual(scenarioOf(8));
});
