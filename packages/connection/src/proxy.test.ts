import { once } from 'node:events';
import { connect as dial } from 'node:net';
import { selfSignedCertificate } from '@wsferry/testing';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { helloFrom, scripted, serve, silent, startProxy } from '../test/network.ts';
import { connect } from './index.ts';

let tls: { cert: string; key: string };
beforeAll(async () => {
  tls = await selfSignedCertificate();
});

describe('through a proxy', () => {
  test.each([
    ['ws', 'http'],
    ['wss', 'http'],
    ['ws', 'https'],
    ['wss', 'https'],
  ])('%s by %s: messages and a clean end', async (scheme, proxyScheme) => {
    const { url, port } = await serve(scheme === 'wss' ? { tls } : {});
    const proxy = await startProxy(proxyScheme === 'https' ? { tls } : {});
    const options = { tls: { ca: tls.cert }, proxyTls: { ca: tls.cert }, proxy: proxy.url };
    const client = await connect(url, options);
    expect(client.url).toBe(`${url}/`);
    expect(await helloFrom(client)).toBe('hello');
    expect(proxy.requests).toEqual([
      { target: `127.0.0.1:${port}`, host: `127.0.0.1:${port}`, authorization: undefined },
    ]);
  });

  test('a large message and its echo, TLS in TLS', async () => {
    const { url } = await serve({ tls }, async (peer) => {
      for await (const message of peer) peer.send(message);
    });
    const proxy = await startProxy({ tls });
    const client = await connect(url, { tls: { ca: tls.cert }, proxyTls: { ca: tls.cert }, proxy: proxy.url });
    const sent = new Uint8Array(3_000_000).map((_, at) => at % 251);
    client.send(sent);
    for await (const message of client) {
      expect(Buffer.compare(message as Uint8Array, sent)).toBe(0);
      break;
    }
    expect(await client.close()).toMatchObject({ code: 1000, wasClean: true });
  });

  test('credentials of its URL become Proxy-Authorization, and stay with the proxy', async () => {
    const seen: string[] = [];
    const { url } = await serve({}, (peer) => {
      seen.push(JSON.stringify(peer.request?.headers));
      peer.send('hello');
    });
    const proxy = await startProxy();
    const client = await connect(url, { proxy: proxy.url.replace('//', '//me:p%40ss@') });
    expect(await helloFrom(client)).toBe('hello');
    expect(proxy.requests[0]?.authorization).toBe(`Basic ${Buffer.from('me:p@ss').toString('base64')}`);
    expect(seen[0]).not.toMatch(/authorization/i);
  });

  test('the server gets the credentials of its own URL, the proxy none of them', async () => {
    const { url } = await serve({}, (peer) => peer.send(JSON.stringify(peer.request?.headers)));
    const proxy = await startProxy();
    const client = await connect(url.replace('//', '//you:pw@'), { proxy: proxy.url });
    expect(client.url).toBe(`${url}/`);
    expect(await helloFrom(client)).toContain(`Basic ${Buffer.from('you:pw').toString('base64')}`);
    expect(proxy.requests[0]?.authorization).toBeUndefined();
  });

  test('an IPv6 address stands in brackets', async () => {
    const { url, port } = await serve({ host: '::1' });
    const proxy = await startProxy();
    expect(await helloFrom(await connect(url, { proxy: proxy.url }))).toBe('hello');
    expect(proxy.requests[0]).toMatchObject({ target: `[::1]:${port}`, host: `[::1]:${port}` });
  });

  test('a function chooses for each address, and sees no credentials', async () => {
    const { url } = await serve();
    const proxy = await startProxy();
    const asked: string[] = [];
    const choose = (answer: string | undefined) => (address: URL) => {
      asked.push(address.href);
      return answer;
    };
    await helloFrom(await connect(url.replace('//', '//you:pw@'), { proxy: choose(proxy.url) }));
    expect(proxy.requests).toHaveLength(1);
    await helloFrom(await connect(url, { proxy: choose(undefined) }));
    await helloFrom(await connect(url, { proxy: false }));
    expect(proxy.requests).toHaveLength(1);
    expect(asked).toEqual([`${url}/`, `${url}/`]);
  });

  test('host:port alone is an HTTP proxy', async () => {
    const { url } = await serve();
    const { port, requests } = await startProxy();
    await helloFrom(await connect(url, { proxy: `127.0.0.1:${port}` }));
    expect(requests).toHaveLength(1);
  });

  test('bytes that the far end sends at once behind the answer are not lost', async () => {
    const { port: far } = await serve({}, (peer) => peer.send('hello'));
    const port = await scripted(async (socket) => {
      await once(socket, 'data');
      const server = dial(far, '127.0.0.1');
      server.on('error', () => {});
      socket.on('close', () => server.destroy());
      await once(server, 'connect');
      const early = 'HTTP/1.1 103 Early Hints\r\n\r\n';
      socket.write(`HTTP/1.1 200 OK\r\n\r\n${early}`);
      socket.pipe(server);
      server.pipe(socket);
    });
    expect(await helloFrom(await connect(`ws://127.0.0.1:${far}`, { proxy: `http://127.0.0.1:${port}` }))).toBe(
      'hello',
    );
  });
});

