import { createServer, type IncomingHttpHeaders } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { join } from 'node:path';
import { HandshakeError, type HeaderList, type ResponseHead } from '@wsferry/handshake';
import { selfSignedCertificate, temporaryDirectory } from '@wsferry/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { helloFrom, serve, start, startProxy } from '../test/network.ts';
import { connect, redirectTarget } from './index.ts';

let tls: { cert: string; key: string };
beforeAll(async () => {
  tls = await selfSignedCertificate();
});

/** Node's HTTP server, which points every upgrade elsewhere. */
async function pointing(
  to: string | ((path: string) => string),
  { status = 302, tls }: { status?: number; tls?: { cert: string; key: string } } = {},
) {
  const seen: { path: string; headers: IncomingHttpHeaders }[] = [];
  const server = tls ? createHttpsServer(tls) : createServer();
  server.on('upgrade', ({ url = '', headers }, socket) => {
    seen.push({ path: url, headers });
    const location = typeof to === 'string' ? to : to(url);
    socket.end(`HTTP/1.1 ${status} There\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`);
  });
  const port = await start(server);
  return { port, seen, url: `${tls ? 'wss' : 'ws'}://127.0.0.1:${port}` };
}

describe('by default', () => {
  test.each([301, 302, 303, 307, 308])('%i is not followed, and the message says where it points', async (status) => {
    const { url, seen } = await pointing('https://example.org/chat', { status });
    const failure = connect(url);
    await expect(failure).rejects.toMatchObject({ code: 'UNEXPECTED_STATUS', status, response: { status } });
    await expect(failure).rejects.toThrow(/points to "https:\/\/example\.org\/chat".*not followed unless asked/);
    expect(seen).toHaveLength(1);
  });
});

