import { expect, test } from 'vitest';
import { soak } from '../src/chaos/soak.ts';

/** A short one of what `pnpm --filter conformance start soak --minutes 60 --senders 50` does for an hour. */
const SECONDS = 20;
const SENDERS = 50;

/** In so short a time a process still grows into its work. A receiver that kept what it was sent would grow by far more. */
const GROWTH = 1.5;
const NOISE_BYTES = 32e6;

test('fifty senders whose lines are cut again and again: every file arrives, and the receiver does not grow', async () => {
  const lines: string[] = [];
  const print = (line: string) => lines.push(line);
  const { files, bytes, cuts, failures, peakBytes } = await soak({
    seconds: SECONDS,
    senders: SENDERS,
    seed: 1,
    print,
  });
  const story = [...lines, JSON.stringify({ files, bytes, cuts, peakBytes })].join('\n');
  expect(failures, story).toEqual([]);
  expect(files, story).toBeGreaterThanOrEqual(SENDERS);
  expect(cuts, story).toBeGreaterThan(1);
  // It was measured at all.
  expect(peakBytes.before, story).toBeGreaterThan(10e6);
  expect(peakBytes.after, story).toBeLessThan(peakBytes.before * GROWTH + NOISE_BYTES);
}, 180_000);