describe('a proxy that does not help', () => {
  test.each([407, 403, 502])('answers %i: PROXY_REFUSED', async (status) => {
    const { url } = await serve();
    const proxy = await startProxy({ refuse: () => `HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n` });
    const failure = connect(url, { proxy: proxy.url.replace('//', '//me:secret@') });
    await expect(failure).rejects.toMatchObject({ name: 'HandshakeError', code: 'PROXY_REFUSED', status });
    await expect(failure).rejects.not.toThrow('secret');
  });

  test('is not there: PROXY_FAILED', async () => {
    const failure = connect('ws://far.example', { proxy: 'http://me:secret@127.0.0.1:9' });
    await expect(failure).rejects.toMatchObject({ code: 'PROXY_FAILED', cause: { code: 'ECONNREFUSED' } });
    await expect(failure).rejects.toThrow('the proxy 127.0.0.1:9');
    await expect(failure).rejects.not.toThrow('secret');
  });

  test('has a certificate nobody trusts: PROXY_FAILED, and no word about what for', async () => {
    const proxy = await startProxy({ tls });
    const failure = connect('ws://far.example', { proxy: proxy.url, tls: { ca: tls.cert } });
    await expect(failure).rejects.toMatchObject({
      code: 'PROXY_FAILED',
      cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    });
    expect(proxy.requests).toEqual([]);
  });

  test('speaks no HTTP: PROXY_FAILED', async () => {
    const port = await scripted((socket) => socket.once('data', () => socket.write('SSH-2.0-x\r\n')));
    await expect(connect('ws://far.example', { proxy: `http://127.0.0.1:${port}` })).rejects.toMatchObject({
      code: 'PROXY_FAILED',
      cause: { code: 'BAD_STATUS_LINE' },
    });
  });

  test('leads to a server whose certificate nobody trusts: TLS_UNTRUSTED', async () => {
    const { url } = await serve({ tls });
    const proxy = await startProxy();
    await expect(connect(url, { proxy: proxy.url })).rejects.toMatchObject({ code: 'TLS_UNTRUSTED' });
  });

  test.each(['socks5://me:secret@127.0.0.1:1', 'ftp://me:secret@x', 'http://me:secret@:1:2', 'http://'])(
    '%s: BAD_PROXY',
    async (proxy) => {
      const failure = connect('ws://far.example', { proxy });
      await expect(failure).rejects.toMatchObject({ code: 'BAD_PROXY' });
      await expect(failure).rejects.not.toThrow('secret');
    },
  );
});

describe('one deadline, one signal', () => {
  /** Each gives what `connect` needs to get stuck in that step, and the server it is stuck at. */
  const steps = {
    'the upgrade': async () => {
      const at = await silent();
      return { at, url: `ws://127.0.0.1:${at.port}`, options: {} };
    },
    TLS: async () => {
      const at = await silent();
      return { at, url: `wss://127.0.0.1:${at.port}`, options: {} };
    },
    "the proxy's TLS": async () => {
      const at = await silent();
      return { at, url: 'ws://far.example', options: { proxy: `https://127.0.0.1:${at.port}` } };
    },
    CONNECT: async () => {
      const at = await silent();
      return { at, url: 'ws://far.example', options: { proxy: `http://127.0.0.1:${at.port}` } };
    },
    'TLS in the tunnel': async () => {
      const at = await silent();
      const proxy = await startProxy();
      return { at, url: `wss://127.0.0.1:${at.port}`, options: { proxy: proxy.url } };
    },
    'the upgrade in the tunnel': async () => {
      const at = await silent();
      const proxy = await startProxy({ tls });
      return { at, url: `ws://127.0.0.1:${at.port}`, options: { proxy: proxy.url, proxyTls: { ca: tls.cert } } };
    },
    'a redirect': async () => {
      const at = await silent();
      const port = await scripted((socket) =>
        socket.once('data', () => socket.write(`HTTP/1.1 302 x\r\nLocation: http://127.0.0.1:${at.port}/\r\n\r\n`)),
      );
      return { at, url: `ws://127.0.0.1:${port}`, options: { maxRedirects: 1 } };
    },
  } as const;
  const names = Object.keys(steps) as (keyof typeof steps)[];

  test.each(names)('give up %s, and the socket with it: time', async (step) => {
    const { at, url, options } = await steps[step]();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const failure = connect(url, options).catch((error) => error);
      await at.hasArrived;
      vi.advanceTimersByTime(10_000);
      expect((await failure).code).toMatch(/^(TIMEOUT|CANNOT_CONNECT|PROXY_FAILED)$/);
      await at.hasLeft;
    } finally {
      vi.useRealTimers();
    }
  });

  test.each(names)('give up %s, and the socket with it: signal', async (step) => {
    const { at, url, options } = await steps[step]();
    const controller = new AbortController();
    const reason = new Error('enough');
    const failure = connect(url, { ...options, signal: controller.signal }).catch((error) => error);
    await at.hasArrived;
    controller.abort(reason);
    const error = await failure;
    expect(error === reason || (error.code === 'ABORTED' && error.cause === reason)).toBe(true);
    await at.hasLeft;
  });

  test('a name that is being looked up is given up too', async () => {
    const controller = new AbortController();
    const failure = connect('ws://name.invalid', { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(failure).rejects.toThrow('enough');
    await expect(connect('ws://name.invalid', { signal: controller.signal })).rejects.toThrow('enough');
  });
});
