import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MEBIBYTE, Siege } from './siege.ts';

const KIBIBYTE = 1024;

/** The rows of docs/limits.md: what one more peer may cost, in JavaScript's heap and buffers. */
describe('one more peer costs a server', () => {
  const siege = new Siege();
  beforeAll(() => siege.start({ deflate: true, maxHandshakes: 2000, handshakeTimeoutMs: 60_000, keepalive: false }));
  afterAll(() => siege.stop());

  const cost = async (count: number, hold: () => Promise<unknown>): Promise<number> => {
    let bytes = 0;
    await siege.under(async () => {
      bytes = await siege.costOfEach(count, hold);
    });
    if (process.env['WSFERRY_SHOW'] === '1') console.log(`${(bytes / KIBIBYTE).toFixed(1)} KiB each`);
    return bytes;
  };
  const begun = 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: ';
  const deflate = 'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n';

  test.each([
    ['that says nothing: 16 KiB', '', 16],
    ['in the middle of the largest head: 48 KiB', `${begun}${`${'x'.repeat(7000)}\r\nB: `.repeat(2)}`, 48],
  ] as const)('in its handshake, %s', async (_what, begin, most) => {
    const { port } = siege;
    const hold = () => siege.attacker.call('hold', { port, count: 1000, ...(begin === '' ? {} : { begin }) });
    expect(await cost(1000, hold)).toBeLessThan(most * KIBIBYTE);
  });

  test.each([
    ['open and idle: 32 KiB', '', 32],
    ['open, with a compressed message behind it each way: 128 KiB', deflate, 128],
  ] as const)('%s', async (_what, extra, most) => {
    const { port } = siege;
    const hold = () => siege.attacker.call('holdOpen', { port, count: 1000, path: '/echo', extra });
    expect(await cost(1000, hold)).toBeLessThan(most * KIBIBYTE);
  });

  test('that never reads: the high-water mark and one message, 1.25 MiB', async () => {
    const { port } = siege;
    const hold = () => siege.attacker.call('neverRead', { port, count: 40, path: '/send' });
    expect(await cost(40, hold)).toBeLessThan(1.25 * MEBIBYTE);
  });
});

describe('a server with room for 100 handshakes', () => {
  const siege = new Siege();
  beforeAll(() => siege.start({ maxHandshakes: 100, maxConnections: 50, handshakeTimeoutMs: 60_000 }));
  afterAll(() => siege.stop());

  test('cuts those that have taken longest, and serves the next', async () => {
    const { port } = siege;
    await siege.under(async () => {
      await siege.attacker.call('hold', { port, count: 1000 });
      await siege.attacker.call('untilEnded', { count: 900 });
      await siege.serveOne();
      expect(await siege.attacker.call('ended')).toBeLessThan(910);
    });
  });
});
