import { afterEach, describe, expect, test } from 'vitest';
import { closeAll, next, opened, serve, serveEcho, serveRaw, story, turn } from '../../test/whatwg-peers.ts';
import { WebSocket, webSocketClass } from './index.ts';

afterEach(closeAll);

const Untyped = WebSocket as unknown as new (...args: unknown[]) => WebSocket;
const error = (...args: unknown[]) => {
  try {
    new Untyped(...args).onerror = () => {};
  } catch (thrown) {
    return thrown instanceof DOMException ? thrown.name : (thrown as Error).constructor.name;
  }
  return 'nothing';
};
/** Nobody is asked there: the port is blocked. */
const SOMEWHERE = 'ws://127.0.0.1:1';

describe('the url argument', () => {
  test.each([
    ['ws://foo bar.com/', 'a host with a space'],
    ['wss://foo bar.com/', 'a host with a space'],
    ['/echo', 'relative, and there is no page'],
    ['www.example.com', 'relative, and there is no page'],
    ['', 'relative, and there is no page'],
    ['ws:', 'no host'],
    ['ftp://example.com/', 'another scheme'],
    ['mailto:example@example.org', 'another scheme'],
    ['about:blank', 'another scheme'],
    ['invalid-scheme://example.com/', 'another scheme'],
    ['ws://example.com/#', 'an empty fragment'],
    ['ws://example.com/#test', 'a fragment'],
    ['http://example.com/?#test', 'a fragment'],
    [undefined, 'not a URL'],
    [null, 'not a URL'],
  ])('%j is a SyntaxError: %s', (url, _) => {
    expect(error(url)).toBe('SyntaxError');
  });

  test.each([
    [SOMEWHERE, `${SOMEWHERE}/`],
    ['WSS://EXAMPLE.invalid:443', 'wss://example.invalid/'],
    ['wss://example.invalid:80/', 'wss://example.invalid:80/'],
    ['http://127.0.0.1:1/a?b', `${SOMEWHERE}/a?b`],
    ['https://example.invalid/', 'wss://example.invalid/'],
    ['http://example.invalid:80/', 'ws://example.invalid/'],
    [`  ${SOMEWHERE}/a b?c d\u0000\ud800 `, `${SOMEWHERE}/a%20b?c%20d%00%EF%BF%BD`],
    [`${SOMEWHERE}/?%`, `${SOMEWHERE}/?%`],
    ['ws://user:pass@127.0.0.1:1/', 'ws://user:pass@127.0.0.1:1/'],
    [new URL(`${SOMEWHERE}/object`), `${SOMEWHERE}/object`],
    [{ toString: (): string => SOMEWHERE }, `${SOMEWHERE}/`],
  ] as [unknown, string][])('%j is serialised as %s', (url, serialised) => {
    const ws = new Untyped(url);
    expect([ws.url, ws.readyState, ws.protocol, ws.extensions, ws.bufferedAmount]).toEqual([serialised, 0, '', '', 0]);
    ws.close();
  });

  test('must be there; a Symbol is no string', () => {
    expect(error()).toBe('TypeError');
    expect(error(Symbol('url'))).toBe('TypeError');
    expect(error(SOMEWHERE, 'echo', 'stray argument')).toBe('nothing');
  });

  test('reaches the server in upper case, with spaces and a NUL in it, through http:', async () => {
    const url = await serve((peer) => peer.send(peer.request?.target ?? ''));
    for (const address of [url.replace('ws:', 'WS:'), url.replace('ws:', 'http:')]) {
      const ws = new WebSocket(`${address}/a b?x\u0000y`);
      expect((await next(ws, 'message')).data).toBe('/a%20b?x%00y');
      ws.close();
    }
  });
});