describe('asked for, a redirect', () => {
  test.each([301, 302, 303, 307, 308])('%i is followed to another server', async (status) => {
    const { url } = await serve();
    const { url: first } = await pointing(`${url.replace('ws:', 'http:')}/there?a=b`, { status });
    const client = await connect(first, { maxRedirects: 1 });
    expect(client.url).toBe(`${url}/there?a=b`);
    expect(await helloFrom(client)).toBe('hello');
  });

  test.each([300, 304, 305])('%i is none', async (status) => {
    const { url } = await pointing('/there', { status });
    await expect(connect(url, { maxRedirects: 5 })).rejects.toMatchObject({ code: 'UNEXPECTED_STATUS', status });
  });

  test.each([
    ['ws', 'http:'],
    ['ws', 'ws:'],
    ['wss', 'https:'],
    ['wss', 'wss:'],
  ])('to %s is written %s', async (scheme, protocol) => {
    const { url } = await serve(scheme === 'wss' ? { tls } : {});
    const { url: first } = await pointing(url.replace(/^wss?:/, protocol));
    expect(await helloFrom(await connect(first, { maxRedirects: 1, tls: { ca: tls.cert } }))).toBe('hello');
  });

  test('may be relative, in each way', async () => {
    const { seen, url } = await pointing((path) => (path === '/a/b?c' ? 'd?e' : path === '/a/d?e' ? '/f#g' : '?h'));
    await expect(connect(`${url}/a/b?c`, { maxRedirects: 3 })).rejects.toMatchObject({ code: 'TOO_MANY_REDIRECTS' });
    expect(seen.map(({ path }) => path)).toEqual(['/a/b?c', '/a/d?e', '/f', '/f?h']);
  });

  test('is followed as often as allowed: a circle ends', async () => {
    const { url, seen } = await pointing('/');
    await expect(connect(url, { maxRedirects: 4 })).rejects.toMatchObject({
      code: 'TOO_MANY_REDIRECTS',
      cause: { code: 'UNEXPECTED_STATUS', status: 302 },
    });
    expect(seen).toHaveLength(5);
  });

  test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 101, '1'])(
    '%s times is BAD_ARGUMENT',
    async (maxRedirects) => {
      const { url, seen } = await pointing('/');
      await expect(connect(url, { maxRedirects: maxRedirects as number })).rejects.toMatchObject({
        code: 'BAD_ARGUMENT',
      });
      expect(seen).toEqual([]);
    },
  );

  test('from wss to ws is refused', async () => {
    const { url } = await serve();
    const first = await pointing(url.replace('ws:', 'http:'), { tls });
    await expect(connect(first.url, { maxRedirects: 5, tls: { ca: tls.cert } })).rejects.toMatchObject({
      code: 'REDIRECT_REFUSED',
      cause: { code: 'UNEXPECTED_STATUS' },
    });
  });

  test.each(['ftp://x/', 'file:///etc/passwd', 'javascript:1', 'http://', 'ws+unix:/a.sock', 'http://x:99999/'])(
    'to %s is refused',
    async (location) => {
      const { url } = await pointing(location);
      await expect(connect(url, { maxRedirects: 5 })).rejects.toMatchObject({ code: 'REDIRECT_REFUSED' });
    },
  );

  test('keeps headers and credentials at the same origin, and takes none from Location', async () => {
    const { url, seen } = await pointing((path) => (path === '/' ? '/two' : `${url.replace('ws:', 'http:')}/three`));
    const headers: HeaderList = [['Cookie', 'a=b']];
    const withUser = url.replace('//', '//me:secret@');
    const failure = connect(withUser, { maxRedirects: 2, headers });
    await expect(failure).rejects.toMatchObject({ code: 'TOO_MANY_REDIRECTS' });
    await expect(failure).rejects.not.toThrow('secret');
    const authorization = `Basic ${Buffer.from('me:secret').toString('base64')}`;
    expect(seen).toHaveLength(3);
    for (const { headers } of seen) expect(headers).toMatchObject({ cookie: 'a=b', authorization });

    const other = await pointing((path) => (path === '/' ? `http://evil:pw@127.0.0.1:${other.port}/two` : '/'));
    await expect(connect(other.url, { maxRedirects: 1 })).rejects.toMatchObject({ code: 'TOO_MANY_REDIRECTS' });
    expect(other.seen[1]?.headers.authorization).toBeUndefined();
  });

  test('gives another origin neither Authorization nor Cookie, also not on the way back', async () => {
    const home = await pointing((path) => (path === '/' ? away.url.replace('ws:', 'http:') : '/end'));
    const away = await pointing(() => `${home.url.replace('ws:', 'http:')}/back`);
    const headers: HeaderList = [
      ['authorization', 'Bearer secret'],
      ['Cookie', 'secret'],
      ['X-Kept', 'yes'],
    ];
    await expect(connect(home.url, { maxRedirects: 2, headers })).rejects.toMatchObject({ code: 'TOO_MANY_REDIRECTS' });
    await expect(connect(home.url.replace('//', '//me:secret@'), { maxRedirects: 2 })).rejects.toThrow();
    expect(home.seen[0]?.headers).toMatchObject({ authorization: 'Bearer secret', cookie: 'secret' });
    for (const { headers } of [away.seen[0]!, home.seen[1]!]) {
      expect(headers).toMatchObject({ 'x-kept': 'yes' });
      expect(JSON.stringify(headers)).not.toContain('secret');
    }
    for (const { headers } of [away.seen[1]!, home.seen[3]!]) expect(headers.authorization).toBeUndefined();
  });

  test('asks the proxy for each address', async () => {
    const { url, port } = await serve();
    const first = await pointing(url.replace('ws:', 'http:'));
    const proxy = await startProxy();
    expect(await helloFrom(await connect(first.url, { maxRedirects: 1, proxy: proxy.url }))).toBe('hello');
    expect(proxy.requests.map(({ target }) => target)).toEqual([`127.0.0.1:${first.port}`, `127.0.0.1:${port}`]);
  });

  test('of a Unix socket stays there', async () => {
    await using folder = await temporaryDirectory();
    const path = join(folder.path, 'a.sock');
    const seen: string[] = [];
    const server = createServer().on('upgrade', ({ url = '' }, socket) => {
      seen.push(url);
      const location = { '/': '/two', '/two': 'http://localhost/three' }[url] ?? 'http://elsewhere.example/';
      socket.end(`HTTP/1.1 307 x\r\nLocation: ${location}\r\n\r\n`);
    });
    await start(server, { path });
    await expect(connect(`ws+unix:${path}`, { maxRedirects: 5 })).rejects.toMatchObject({ code: 'REDIRECT_REFUSED' });
    expect(seen).toEqual(['/', '/two', '/three']);
    const failure = connect(`ws+unix:${path}`, { maxRedirects: 1 });
    await expect(failure).rejects.toThrow(`ws+unix:${path}:/three`);
  });
});

describe('redirectTarget', () => {
  const answer = (status: number, ...locations: string[]): ResponseHead => ({
    version: '1.1',
    status,
    reason: '',
    headers: locations.map((location) => ['location', location]),
  });

  test.each<[ResponseHead, string | undefined]>([
    [answer(301, 'https://b/c'), 'wss://b/c'],
    [answer(302, '../d#e'), 'ws://a/d'],
    [answer(303, '//b'), 'ws://b/'],
    [answer(307, 'http://me:pw@b'), 'ws://b/'],
    [answer(200, 'http://b'), undefined],
    [answer(301), undefined],
    [answer(301, 'http://b', 'http://c'), undefined],
    [answer(301, 'mailto:x'), undefined],
  ])('%j', (response, target) => {
    expect(redirectTarget(response, 'ws://a/b/c')?.href).toBe(target);
  });

  test('is what a program tells its user', async () => {
    const { url } = await pointing('/new');
    const error = await connect(url).catch((error) => error);
    expect(error).toBeInstanceOf(HandshakeError);
    expect(redirectTarget(error.response, url)?.href).toBe(`${url}/new`);
  });
});
