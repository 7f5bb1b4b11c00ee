import { expect, test } from 'vitest';
import { runChaos } from '../src/chaos/command.ts';
import { INCIDENTS, scenarioOf } from '../src/chaos/scenario.ts';

/** A part of what `pnpm --filter conformance start chaos` plays: enough for every kind of incident to come about. */
const SCENARIOS = 24;
const SEED = 1;

// Real time plays a part (a line is given up after a second): a machine that stands still may make one scenario fail, hardly two.
const settings = { timeout: 300_000, retry: 1 };

test('every file arrives whole and once, whatever is cut and whoever is killed', settings, async () => {
  const lines: string[] = [];
  const played = await runChaos({ scenarios: SCENARIOS, seed: SEED, jobs: 3, print: (line) => lines.push(line) });
  expect(
    played.flatMap(({ problems }) => problems),
    lines.join('\n'),
  ).toEqual([]);
  const planned = played.flatMap(({ scenario }) => scenario.incidents.map(({ kind }) => kind));
  expect([...new Set(planned)].sort()).toEqual([...INCIDENTS].sort());
  // Some find the transfer over already; how many depends on how fast the machine is.
  expect(played.flatMap(({ incidents }) => incidents).length).toBeGreaterThan(planned.length / 3);
});

test('a seed gives the same scenario again, and another one another', () => {
  expect(scenarioOf(7)).toEqual(scenarioOf(7));
  expect(scenarioOf(7)).not.toEqual(scenarioOf(8));
});
