import { connect as connectTcp, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { acceptUpgrade } from '@wsferry/handshake/node';
import { selfSignedCertificate, temporaryDirectory } from '@wsferry/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { helloFrom, pair, serve, start, startProxy } from '../test/network.ts';
import { Connection, connect } from './index.ts';

let tls: { cert: string; key: string };
beforeAll(async () => {
  tls = await selfSignedCertificate();
});

/** A server of WebSockets at a Unix socket. */
async function atSocket(path: string): Promise<{ hosts: (string | undefined)[]; targets: string[] }> {
  const hosts: (string | undefined)[] = [];
  const targets: string[] = [];
  const server = createTcpServer({ allowHalfOpen: true }, async (socket) => {
    const upgraded = await acceptUpgrade(socket);
    if (!upgraded) return;
    const { rest, accepted, request } = upgraded;
    hosts.push(request.headers.find(([name]) => name === 'Host')?.[1]);
    targets.push(request.target);
    new Connection({ role: 'server', socket, rest, accepted, request, url: '' }, {}).send('hello');
  });
  await start(server, { path });
  return { hosts, targets };
}

describe('a Unix socket', () => {
  test('by ws+unix: URL: Host is localhost', async () => {
    await using folder = await temporaryDirectory();
    const path = join(folder.path, 'with space.sock');
    const { hosts, targets } = await atSocket(path);
    const url = `ws+unix:${path.replace(' ', '%20')}:/chat?a=b`;
    const client = await connect(url);
    expect(client.url).toBe(url);
    expect(await helloFrom(client)).toBe('hello');
    expect(await helloFrom(await connect(new URL(`ws+unix:${path}`)))).toBe('hello');
    expect(hosts).toEqual(['localhost', 'localhost']);
    expect(targets).toEqual(['/chat?a=b', '/']);
  });

  test('by option, with a ws: URL: Host is its own', async () => {
    await using folder = await temporaryDirectory();
    const socketPath = join(folder.path, 'a.sock');
    const { hosts, targets } = await atSocket(socketPath);
    const proxy = await startProxy();
    const client = await connect('ws://name.invalid:81/chat', { socketPath, proxy: proxy.url });
    expect(client.url).toBe('ws://name.invalid:81/chat');
    expect(await helloFrom(client)).toBe('hello');
    expect(hosts).toEqual(['name.invalid:81']);
    expect(targets).toEqual(['/chat']);
    expect(proxy.requests).toEqual([]);
  });

  test('by option, with a wss: URL: TLS over it', async () => {
    await using folder = await temporaryDirectory();
    const socketPath = join(folder.path, 'a.sock');
    const { port } = await serve({ tls });
    const server = createTcpServer({ allowHalfOpen: true }, async (socket) => {
      const far = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true });
      far.on('error', () => {}).pipe(socket);
      socket.pipe(far);
    });
    await start(server, { path: socketPath });
    const client = await connect('wss://localhost/', { socketPath, tls: { ca: tls.cert } });
    expect(await helloFrom(client)).toBe('hello');
    await expect(connect('wss://other.example/', { socketPath, tls: { ca: tls.cert } })).rejects.toMatchObject({
      code: 'TLS_UNTRUSTED',
      cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    });
  });

  test('that is not there is CANNOT_CONNECT', async () => {
    await using folder = await temporaryDirectory();
    const path = join(folder.path, 'none.sock');
    const failure = connect(`ws+unix:${path}`);
    await expect(failure).rejects.toMatchObject({ code: 'CANNOT_CONNECT', cause: { code: 'ENOENT' } });
    await expect(failure).rejects.toThrow(path);
  });
});

describe("a server's connection", () => {
  test.each([false, true])('tells what was asked for, as it came, also once it is closed (TLS: %s)', async (secure) => {
    const [client, server] = await pair(
      { ...(secure && { tls }) },
      { headers: [['X-Name', 'J\xf6rg']], tls: { ca: tls.cert } },
      '/a?b=c',
    );
    await client.close();
    const { port } = new URL(client.url);
    expect(server.url).toBe(`${secure ? 'wss' : 'ws'}://127.0.0.1:${port}/a?b=c`);
    expect(server.request).toEqual({
      method: 'GET',
      target: '/a?b=c',
      version: '1.1',
      headers: [
        ['Host', `127.0.0.1:${port}`],
        ['Upgrade', 'websocket'],
        ['Connection', 'Upgrade'],
        ['Sec-WebSocket-Key', expect.any(String)],
        ['Sec-WebSocket-Version', '13'],
        ['X-Name', 'J\xf6rg'],
      ],
    });
    expect(server.request).toBe(server.request);
  });
});

