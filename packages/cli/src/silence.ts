import { type Clock, systemClock } from '@wsferry/connection';
import type { CliEvent, Reporter } from './reporters/reporter.ts';

/** After so long without a word one wonders; a line that is only slow says something much more often. */
export const SILENCE_MS = 30_000;

/**
 * Hands every event on to `reporter`, and adds a `waiting` each time the receiver has said nothing for another SILENCE_MS
 * while a file is on its way.
 */
export function reportSilence(reporter: Reporter, clock: Clock = systemClock): Reporter {
  const open = new Set<number>();
  /** Files that are held back by the other side; all are, when they are here. */
  const held = new Set<number>();
  let paused = false;
  let heardAt = 0;
  let toldMs = 0;
  let timer: unknown;

  function heard(): void {
    heardAt = clock.now();
    toldMs = 0;
    timer ??= clock.setTimeout(look, SILENCE_MS);
  }

  /** One timer for all the progress in between: it looks how long ago the last word was. */
  function look(): void {
    timer = undefined;
    if (open.size === 0) return;
    // Nothing is said because nothing moves, and everybody was told why.
    if (paused || [...open].every((id) => held.has(id))) heardAt = clock.now();
    const ms = clock.now() - heardAt;
    if (ms >= toldMs + SILENCE_MS) {
      toldMs = Math.floor(ms / SILENCE_MS) * SILENCE_MS;
      reporter.report({ event: 'waiting', ms: toldMs });
    }
    timer = clock.setTimeout(look, heardAt + toldMs + SILENCE_MS - clock.now());
  }

  return {
    report(event) {
      // Of a stream nobody knows whether it is the receiver that is silent, or whoever writes into it.
      if (event.event === 'offered' && event.size !== undefined) {
        if (open.size === 0) heard();
        open.add(event.id);
      } else if (event.event === 'progress' || event.event === 'comparing') {
        // While we compare it is not the receiver whom we wait for.
        heard();
      } else if (hasEnded(event)) {
        held.delete(event.id);
        if (open.delete(event.id)) heard();
      } else if (event.event === 'paused' || event.event === 'continued') {
        if (event.by === 'local') paused = event.event === 'paused';
        else if (event.event === 'paused') held.add(event.id);
        else held.delete(event.id);
        heard();
      }
      reporter.report(event);
    },
    ...(reporter.clear && { clear: () => reporter.clear?.() }),
    close() {
      clock.clearTimeout(timer);
      reporter.close();
    },
  };
}

type End = CliEvent & { event: 'stored' | 'failed' | 'cancelled' | 'skipped' };

function hasEnded(event: CliEvent): event is End {
  return ['stored', 'failed', 'cancelled', 'skipped'].includes(event.event);
}
