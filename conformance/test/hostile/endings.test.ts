import { selfSignedCertificate } from '@wsferry/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PointOfLife } from './attacker-process.ts';
import { MEBIBYTE, Siege } from './siege.ts';

describe('a server whose clients do not end', () => {
  const siege = new Siege();
  beforeAll(() => siege.start({ closeTimeoutMs: 300 }));
  afterAll(() => siege.stop());

  test('cuts 300 that never answer its Close', async () => {
    const { port } = siege;
    const { server, kept } = await siege.under(() =>
      siege.attacker.call('stallClose', { port, count: 300, path: '/close' }),
    );
    expect(server.closed).toMatchObject({ 1006: 300 });
    expect(kept).toBeLessThan(4 * MEBIBYTE);
  });

  test('cuts 300 that close and never end TCP', async () => {
    const { port } = siege;
    const { server, kept } = await siege.under(() =>
      siege.attacker.call('stallClose', { port, count: 300, path: '/echo' }),
    );
    expect(server.closed[1000]).toBeGreaterThanOrEqual(300);
    expect(kept).toBeLessThan(4 * MEBIBYTE);
  });
});

describe('a server whose clients vanish', () => {
  const siege = new Siege();
  beforeAll(() => siege.start({ handshakeTimeoutMs: 2000, closeTimeoutMs: 500 }));
  afterAll(() => siege.stop());

  test.each<PointOfLife>([
    'before the head',
    'in the head',
    'behind the head',
    'after the 101',
    'in a frame header',
    'in a payload',
    'between fragments',
    'while it is sent to',
    'in its Close',
    'behind its Close',
    'in the Close of the server',
  ])('%s keeps nothing of them', async (at) => {
    const { port } = siege;
    const { peakRss, kept } = await siege.under(() => siege.attacker.call('vanish', { port, at, count: 50 }));
    expect(peakRss).toBeLessThan(200 * MEBIBYTE);
    expect(kept).toBeLessThan(4 * MEBIBYTE);
  });
});

describe('a TLS server whose clients never finish the TLS handshake', () => {
  const siege = new Siege();
  beforeAll(async () => siege.start({ handshakeTimeoutMs: 400 }, await selfSignedCertificate()));
  afterAll(() => siege.stop());

  test.each([
    ['say nothing', undefined],
    ['begin a ClientHello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['speak plain HTTP', 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ])('and %s: it ends them', async (_what, begin) => {
    const { port } = siege;
    const { peakRss, kept } = await siege.under(async () => {
      await siege.attacker.call('hold', { port, count: 300, ...(begin === undefined ? {} : { begin }) });
      await siege.attacker.call('untilEnded', { count: 300 });
    });
    expect(peakRss).toBeLessThan(96 * MEBIBYTE);
    expect(kept).toBeLessThan(4 * MEBIBYTE);
  });
});