describe('IPv6', () => {
  test('in brackets, in the URL and in Host', async () => {
    const { url, port } = await serve({ host: '::1' }, (peer) => peer.send(JSON.stringify(peer.request?.headers)));
    expect(url).toBe(`ws://[::1]:${port}`);
    expect(await helloFrom(await connect(url))).toContain(`["Host","[::1]:${port}"]`);
    expect(await helloFrom(await connect(`ws://[0:0:0:0:0:0:0:1]:${port}`))).toContain(`["Host","[::1]:${port}"]`);
  });

  test.each(['::1', '127.0.0.1'])(
    '%s over TLS: checked against the certificate, no server name is sent',
    async (host) => {
      const tls = await selfSignedCertificate();
      const names: string[] = [];
      const { url } = await serve({
        host,
        tls: {
          ...tls,
          SNICallback: (name, done) => {
            names.push(name);
            done(null);
          },
        },
      });
      expect(await helloFrom(await connect(url, { tls: { ca: tls.cert } }))).toBe('hello');
      expect(names).toEqual([]);
    },
  );

  test('over TLS, a name is sent as the server name', async () => {
    const names: string[] = [];
    const { port } = await serve({
      tls: {
        ...tls,
        SNICallback: (name, done) => {
          names.push(name);
          done(null);
        },
      },
    });
    const client = await connect(`wss://localhost:${port}`, { tls: { ca: tls.cert } });
    expect(await helloFrom(client)).toBe('hello');
    expect(names).toEqual(['localhost']);
  });

  test('with a zone is BAD_URL', async () => {
    await expect(connect('ws://[fe80::1%25lo]:1/')).rejects.toMatchObject({
      code: 'BAD_URL',
      message: expect.stringContaining('zone'),
    });
  });
});

describe('localhost', () => {
  test.each(['127.0.0.1', '::1'])('reaches a server that listens at %s alone', async (host) => {
    const { port } = await serve({ host });
    for (const name of ['localhost', 'LOCALHOST', 'app.localhost']) {
      expect(await helloFrom(await connect(`ws://${name}:${port}`))).toBe('hello');
    }
  });

  test('where nobody listens is CANNOT_CONNECT', async () => {
    await expect(connect('ws://localhost:9')).rejects.toMatchObject({
      code: 'CANNOT_CONNECT',
      cause: { code: 'ECONNREFUSED' },
    });
  });
});

describe('credentials in the URL', () => {
  test('are sent as Basic, and shown nowhere', async () => {
    const authorization = `Basic ${Buffer.from('me:pä ss').toString('base64')}`;
    const { url } = await serve({
      refuse: ({ headers }) =>
        headers.some(([name, value]) => name === 'Authorization' && value === authorization)
          ? undefined
          : { status: 401, message: 'Who?', headers: [['WWW-Authenticate', 'Basic realm="x", charset="UTF-8"']] },
    });
    await expect(connect(url)).rejects.toMatchObject({
      code: 'UNEXPECTED_STATUS',
      status: 401,
      message: expect.stringContaining('asks for credentials'),
    });
    const client = await connect(url.replace('//', '//me:pä%20ss@'));
    expect(client.url).toBe(`${url}/`);
    expect(await helloFrom(client)).toBe('hello');
    const wrong = connect(url.replace('//', '//me:secret@'));
    await expect(wrong).rejects.toMatchObject({ status: 401 });
    await expect(wrong).rejects.not.toThrow('secret');
  });

  test("that RFC 7617 does not allow never reach the server's door", async () => {
    const { url } = await serve();
    await expect(connect(url.replace('//', '//a%3Ab:c@'))).rejects.toMatchObject({ code: 'BAD_CREDENTIALS' });
  });
});
