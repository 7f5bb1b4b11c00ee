import type { CloseResult } from '@wsferry/connection';
import { FakeClock } from '@wsferry/testing';
import { expect, test } from 'vitest';
import { INTERRUPTED_CLOSE_MS, leave } from './leaving.ts';

/** A peer that never answers a Close frame: only `abort` ends it. */
function silentConnection() {
  const calls: unknown[] = [];
  let end!: (result: CloseResult) => void;
  const closed = new Promise<CloseResult>((resolve) => {
    end = resolve;
  });
  return {
    calls,
    close(code?: number) {
      calls.push(code);
      return closed;
    },
    abort() {
      calls.push('abort');
      end({ code: 1006, reason: '', wasClean: false });
    },
  };
}

test('after Ctrl-C a peer that does not answer the closing handshake is cut soon', async () => {
  const [connection, clock] = [silentConnection(), new FakeClock()];
  const left = leave(connection, AbortSignal.abort(), clock);
  clock.advance(INTERRUPTED_CLOSE_MS - 1);
  expect(connection.calls).toEqual([1001]);
  clock.advance(1);
  await left;
  expect(connection.calls).toEqual([1001, 'abort']);
});

test('without Ctrl-C it has its time, and Ctrl-C while waiting ends that', async () => {
  const [connection, clock, interruption] = [silentConnection(), new FakeClock(), new AbortController()];
  const left = leave(connection, interruption.signal, clock);
  clock.advance(9000);
  expect(connection.calls).toEqual([1000]);
  interruption.abort();
  clock.advance(INTERRUPTED_CLOSE_MS);
  await left;
  expect(connection.calls).toEqual([1000, 'abort']);
});
