import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MEBIBYTE, Siege } from './siege.ts';

const MAX_MESSAGE_BYTES = 4 * MEBIBYTE;

describe('a server that takes compressed messages', () => {
  const siege = new Siege();
  beforeAll(() => siege.start({ deflate: true, maxMessageBytes: MAX_MESSAGE_BYTES, keepalive: false }));
  afterAll(() => siege.stop());

  test('refuses 50 decompression bombs with 1009 once they exceed the largest message', async () => {
    const { port } = siege;
    const attack = () => siege.attacker.call('bomb', { port, plain: 256 * MEBIBYTE, count: 50 });
    const { result, peakRss, kept } = await siege.under(attack);
    expect(result.bytesSent).toBeLessThan(MEBIBYTE);
    expect(result.codes).toEqual({ 1009: 50 });
    // Unbounded, these would be 12 GiB.
    expect(peakRss).toBeLessThan(256 * MEBIBYTE);
    expect(kept).toBeLessThan(8 * MEBIBYTE);
  });
});
