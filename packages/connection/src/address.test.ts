import { describe, expect, test } from 'vitest';
import { parseAddress, withoutCredentials } from './address.ts';

describe('an address', () => {
  test.each([
    ['ws://example.com', 'example.com', 80, 'ws://example.com/'],
    ['wss://EXAMPLE.com/a?b', 'example.com', 443, 'wss://example.com/a?b'],
    ['ws://[::1]:8080/', '::1', 8080, 'ws://[::1]:8080/'],
    ['ws://user:secret@example.com:81/', 'example.com', 81, 'ws://example.com:81/'],
    ['wss://bücher.example/', 'xn--bcher-kva.example', 443, 'wss://xn--bcher-kva.example/'],
  ])('%s', (text, host, port, href) => {
    expect(parseAddress(text)).toMatchObject({ host, port, href, socketPath: undefined });
  });

  test.each([
    ['ws+unix:/run/app.sock', '/run/app.sock', '/'],
    ['ws+unix:/run/app.sock:', '/run/app.sock', '/'],
    ['ws+unix:/run/app.sock:/a/b?c=d:e', '/run/app.sock', '/a/b?c=d:e'],
    ['ws+unix:/run/app.sock?c', '/run/app.sock', '/?c'],
    ['ws+unix:///run/app.sock:/x', '/run/app.sock', '/x'],
    ['ws+unix:/with%20space/a%3Ab%25.sock:/x%20y', '/with space/a:b%.sock', '/x%20y'],
    ['ws+unix:/with space/ä.sock://x', '/with space/ä.sock', '//x'],
  ])('%s is a Unix socket', (text, socketPath, target) => {
    const address = parseAddress(text);
    expect(address).toMatchObject({ socketPath, secure: false, name: socketPath });
    expect(address.url.host).toBe('localhost');
    expect(address.url.pathname + address.url.search).toBe(target);
    expect(address.href).toBe(new URL(text).href.replace('ws+unix:///', 'ws+unix:/'));
  });

  test('may have its socket beside it', () => {
    const address = parseAddress('wss://example.com/chat', '/run/app.sock');
    expect(address).toMatchObject({ secure: true, host: 'example.com', socketPath: '/run/app.sock' });
    expect(address.href).toBe('wss://example.com/chat');
  });

  test.each<[string, string?]>([
    ['nonsense'],
    ['http://example.com'],
    ['ws://example.com/#a'],
    ['ws://example.com/#'],
    ['ws+unix:relative.sock'],
    ['ws+unix://host/a.sock'],
    ['ws+unix:/a.sock:target'],
    ['ws+unix:/a.sock#b'],
    ['ws+unix:/a.sock:/target#'],
    ['ws+unix:/a%00.sock'],
    ['ws+unix:/a%FF.sock'],
    ['ws+unix:/%zz.sock'],
    ['ws+unix:'],
    ['ws+unix:/a.sock', '/b.sock'],
    ['ws://example.com', ''],
    ['ws://example.com', '/a\0'],
    ['ws://example.com:99999/'],
  ])('%s %s is BAD_URL', (text, socketPath) => {
    expect(() => parseAddress(text, socketPath)).toThrow(expect.objectContaining({ code: 'BAD_URL' }));
  });

  test('with the zone of an IPv6 address is refused, and says why', () => {
    expect(() => parseAddress('ws://[fe80::1%25eth0]/')).toThrow(/BAD_URL|zone of an IPv6 address/);
  });

  test.each([
    'ws://user:secret@exa mple/',
    'ws://user:secret@x:99999/',
    'http://user:secret@x/',
    'ws://user:se@cret@[x/',
  ])('that is wrong is shown without its password: %s', (text) => {
    expect(() => parseAddress(text)).toThrow(expect.objectContaining({ code: 'BAD_URL' }));
    expect(() => parseAddress(text)).not.toThrow(/cret|user/);
  });
});

test.each([
  ['ws://a/b@c', 'ws://a/b@c'],
  ['ws://127.0.0.1:1', 'ws://127.0.0.1:1'],
  ['ws://me:pw@a:1/b', 'ws://a:1/b'],
  ['ws:me:pw@a', 'ws://a/'],
  ['ws://me:p@w@a', 'ws://a/'],
  ['ws://me:p/w@[x', 'ws://[x'],
  ['ws:me:pw@[x', 'ws://[x'],
  ['nonsense', 'nonsense'],
])('%s without credentials is %s', (text, shown) => {
  expect(withoutCredentials(text)).toBe(shown);
});
