import { FakeClock } from '@wsferry/testing';
import { expect, test } from 'vitest';
import type { CliEvent } from './reporters/reporter.ts';
import { reportSilence } from './silence.ts';

function watched() {
  const clock = new FakeClock();
  const said: unknown[] = [];
  const reporter = reportSilence(
    { report: (event) => said.push(event.event === 'waiting' ? event.ms : event.event), close: () => {} },
    clock,
  );
  return { clock, said, report: (event: CliEvent) => reporter.report(event) };
}

const offered = (id: number): CliEvent => ({ event: 'offered', id, name: 'a', size: 9 });
const progress: CliEvent = { event: 'progress', id: 1, name: 'a', stored: 1 };

test('a receiver that says nothing while a file is on its way is named every 30 seconds', () => {
  const { clock, said, report } = watched();
  report(offered(1));
  clock.advance(29_999);
  expect(said).toEqual(['offered']);
  clock.advance(1);
  expect(said).toEqual(['offered', 30_000]);
  clock.advance(60_000);
  expect(said).toEqual(['offered', 30_000, 60_000, 90_000]);
});

test('a word from it starts the time again', () => {
  const { clock, said, report } = watched();
  report(offered(1));
  clock.advance(20_000);
  report(progress);
  clock.advance(29_000);
  expect(said).toEqual(['offered', 'progress']);
  clock.advance(1000);
  report(progress);
  clock.advance(30_000);
  expect(said).toEqual(['offered', 'progress', 30_000, 'progress', 30_000]);
});

test('many files: the offer of the next one is not a word of the receiver', () => {
  const { clock, said, report } = watched();
  report(offered(1));
  clock.advance(29_000);
  report(offered(2));
  clock.advance(1000);
  expect(said).toEqual(['offered', 'offered', 30_000]);
});

test('with nothing on its way there is nothing to wait for', () => {
  const { clock, said, report } = watched();
  report(offered(1));
  report({ event: 'failed', id: 1, name: 'a', code: 'X', message: 'x' });
  clock.advance(100_000);
  expect(said).toEqual(['offered', 'failed']);
  report(offered(2));
  clock.advance(30_000);
  expect(said).toEqual(['offered', 'failed', 'offered', 30_000]);
});

test('of a stream nobody knows who is silent: the receiver is not named', () => {
  const { clock, said, report } = watched();
  report({ event: 'offered', id: 1, name: 'a' });
  clock.advance(100_000);
  expect(said).toEqual(['offered']);
});

test('silence is no news while files are held back, by whichever side', () => {
  const { clock, said, report } = watched();
  report(offered(1));
  report(offered(2));
  report({ event: 'paused', by: 'local' });
  clock.advance(120_000);
  report({ event: 'continued', by: 'local' });
  report({ event: 'paused', by: 'peer', id: 1, name: 'a' });
  report({ event: 'paused', by: 'peer', id: 2, name: 'a' });
  clock.advance(120_000);
  expect(said).not.toContain(30_000);
  // One of them may move again.
  report({ event: 'continued', by: 'peer', id: 2, name: 'a' });
  clock.advance(60_000);
  expect(said).toContain(30_000);
});

test('a file that was skipped is not waited for', () => {
  const { clock, said, report } = watched();
  report(offered(1));
  report({ event: 'skipped', id: 1, name: 'a' });
  clock.advance(120_000);
  expect(said).toEqual(['offered', 'skipped']);
});