describe('the protocols argument', () => {
  test.each<[unknown]>([
    [''],
    ['a b'],
    [' a'],
    ['a\u0000'],
    ['a\u007f'],
    ['\u0080'],
    ['ă'],
    [{}],
    [['a', 'a']],
    [['echo', 'eCho']],
    [['a', '']],
    [['a', 'b c']],
    [new String('aa')], // iterated: it is an object
    ...[...'()<>@,;:\\"/[]?={} \t'].map((separator): [unknown] => [`a${separator}b`]),
  ])('%j is a SyntaxError: not tokens, or not each once', (protocols) => {
    expect(error(SOMEWHERE, protocols)).toBe('SyntaxError');
  });

  test('must be convertible: a Symbol or what cannot be iterated is a TypeError', () => {
    for (const protocols of [Symbol('a'), [Symbol('a')], { [Symbol.iterator]: 1 }]) {
      expect(error(SOMEWHERE, protocols)).toBe('TypeError');
    }
  });

  test.each<[unknown, string | undefined]>([
    ['echo', 'echo'],
    [['chat', 'echo'], 'chat, echo'],
    [new Set(['chat', 'echo']), 'chat, echo'],
    [new String('ab'), 'a, b'],
    [null, 'null'],
    [12, '12'],
    [[{ toString: () => 'x' }], 'x'],
    [{ [Symbol.iterator]: null, toString: () => 'y' }, 'y'],
    [undefined, undefined],
    [[], undefined],
  ])('%j is offered as %j', async (protocols, offered) => {
    let request: string | undefined;
    const url = await serveRaw((_, head) => {
      request = head;
    }, null);
    const ws = new Untyped(url, protocols);
    while (request === undefined) await turn();
    expect(/^sec-websocket-protocol: (.*)$/im.exec(request)?.[1]?.trim()).toBe(offered);
    ws.close();
    await next(ws, 'close');
  });

  test('protocol is the server’s choice, once open', async () => {
    const url = await serveEcho({ protocols: ['foobar'] });
    const ws = new WebSocket(url, ['chat', 'foobar']);
    expect(ws.protocol).toBe('');
    await next(ws, 'open');
    expect(ws.protocol).toBe('foobar');
    ws.close();
    await next(ws, 'close');
    expect(ws.protocol).toBe('foobar');
  });

  test.each([
    ['none', []],
    ['one that was not offered', ['Sec-WebSocket-Protocol: other']],
    ['an empty one', ['Sec-WebSocket-Protocol:']],
    ['two', ['Sec-WebSocket-Protocol: chat', 'Sec-WebSocket-Protocol: echo']],
  ])('a server that chooses %s is failed', async (_, answer) => {
    const ws = new WebSocket(await serveRaw(() => {}, answer), ['chat', 'echo']);
    expect(await story(ws)).toEqual(['3 error', '3 close 1006 "" unclean']);
    expect(ws.protocol).toBe('');
  });
});

describe('connecting', () => {
  test('offers permessage-deflate; extensions holds what the server answered, and is empty without', async () => {
    const plain = await opened(await serveEcho());
    expect(plain.extensions).toBe('');
    plain.close();
    let offered: string | undefined;
    const deflating = await serve(
      async (peer) => {
        offered = peer.request?.headers.find(([name]) => name === 'Sec-WebSocket-Extensions')?.[1];
        for await (const data of peer) peer.send(data);
      },
      { deflate: { serverNoContextTakeover: true } },
    );
    const ws = new WebSocket(deflating);
    expect(ws.extensions).toBe('');
    await next(ws, 'open');
    expect(offered).toMatch(/^permessage-deflate; client_max_window_bits/);
    expect(ws.extensions).toMatch(/^permessage-deflate; server_no_context_takeover/);
    const text = 'compressible '.repeat(1000);
    ws.send(text);
    expect(ws.bufferedAmount).toBe(13_000); // what was given to send, not what goes over the wire
    expect((await next(ws, 'message')).data).toBe(text);
    ws.close();
    await next(ws, 'close');
    expect(ws.extensions).not.toBe('');
    const without = await opened(deflating, webSocketClass({ deflate: false }));
    expect([offered, without.extensions]).toEqual([undefined, '']);
    without.close();
  });

  test('sends the user information of the URL as credentials', async () => {
    const url = await serve((peer) => {
      peer.send(String(peer.request?.headers.find(([name]) => name === 'Authorization')?.[1]));
    });
    const ws = new WebSocket(url.replace('ws://', 'ws://foo:b%61r@'));
    expect((await next(ws, 'message')).data).toBe(`Basic ${btoa('foo:bar')}`);
    ws.close();
  });

  test.each([1, 7, 22, 25, 143, 587, 6000, 6667, 10080])('to the blocked port %i fails, as an event', async (port) => {
    for (const scheme of ['ws', 'wss']) {
      const ws = new WebSocket(`${scheme}://127.0.0.1:${port}/`);
      expect(ws.readyState).toBe(0);
      expect(await story(ws)).toEqual(['3 error', '3 close 1006 "" unclean']);
    }
  });

  test('sends no Origin and no Referer: there is no page', async () => {
    const url = await serve((peer) => {
      peer.send(String(peer.request?.headers.filter(([name]) => /^(origin|referer|cookie)$/i.test(name)).length));
    });
    expect((await next(new WebSocket(url), 'message')).data).toBe('0');
  });

  test('where there is a location, it is the base of URLs and the Origin', async () => {
    const url = await serve(
      (peer) => peer.send(String(peer.request?.headers.find(([name]) => name === 'Origin')?.[1])),
      { origins: 'any' },
    );
    const page = url.replace('ws:', 'http:');
    Object.assign(globalThis, { location: { href: `${page}/a/b?c`, origin: page } });
    try {
      const ws = new WebSocket('d?e');
      expect(ws.url).toBe(`${url}/a/d?e`);
      expect((await next(ws, 'message')).data).toBe(page);
      expect(error('#test')).toBe('SyntaxError');
    } finally {
      Reflect.deleteProperty(globalThis, 'location');
    }
  });

  test('onFailure of a bound class hears why, before the error event', async () => {
    const order: unknown[] = [];
    const Class = webSocketClass({ onFailure: (reason, url) => order.push((reason as { code: string }).code, url) });
    const url = await serveEcho({ path: '/here' });
    const ws = new Class(`${url}/elsewhere`);
    ws.onerror = () => order.push('error');
    await next(ws, 'close');
    expect(order).toEqual(['UNEXPECTED_STATUS', `${url}/elsewhere`, 'error']);
  });
});
