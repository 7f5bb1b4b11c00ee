import { expect, test } from 'vitest';
import { runChaos } from '../src/chaos/command.ts';
import { INCIDENTS, scenarioOf } from '../src/chaos/scenario.ts';

/** A part of what `pnpm --filter conformance start chaos` plays: enough for every kind of incident to come about. */
const SCENARIOS = 24;
const SEED = 1;

test('every file arrives whole and once, whatever is cut and whoever is killed', { timeout: 300_000 }, async () => {
  const lines: string[] = [];
  const played = await runChaos({ scenarios: SCENARIOS, seed: SEED, jobs: 3, print: (line) => lines.push(line) });
  expect(
    played.flatMap(({ problems }) => problems),
    lines.join('\n'),
  ).toEqual([]);
  const happened = new Set(played.flatMap(({ incidents }) => incidents));
  expect([...happened].sort()).toEqual([...INCIDENTS].sort());
});

test('a seed gives the same scenario again, and another one another', () => {
  expect(scenarioOf(7)).toEqual(scenarioOf(7));
  expect(scenarioOf(7)).not.toEqual(scenarioOf(8));
});
