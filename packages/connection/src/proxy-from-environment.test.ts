import { describe, expect, test } from 'vitest';
import { proxyFromEnvironment } from './proxy-from-environment.ts';

const P = 'http://proxy:3128';
const Q = 'http://other:3128';

describe('the proxy of the environment', () => {
  test.each<[string, Record<string, string>, string | undefined]>([
    ['wss://a', { HTTPS_PROXY: P }, P],
    ['wss://a', { https_proxy: P }, P],
    ['wss://a', { https_proxy: P, HTTPS_PROXY: Q }, P],
    ['wss://a', { https_proxy: '', HTTPS_PROXY: Q }, Q],
    ['wss://a', { http_proxy: P }, undefined],
    ['ws://a', { http_proxy: P }, P],
    ['ws://a', { HTTP_PROXY: P }, undefined],
    ['ws://a', { HTTPS_PROXY: P }, undefined],
    ['ws://a', { ALL_PROXY: P }, P],
    ['wss://a', { all_proxy: P, ALL_PROXY: Q }, P],
    ['wss://a', { https_proxy: P, ALL_PROXY: Q }, P],
    ['ws://a', {}, undefined],
    ['ws://localhost', { http_proxy: P }, P],
    ['ws://127.0.0.1', { http_proxy: P }, P],
    ['ws+unix:/a.sock', { ALL_PROXY: P }, undefined],
  ])('for %s with %j is %s', (url, env, proxy) => {
    expect(proxyFromEnvironment(url, env)).toBe(proxy);
    expect(proxyFromEnvironment(new URL(url), env)).toBe(proxy);
  });

  test.each<[boolean, string, string]>([
    [true, 'ws://a.example', '*'],
    [true, 'ws://a.example', 'b, *'],
    [true, 'ws://example.com', 'example.com'],
    [true, 'ws://sub.example.com', 'example.com'],
    [true, 'ws://sub.example.com', '.example.com'],
    [true, 'ws://example.com', '.example.com'],
    [true, 'ws://sub.example.com', '*.example.com'],
    [false, 'ws://notexample.com', 'example.com'],
    [false, 'ws://example.com.evil', 'example.com'],
    [true, 'ws://EXAMPLE.com', 'Example.COM'],
    [true, 'ws://example.com.', 'example.com'],
    [true, 'ws://example.com', 'example.com.'],
    [true, 'ws://bücher.example', 'bücher.example'],
    [true, 'ws://b', 'a b\tc'],
    [true, 'ws://b', 'a,,b ,c'],
    [true, 'ws://example.com:8080', 'example.com:8080'],
    [false, 'ws://example.com:8081', 'example.com:8080'],
    [true, 'ws://example.com', 'example.com:80'],
    [true, 'wss://example.com', 'example.com:443'],
    [false, 'wss://example.com', 'example.com:80'],
    [true, 'ws://127.0.0.1', '127.0.0.1'],
    [true, 'ws://127.0.0.1:81', '127.0.0.1:81'],
    [false, 'ws://127.0.0.1:82', '127.0.0.1:81'],
    [false, 'ws://127.0.0.1', '0.0.1'],
    [true, 'ws://127.9.9.9', '127.0.0.0/8'],
    [false, 'ws://128.0.0.1', '127.0.0.0/8'],
    [false, 'ws://10.0.0.1', '10.0.0.0/33'],
    [true, 'ws://[::1]', '::1'],
    [true, 'ws://[::1]', '[::1]'],
    [true, 'ws://[::1]:81', '[::1]:81'],
    [false, 'ws://[::1]:82', '[::1]:81'],
    [true, 'ws://[::1]', '0:0:0:0:0:0:0:1'],
    [true, 'ws://[fd12::1]', 'fd00::/8'],
    [false, 'ws://[fe80::1]', 'fd00::/8'],
    [false, 'ws://[::1]', '127.0.0.0/8'],
    [false, 'ws://ten.example', '10.0.0.0/8'],
    [true, 'ws://localhost', 'localhost,127.0.0.1'],
    [false, 'ws://a', ''],
    [false, 'ws://a', '.'],
    [false, 'ws://a', ':80'],
    [false, 'ws://a', '[a'],
  ])('is bypassed: %s for %s with NO_PROXY=%j', (bypassed, url, list) => {
    const expected = bypassed ? undefined : P;
    expect(proxyFromEnvironment(url, { ALL_PROXY: P, NO_PROXY: list })).toBe(expected);
    expect(proxyFromEnvironment(url, { ALL_PROXY: P, no_proxy: list })).toBe(expected);
  });

  test('lower case goes before upper case in NO_PROXY too', () => {
    expect(proxyFromEnvironment('ws://a', { ALL_PROXY: P, no_proxy: 'b', NO_PROXY: 'a' })).toBe(P);
  });
});
