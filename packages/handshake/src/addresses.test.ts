import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressBytes } from './addresses.ts';
import { checkedTrustedProxies, clientAddress, isLoopbackAddress } from './index.ts';

describe('an IP address', () => {
  test.each<[string, string | undefined]>([
    ['127.0.0.1', '7f000001'],
    ['::ffff:127.0.0.1', '7f000001'],
    ['::FFFF:7f00:1', '7f000001'],
    ['::', '0'.repeat(32)],
    ['::1', `${'0'.repeat(31)}1`],
    ['2001:DB8::1', '20010db8000000000000000000000001'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['fe80::1%eth0', 'fe800000000000000000000000000001'],
    ['256.0.0.1', undefined],
    ['1.2.3', undefined],
    ['1:2', undefined],
    [':::', undefined],
    ['', undefined],
    ['localhost', undefined],
    ['unknown', undefined],
    ['::1]@evil/', undefined],
  ])('%s is the bytes %s', (text, hex) => {
    const bytes = addressBytes(text);
    expect(bytes && Buffer.from(bytes).toString('hex')).toBe(hex);
  });

  test('is what Node calls one, whatever the text', () => {
    const written = fc.oneof(fc.ipV4(), fc.ipV6(), fc.string(), fc.stringMatching(/^[0-9a-f:.]{0,30}$/));
    fc.assert(
      fc.property(written, (text) => {
        // 010.0.0.1: other programs read an octal number there, Node refuses it.
        fc.pre(!/(^|[.:])0\d/.test(text) && !text.includes('%'));
        const bytes = addressBytes(text);
        expect(bytes !== undefined).toBe(isIP(text) !== 0);
      }),
    );
  });

  test.each([
    ['127.0.0.1', true],
    ['127.255.0.9', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['0.0.0.0', false],
    ['::', false],
    ['::2', false],
    ['1::1', false],
    ['192.168.1.1', false],
    ['localhost', false],
  ])('%s is loopback: %s', (text, expected) => {
    expect(isLoopbackAddress(text)).toBe(expected);
  });
});

describe("a client's address", () => {
  const behind = (remote: string | undefined, forwarded: string[], trusted: string[]) =>
    clientAddress(
      forwarded.map((value) => ['x-forwarded-for', value] as const),
      remote,
      trusted,
    );

  test('is the socket’s as long as no proxy is trusted, whatever a header says', () => {
    expect(behind('192.0.2.1', ['203.0.113.9'], [])).toBe('192.0.2.1');
    expect(behind('192.0.2.1', ['203.0.113.9'], ['192.0.2.2'])).toBe('192.0.2.1');
    expect(behind(undefined, ['203.0.113.9'], ['127.0.0.1'])).toBe(undefined);
  });

  test.each<[string, string | undefined, string[], string[], string | undefined]>([
    ['the last entry', '127.0.0.1', ['198.51.100.7, 203.0.113.9'], ['127.0.0.1'], '203.0.113.9'],
    ['in the last header', '127.0.0.1', ['198.51.100.7', '203.0.113.9'], ['127.0.0.1'], '203.0.113.9'],
    [
      'one further left per trusted proxy',
      '127.0.0.1',
      ['203.0.113.9, 10.1.2.3'],
      ['127.0.0.1', '10.0.0.0/8'],
      '203.0.113.9',
    ],
    ['the proxy itself without a header', '127.0.0.1', [], ['127.0.0.1'], '127.0.0.1'],
    ['the leftmost when all are trusted', '10.0.0.1', ['10.0.0.3, 10.0.0.2'], ['10.0.0.0/8'], '10.0.0.3'],
    ['the proxy when the entry is no address', '127.0.0.1', ['unknown'], ['127.0.0.1'], '127.0.0.1'],
    ['without its port', '127.0.0.1', ['203.0.113.9:4711'], ['127.0.0.1'], '203.0.113.9'],
    ['out of its brackets', '127.0.0.1', ['[2001:db8::1]:4711'], ['127.0.0.1'], '2001:db8::1'],
    ['through a Unix socket', undefined, ['203.0.113.9'], ['unix'], '203.0.113.9'],
    ['through a socket of both families', '::ffff:10.0.0.1', ['203.0.113.9'], ['10.0.0.1'], '203.0.113.9'],
    ['through a block of IPv6', '2001:db8:1::5', ['203.0.113.9'], ['2001:db8::/32'], '203.0.113.9'],
  ])('behind a trusted proxy is %s', (_, remote, forwarded, trusted, expected) => {
    expect(behind(remote, forwarded, trusted)).toBe(expected);
  });

  test('is never one that the client wrote itself: what stands left of the trusted entries is not looked at', () => {
    const forged = fc.array(fc.oneof(fc.ipV4(), fc.string({ maxLength: 20 })), { maxLength: 5 });
    fc.assert(
      fc.property(forged, (entries) => {
        const header = [...entries, '203.0.113.9'].join(', ');
        expect(behind('127.0.0.1', [header], ['127.0.0.1'])).toBe('203.0.113.9');
      }),
    );
  });

  test.each([
    ['10.0.0.0/9', '10.127.255.255', '10.128.0.0'],
    ['2001:db8::/33', '2001:db8:7fff::', '2001:db8:8000::'],
    ['0.0.0.0/0', '255.1.2.3', '::5'],
  ])('the block %s has %s and not %s in it', (block, inside, outside) => {
    expect(behind(inside, ['203.0.113.9'], [block])).toBe('203.0.113.9');
    expect(behind(outside, ['203.0.113.9'], [block])).toBe(outside);
  });

  test.each([
    [undefined],
    ['127.0.0.1'],
    [['localhost']],
    [['10.0.0.0/33']],
    [['::1/129']],
    [['']],
    [[7]],
    [['10.0.0.0/']],
  ])('trustedProxies: %j is a TypeError that shows how to write it', (value) => {
    expect(() => checkedTrustedProxies(value)).toThrow(TypeError);
    expect(() => checkedTrustedProxies(value)).toThrow("['127.0.0.1', '10.0.0.0/8', 'unix']");
  });

  test('trustedProxies with addresses, blocks and unix are taken', () => {
    const good = ['127.0.0.1', '::1', '10.0.0.0/8', '::ffff:10.0.0.0/104', 'fd00::/8', 'unix'];
    expect(checkedTrustedProxies(good)).toBe(good);
  });
});
