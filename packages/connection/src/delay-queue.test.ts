import { FakeClock } from '@wsferry/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Delayed, DelayQueue } from './delay-queue.ts';

/** A clock that counts how many timers are set. */
class CountingClock extends FakeClock {
  readonly timers = new Set<unknown>();
  most = 0;

  override setTimeout(run: () => void, delayMs: number): unknown {
    const timer = super.setTimeout(() => {
      this.timers.delete(timer);
      run();
    }, delayMs);
    this.timers.add(timer);
    this.most = Math.max(this.most, this.timers.size);
    return timer;
  }

  override clearTimeout(timer: unknown): void {
    this.timers.delete(timer);
    super.clearTimeout(timer);
  }
}

const DELAY_MS = 10;

test('each falls due after its own time, in whatever order they enter and leave, with one timer for all', () => {
  const step = fc.oneof(
    fc.record({ enter: fc.nat(4), again: fc.boolean() }),
    fc.record({ leave: fc.nat(4) }),
    fc.record({ advance: fc.integer({ min: 1, max: 25 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const clock = new CountingClock();
      const queue = new DelayQueue(clock, DELAY_MS);
      const expected = new Map<number, number>();
      const log: [who: number, at: number][] = [];
      const all = Array.from({ length: 5 }, (_, who): Delayed & { again: boolean } => ({
        again: false,
        due() {
          log.push([who, clock.now()]);
          if (this.again) queue.enter(this);
        },
      }));
      for (const one of steps) {
        if ('enter' in one) {
          all[one.enter]!.again = one.again;
          queue.enter(all[one.enter]!);
          expected.set(one.enter, clock.now() + DELAY_MS);
        } else if ('leave' in one) {
          queue.leave(all[one.leave]!);
          expected.delete(one.leave);
        } else {
          const end = clock.now() + one.advance;
          clock.advance(one.advance);
          const due: [number, number][] = [];
          for (const [who, first] of expected) {
            let at = first;
            for (; at <= end; at += DELAY_MS) {
              due.push([who, at]);
              if (!all[who]!.again) break;
            }
            if (at <= end) expected.delete(who);
            else expected.set(who, at);
          }
          const byTime = (a: [number, number], b: [number, number]) => a[1] - b[1] || a[0] - b[0];
          expect(log.splice(0).sort(byTime)).toEqual(due.sort(byTime));
        }
        expect(clock.timers.size).toBe(expected.size > 0 ? 1 : 0);
      }
      expect(clock.most).toBeLessThanOrEqual(1);
    }),
  );
});

test('one that throws holds up nobody else', () => {
  const clock = new FakeClock();
  const queue = new DelayQueue(clock, DELAY_MS);
  const log: string[] = [];
  queue.enter({
    due: () => {
      throw new Error('oops');
    },
  });
  queue.enter({ due: () => log.push('second') });
  expect(() => clock.advance(DELAY_MS)).toThrow('oops');
  clock.advance(0);
  expect(log).toEqual(['second']);
});
