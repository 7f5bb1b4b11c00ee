import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MEBIBYTE, Siege } from './siege.ts';

const HANDSHAKE_TIMEOUT_MS = 400;

describe('a server under bad handshakes', () => {
  const siege = new Siege();
  beforeAll(() => siege.start({ handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS }));
  afterAll(() => siege.stop());

  test('answers 408 to 500 heads that come a byte at a time', async () => {
    const { port } = siege;
    const { result, peakRss, kept } = await siege.under(() =>
      siege.attacker.call('trickleHeads', { port, count: 500 }),
    );
    expect(result).toEqual({ 408: 500 });
    expect(peakRss).toBeLessThan(64 * MEBIBYTE);
    expect(kept).toBeLessThan(4 * MEBIBYTE);
  });

  test('answers 408 to 500 clients that say nothing', async () => {
    const { port } = siege;
    const { result, server, kept } = await siege.under(() => siege.attacker.call('neverBegin', { port, count: 500 }));
    expect(result).toEqual({ 408: 500 });
    expect(server.refused).toEqual({ TIMEOUT: 500 });
    expect(kept).toBeLessThan(4 * MEBIBYTE);
  });

  test.each([
    ['headers', '431', 'TOO_MANY_HEADERS'],
    ['one line', '431', 'LINE_TOO_LONG'],
    ['empty lines', '400', 'BAD_REQUEST_LINE'],
  ] as const)('answers a flood of %s with %s, and throws away what still comes', async (kind, status, code) => {
    const { port } = siege;
    const attack = () => siege.attacker.call('floodHeads', { port, count: 20, kind });
    const { result, server, peakRss, kept } = await siege.under(attack);
    expect(result).toEqual({ [status]: 20 });
    expect(server.refused).toEqual({ [code]: 20 });
    expect(peakRss).toBeLessThan(64 * MEBIBYTE);
    expect(kept).toBeLessThan(4 * MEBIBYTE);
  });
});

describe('a server with 10,000 half-open connections', () => {
  const siege = new Siege();
  beforeAll(() => siege.start({ handshakeTimeoutMs: 60_000 }));
  afterAll(() => siege.stop());

  test.each([
    ['that say nothing', 10_000, undefined],
    ['and 3,000 in the middle of a head', 3000, `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: ${'x'.repeat(900)}`],
  ])('%s serves the others', async (_which, wanted, begin) => {
    const { port } = siege;
    const count = affordable(wanted);
    const { peakRss, kept } = await siege.under(async () => {
      await siege.attacker.call('hold', { port, count, ...(begin === undefined ? {} : { begin }) });
      // `maxHandshakes` is 1,000 by default: those that have taken longest were cut.
      await siege.attacker.call('untilEnded', { count: count - 1000 });
      await siege.serveOne();
    });
    expect(peakRss).toBeLessThan(256 * MEBIBYTE);
    expect(kept).toBeLessThan(16 * MEBIBYTE);
  });
});

/** One connection takes a file descriptor in the attacker and one in the server. */
function affordable(count: number): number {
  const limit = execFileSync('/bin/sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim();
  const most = limit === 'unlimited' ? count : Number(limit) - 500;
  if (most < count) console.log(`only ${most} connections instead of ${count}: "ulimit -Hn" is ${limit}`);
  return Math.min(count, most);
}
