import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MEBIBYTE, Siege } from './siege.ts';

const MAX_MESSAGE_BYTES = 16 * MEBIBYTE;

describe('a server under bad conversations', () => {
  const siege = new Siege();
  beforeAll(() => siege.start({ maxMessageBytes: MAX_MESSAGE_BYTES, keepalive: false }));
  afterAll(() => siege.stop());

  test('puts 100,000 fragments of one byte together', async () => {
    const { port } = siege;
    const attack = () => siege.attacker.call('fragments', { port, count: 100_000, bytes: 1 });
    const { result, peakRss, kept } = await siege.under(attack);
    expect(result).toBe(100_001);
    expect(peakRss).toBeLessThan(64 * MEBIBYTE);
    expect(kept).toBeLessThan(4 * MEBIBYTE);
  });

  test('puts a million empty fragments together', async () => {
    const { port } = siege;
    const attack = () => siege.attacker.call('fragments', { port, count: 1_000_000, bytes: 0 });
    const { result, peakRss, kept } = await siege.under(attack);
    expect(result).toBe(0);
    expect(peakRss).toBeLessThan(64 * MEBIBYTE);
    expect(kept).toBeLessThan(4 * MEBIBYTE);
  });

  test('answers the last of 200,000 pings, whatever it gathered of the others', async () => {
    const { port } = siege;
    const attack = () => siege.attacker.call('pings', { port, count: 200_000, read: true });
    const { result, peakRss, kept } = await siege.under(attack);
    // §5.5.3: of pings that are not answered yet, the latest is enough. Who reads gets nearly all.
    expect(result).toBeGreaterThan(1);
    expect(result).toBeLessThanOrEqual(200_001);
    expect(peakRss).toBeLessThan(96 * MEBIBYTE);
    expect(kept).toBeLessThan(4 * MEBIBYTE);
  });

  test('takes 200,000 pings whose pongs nobody reads', async () => {
    const { port } = siege;
    const attack = () => siege.attacker.call('pings', { port, count: 200_000, read: false });
    const { peakRss, kept } = await siege.under(attack);
    // Unread, these pongs would be 24 MiB.
    expect(peakRss).toBeLessThan(96 * MEBIBYTE);
    expect(kept).toBeLessThan(8 * MEBIBYTE);
  });

  test.each(['16777217', '4294967296', '9223372036854775807'])(
    'refuses %s declared bytes with 1009',
    async (length) => {
      const { port } = siege;
      const { result } = await siege.under(() => siege.attacker.call('declareTooMuch', { port, length }));
      expect(result).toBe(1009);
    },
  );

  test('believes a declared length only as bytes come: 500 times 16 MiB are no memory', async () => {
    const { port } = siege;
    const length = String(MAX_MESSAGE_BYTES);
    const { peakRss, kept } = await siege.under(async () => {
      const attack = () => siege.attacker.call('declareMuch', { port, count: 500, length });
      expect(await siege.costOfEach(500, attack)).toBeLessThan(32 * 1024);
    });
    expect(peakRss).toBeLessThan(96 * MEBIBYTE);
    expect(kept).toBeLessThan(8 * MEBIBYTE);
  });

  test.each(['/echo', '/sink'] as const)('takes 200,000 empty messages (%s)', async (path) => {
    const { port } = siege;
    const attack = () => siege.attacker.call('emptyMessages', { port, count: 200_000, path });
    const { peakRss, kept } = await siege.under(attack);
    expect(peakRss).toBeLessThan(96 * MEBIBYTE);
    expect(kept).toBeLessThan(4 * MEBIBYTE);
  });

  test('stops reading empty messages that its program does not take', async () => {
    const { port } = siege;
    const { peakRss, kept } = await siege.under(async () => {
      const attack = () => siege.attacker.call('emptyMessages', { port, count: 10_000_000, path: '/deaf' });
      expect(await siege.costOfEach(1, attack)).toBeLessThan(4 * MEBIBYTE);
      await siege.server.call('wake');
    });
    expect(peakRss).toBeLessThan(96 * MEBIBYTE);
    expect(kept).toBeLessThan(4 * MEBIBYTE);
  });

  test.each(['/send', '/echo'] as const)(
    'keeps no more than the high-water mark for a client that never reads (%s)',
    async (path) => {
      const { port } = siege;
      const { peakRss, kept } = await siege.under(async () => {
        const attack = () => siege.attacker.call('neverRead', { port, count: 40, path });
        expect(await siege.costOfEach(40, attack)).toBeLessThan(2.5 * MEBIBYTE);
      });
      expect(peakRss).toBeLessThan(200 * MEBIBYTE);
      expect(kept).toBeLessThan(8 * MEBIBYTE);
    },
  );
});
