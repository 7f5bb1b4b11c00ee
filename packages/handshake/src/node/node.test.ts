import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import tls from 'node:tls';
import { byteByByte, selfSignedCertificate } from '@wsferry/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { createKey, createRequest, encodeRequestHead, HandshakeError, parseResponseHead } from '../index.ts';
import { type AcceptUpgradeOptions, acceptUpgrade, requestUpgrade, takeOverUpgrade } from './index.ts';

type Outcome = Awaited<ReturnType<typeof acceptUpgrade>> | HandshakeError;

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** Starts `server`; everything it accepts is destroyed after the test. */
async function start<S extends net.Server>(server: S): Promise<{ server: S; port: number }> {
  server.on('connection', (socket) => cleanups.push(() => socket.destroy()));
  cleanups.push(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { server, port: (server.address() as net.AddressInfo).port };
}

/** A server that accepts upgrades; `next()` gives the outcome of each connection in turn. */
async function accepting(
  policy: Parameters<typeof acceptUpgrade>[1] = {},
  options: AcceptUpgradeOptions = {},
  tlsOptions?: tls.TlsOptions,
) {
  const waiting: ((outcome: Outcome) => void)[] = [];
  const outcomes: Outcome[] = [];
  const onSocket = (socket: net.Socket) => {
    const done = (outcome: Outcome) => {
      const waiter = waiting.shift();
      if (waiter) waiter(outcome);
      else outcomes.push(outcome);
    };
    acceptUpgrade(socket, policy, options).then(done, done);
  };
  const server = tlsOptions ? tls.createServer(tlsOptions, onSocket) : net.createServer(onSocket);
  const next = () =>
    new Promise<Outcome>((resolve) => {
      if (outcomes.length > 0) resolve(outcomes.shift());
      else waiting.push(resolve);
    });
  return { ...(await start(server)), next };
}

/** A server that treats each connection as `script` says, for what no correct server does. */
const scripted = (script: (socket: net.Socket) => void) =>
  start(
    net.createServer((socket) => {
      socket.on('error', () => {});
      script(socket);
    }),
  );

function dial(port: number): net.Socket {
  const socket = net.connect(port, '127.0.0.1');
  cleanups.push(() => socket.destroy());
  return socket;
}

const urlOf = (port: number) => new URL(`ws://127.0.0.1:${port}/`);
const goodRequest = (port: number) => encodeRequestHead(createRequest({ url: urlOf(port), key: createKey() }));

/** Everything the peer says until it ends; rejects on a reset. */
async function readAll(socket: net.Socket): Promise<string> {
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk;
  });
  await once(socket, 'end');
  return text;
}

function upgraded(outcome: Outcome): Exclude<Outcome, HandshakeError | undefined> {
  if (outcome === undefined || outcome instanceof Error) throw outcome ?? new Error('expected an upgrade');
  return outcome;
}

const ourEvents = ['data', 'end', 'close', 'error', 'connect', 'secureConnect'];
const listenerCounts = (socket: net.Socket) => ourEvents.map((event) => socket.listenerCount(event));

describe('a client and a server', () => {
  test('upgrade on TCP: both sockets are paused, nothing of ours stays on them, bytes flow', async () => {
    const { port, next } = await accepting({ protocols: ['b'] });
    const socket = dial(port);
    await once(socket, 'connect');
    const before = listenerCounts(socket);
    const client = await requestUpgrade(socket, { url: urlOf(port), protocols: ['a', 'b'] });
    expect(listenerCounts(socket)).toEqual(before);
    expect(socket.isPaused()).toBe(true);
    const server = upgraded(await next());
    expect(server.socket.isPaused()).toBe(true);
    expect([client.accepted.protocol, server.accepted.protocol]).toEqual(['b', 'b']);
    expect(client.response.status).toBe(101);
    expect(server.request.target).toBe('/');
    expect([client.rest.length, server.rest.length]).toEqual([0, 0]);
    server.socket.end('frames');
    expect(await readAll(client.socket.resume())).toBe('frames');
  });

  test('upgrade on TLS', async () => {
    const { cert, key } = await selfSignedCertificate();
    const { port, next } = await accepting({}, {}, { cert, key });
    const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ca: cert });
    cleanups.push(() => socket.destroy());
    const client = await requestUpgrade(socket, { url: new URL(`wss://localhost:${port}/`) });
    const server = upgraded(await next());
    expect(server.socket).toBeInstanceOf(tls.TLSSocket);
    server.socket.end('frames');
    expect(await readAll(client.socket.resume())).toBe('frames');
  });

  test('a client sends nothing to a TLS server that it does not trust', async () => {
    const { cert, key } = await selfSignedCertificate();
    let received = 0;
    const { server, port } = await start(
      tls.createServer({ cert, key }, (peer) => {
        peer
          .on('error', () => {})
          .on('data', (chunk) => {
            received += chunk.length;
          });
      }),
    );
    const connected = once(server, 'connection');
    const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost' });
    await expect(requestUpgrade(socket, { url: new URL(`wss://localhost:${port}/`) })).rejects.toMatchObject({
      code: 'CONNECTION_LOST',
      cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    });
    expect(socket.destroyed).toBe(true);
    const [peer] = (await connected) as [net.Socket];
    if (!peer.destroyed) await once(peer, 'close');
    expect(received).toBe(0);
  });

  test('bytes behind either head are kept for the frames', async () => {
    const { port, next } = await accepting();
    const socket = dial(port);
    socket.write(Buffer.concat([goodRequest(port), Buffer.from('early')]));
    expect(Buffer.from(upgraded(await next()).rest).toString()).toBe('early');

    const server = await scripted(async (peer) => {
      const [request] = (await once(peer, 'data')) as [Buffer];
      const { answerRequest, encodeResponseHead, parseRequestHead } = await import('../index.ts');
      const { response } = answerRequest(parseRequestHead(request)!.head);
      const interim = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n';
      peer.write(Buffer.concat([Buffer.from(interim), encodeResponseHead(response), Buffer.from('early')]));
    });
    const client = await requestUpgrade(dial(server.port), { url: urlOf(server.port) });
    expect(Buffer.from(client.rest).toString()).toBe('early');
  });

  test('a head may come a byte at a time', async () => {
    const { port, next } = await accepting();
    const socket = dial(port).setNoDelay(true);
    for (const byte of byteByByte(goodRequest(port))) {
      await new Promise((resolve) => socket.write(byte, resolve));
    }
    expect(upgraded(await next()).rest.length).toBe(0);
  });
});

describe('a server refuses', () => {
  const with_ = (port: number, from: string, to: string) =>
    Buffer.from(goodRequest(port)).toString('latin1').replace(from, to);

  test.each<[number, string, (port: number) => string]>([
    [400, 'BAD_REQUEST_LINE', () => 'GET / HTTP/1.1\nHost: x\n\n'],
    [400, 'BAD_REQUEST_LINE', () => '\x16\x03\x01\x00\n'],
    [400, 'BAD_HEADER', () => 'GET / HTTP/1.1\r\nHost : x\r\n\r\n'],
    [400, 'BAD_HEADER', (port) => with_(port, 'Upgrade: ', 'X: y\r\n Upgrade: ')],
    [400, 'BAD_HEADER', (port) => with_(port, 'Upgrade: ', 'Transfer-Encoding : chunked\r\nUpgrade: ')],
    [400, 'BAD_HEADER', (port) => with_(port, 'Upgrade: ', 'X: a\rTransfer-Encoding: chunked\r\nUpgrade: ')],
    [400, 'BAD_HEADER', (port) => with_(port, 'Upgrade: ', 'X: a\nTransfer-Encoding: chunked\r\nUpgrade: ')],
    [400, 'BODY_NOT_ALLOWED', (port) => with_(port, 'Upgrade: ', 'Transfer-Encoding: chunked\r\nUpgrade: ')],
    [400, 'BODY_NOT_ALLOWED', (port) => with_(port, 'Upgrade: ', 'Content-Length: 44\r\nUpgrade: ')],
    [
      400,
      'BODY_NOT_ALLOWED',
      (port) => with_(port, 'Upgrade: ', 'Content-Length: 0\r\nTransfer-Encoding: chunked\r\nUpgrade: '),
    ],
    [
      400,
      'BODY_NOT_ALLOWED',
      (port) => with_(port, 'Upgrade: ', 'Content-Length: 0\r\nContent-Length: 9\r\nUpgrade: '),
    ],
    [400, 'BAD_HOST', (port) => with_(port, 'Upgrade: ', 'Host: other\r\nUpgrade: ')],
    [400, 'BAD_HTTP_VERSION', (port) => with_(port, 'HTTP/1.1', 'HTTP/1.0')],
    [400, 'BAD_HTTP_VERSION', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    [403, 'ORIGIN_REFUSED', (port) => with_(port, 'Upgrade: ', 'Origin: http://evil.example\r\nUpgrade: ')],
    [404, 'NOT_FOUND', (port) => with_(port, 'GET /', 'GET /other')],
    [405, 'BAD_METHOD', (port) => with_(port, 'GET', 'POST')],
    [426, 'NOT_AN_UPGRADE', (port) => with_(port, 'Upgrade: websocket\r\n', '')],
    [426, 'BAD_VERSION', (port) => with_(port, 'Version: 13', 'Version: 12')],
    [431, 'LINE_TOO_LONG', () => `GET /${'x'.repeat(9000)}`],
    [431, 'TOO_MANY_HEADERS', () => `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(101)}`],
    [431, 'HEAD_TOO_LARGE', () => `GET / HTTP/1.1\r\n${`A: ${'x'.repeat(8000)}\r\n`.repeat(3)}`],
  ])('with %i %s, a complete answer, and ends', async (status, code, request) => {
    const { port, next } = await accepting({ path: '/' });
    const socket = dial(port);
    socket.write(request(port), 'latin1');
    const answer = await readAll(socket);
    expect(await next()).toMatchObject({ code, status });
    const { head, byteLength } = parseResponseHead(Buffer.from(answer, 'latin1'))!;
    const field = (name: string) => head.headers.find(([key]) => key === name)?.[1];
    expect(head.status).toBe(status);
    expect(field('Connection')).toMatch(/^close/);
    expect(Number(field('Content-Length'))).toBe(answer.length - byteLength);
    if (status === 426) expect(field('Sec-WebSocket-Version')).toBe('13');
    if (status === 405) expect(field('Allow')).toBe('GET');
  });

  test('with an answer that a client still sending megabytes can read', async () => {
    const { port, next } = await accepting();
    const socket = dial(port);
    const answer = readAll(socket);
    socket.write('POST / HTTP/1.1\r\nHost: x\r\n\r\n');
    for (let i = 0; i < 16; i++) socket.write(Buffer.alloc(1 << 20));
    expect(await answer).toMatch(/^HTTP\/1\.1 405 /);
    expect(await next()).toMatchObject({ code: 'BAD_METHOD' });
  });

  test('with 408 who does not finish a head in time', async () => {
    const { port, next } = await accepting({}, { timeoutMs: 20 });
    const socket = dial(port);
    socket.write('GET / HTTP/1.1\r\nHost');
    expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(await next()).toMatchObject({ code: 'TIMEOUT', status: 408 });
  });

  test('with 500 what its own policy fails to judge, and passes the failure on', async () => {
    const failure = new Error('out of order');
    const { port, next } = await accepting({
      path: () => {
        throw failure;
      },
    });
    const socket = dial(port);
    socket.write(goodRequest(port));
    const answer = await readAll(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 500 /);
    expect(answer).not.toContain('out of order');
    expect(await next()).toBe(failure);
  });
});

describe('a client that vanishes', () => {
  const head = goodRequest(1);
  test.each([0, 1, 20, head.length - 1])('after %i bytes is CONNECTION_LOST, by FIN and by RST', async (length) => {
    const { port, next } = await accepting();
    for (const leave of ['end', 'resetAndDestroy'] as const) {
      const socket = dial(port);
      await once(socket, 'connect');
      if (length > 0) await new Promise((resolve) => socket.write(head.subarray(0, length), resolve));
      socket[leave]();
      expect(await next()).toMatchObject({ code: 'CONNECTION_LOST' });
    }
  });

  test.each(['GET / HTTP/1.1\r\n\r\n', Buffer.from(head).toString()])(
    'right behind its head crashes nobody',
    async (text) => {
      const { port, next } = await accepting();
      for (let i = 0; i < 20; i++) {
        const socket = dial(port);
        await once(socket, 'connect');
        socket.write(text, () => socket.resetAndDestroy());
        const outcome = await next();
        if (outcome && 'socket' in outcome) outcome.socket.on('error', () => {}).destroy();
      }
      const socket = dial(port);
      socket.write(goodRequest(port));
      upgraded(await next());
    },
  );
});

describe('a client', () => {
  test('says which status came, with the whole response head', async () => {
    const { port } = await scripted((peer) => void peer.write('HTTP/1.1 302 Found\r\nLocation: /there\r\n\r\n'));
    const socket = dial(port);
    await expect(requestUpgrade(socket, { url: urlOf(port) })).rejects.toMatchObject({
      code: 'UNEXPECTED_STATUS',
      status: 302,
      response: { status: 302, headers: [['Location', '/there']] },
    });
    expect(socket.destroyed).toBe(true);
  });

  test.each<[string, string, object]>([
    ['something that is not HTTP', 'SSH-2.0-x\r\n', { code: 'BAD_STATUS_LINE' }],
    ['interim answers without end', 'HTTP/1.1 102 x\r\n\r\n'.repeat(11), { code: 'UNEXPECTED_STATUS', status: 102 }],
    ['a head without end', `HTTP/1.1 101 x\r\nA: ${'x'.repeat(9000)}`, { code: 'LINE_TOO_LONG', status: undefined }],
    [
      'a wrong accept key',
      'HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
      { code: 'BAD_ACCEPT' },
    ],
  ])('refuses %s', async (_what, text, error) => {
    const { port } = await scripted((peer) => void peer.write(text));
    await expect(requestUpgrade(dial(port), { url: urlOf(port) })).rejects.toMatchObject(error);
  });

  test('gives up after its timeout, and when told to', async () => {
    const { port } = await scripted(() => {});
    const silent = dial(port);
    await expect(requestUpgrade(silent, { url: urlOf(port), timeoutMs: 20 })).rejects.toMatchObject({
      code: 'TIMEOUT',
      status: undefined,
    });
    expect(silent.destroyed).toBe(true);

    const controller = new AbortController();
    const socket = dial(port);
    const result = requestUpgrade(socket, { url: urlOf(port), signal: controller.signal });
    controller.abort('enough');
    await expect(result).rejects.toMatchObject({ code: 'ABORTED', cause: 'enough' });
    expect(socket.destroyed).toBe(true);
    const late = requestUpgrade(dial(port), { url: urlOf(port), signal: controller.signal });
    await expect(late).rejects.toMatchObject({ code: 'ABORTED' });
  });

  test('reports a server that leaves, and one that is not there', async () => {
    const { port, server } = await scripted((peer) => void peer.resume().end());
    await expect(requestUpgrade(dial(port), { url: urlOf(port) })).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    server.close();
    await once(server, 'close');
    const error = await requestUpgrade(dial(port), { url: urlOf(port) }).catch((error) => error);
    expect(error).toBeInstanceOf(HandshakeError);
    expect(error).toMatchObject({ code: 'CONNECTION_LOST', cause: { code: 'ECONNREFUSED' } });
  });

  test('does not write an offer that is not valid', async () => {
    const socket = dial(1);
    await expect(requestUpgrade(socket, { url: urlOf(1), headers: [['A', 'b\r\nC: d']] })).rejects.toMatchObject({
      code: 'BAD_HEADER',
    });
    expect(socket.destroyed).toBe(true);
  });
});

describe('an http.Server on the same port', () => {
  const site = () =>
    http.createServer((request, response) => {
      let length = 0;
      request.on('data', (chunk: Buffer) => {
        length += chunk.length;
      });
      request.on('end', () => response.end(`${request.method} ${request.url} ${length}`));
    });

  test('gets what is no upgrade, untouched: keep-alive, then a large POST', async () => {
    const { port, next } = await accepting({}, { http: site() });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    cleanups.push(() => agent.destroy());
    const ask = async (path: string, body?: Buffer) => {
      const request = http.request({ port, host: '127.0.0.1', path, agent, method: body ? 'POST' : 'GET' });
      request.end(body);
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      return Buffer.concat(await response.toArray()).toString();
    };
    expect(await ask('/a')).toBe('GET /a 0');
    expect(await ask('/b', Buffer.alloc(20_000_000))).toBe('POST /b 20000000');
    expect(await ask('/c')).toBe('GET /c 0');
    expect(await next()).toBeUndefined();
  });

  test('gets a large POST as the first request, and pipelined requests in order', async () => {
    const { port } = await accepting({}, { http: site() });
    const large = dial(port);
    large.write('POST /first HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 20000000\r\n\r\n');
    large.write(Buffer.alloc(20_000_000));
    expect(await readAll(large)).toMatch(/POST \/first 20000000$/);

    const pipelined = dial(port);
    pipelined.write(
      'GET /1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc' +
        'GET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    );
    expect((await readAll(pipelined)).match(/(GET|POST) \/\d \d+/g)).toEqual(['GET /1 0', 'POST /2 3', 'GET /3 0']);
  });

  test('does not get an upgrade, nor a head that two readers could read differently', async () => {
    const { port, next } = await accepting({}, { http: site() });
    await requestUpgrade(dial(port), { url: urlOf(port) });
    upgraded(await next());
    const socket = dial(port);
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nContent-Length : 5\r\n\r\nabcde');
    expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('can stand behind TLS', async () => {
    const { cert, key } = await selfSignedCertificate();
    const { port } = await accepting({}, { http: site() }, { cert, key });
    const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ca: cert });
    cleanups.push(() => socket.destroy());
    socket.write('POST /s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 300000\r\n\r\n');
    socket.write(Buffer.alloc(300_000));
    expect(await readAll(socket)).toMatch(/POST \/s 300000$/);
  });
});

describe('taking over the upgrade of an http.Server', () => {
  const taking = async (policy?: Parameters<typeof takeOverUpgrade>[3]) => {
    const { server, port } = await start(http.createServer());
    const outcome = new Promise<Outcome>((resolve) => {
      server.on('upgrade', (request, socket, head) => {
        takeOverUpgrade(request, socket, head, policy).then(resolve, resolve);
      });
    });
    return { port, outcome };
  };

  test('gives the socket, the request as it came, and the bytes behind it', async () => {
    const { port, outcome } = await taking({ path: '/x', protocols: ['p'] });
    const socket = dial(port);
    const url = new URL(`ws://127.0.0.1:${port}/x?y`);
    const request = encodeRequestHead(
      createRequest({ url, key: createKey(), protocols: ['p'], headers: [['X-Q', 'é']] }),
    );
    socket.write(Buffer.concat([request, Buffer.from('early')]));
    const result = upgraded(await outcome);
    expect(Buffer.from(result.rest).toString()).toBe('early');
    expect(result.accepted.protocol).toBe('p');
    expect(result.request).toMatchObject({ target: '/x?y', headers: expect.arrayContaining([['X-Q', 'é']]) });
    expect(result.socket.isPaused()).toBe(true);
    result.socket.end('frames');
    expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 101 [\s\S]*\r\n\r\nframes$/);
  });

  test('answers our own client', async () => {
    const { port, outcome } = await taking();
    const client = await requestUpgrade(dial(port), { url: urlOf(port) });
    expect(client.accepted).toEqual({ protocol: '', extensions: [] });
    upgraded(await outcome);
  });

  test.each<[string, object, string, string]>([
    ['a doubled key', { code: 'BAD_KEY', status: 400 }, 'Upgrade: ', 'Sec-WebSocket-Key: x\r\nUpgrade: '],
    ['another path', { code: 'NOT_FOUND', status: 404 }, 'GET /', 'GET /other'],
    ['another version', { code: 'BAD_VERSION', status: 426 }, 'Version: 13', 'Version: 7'],
    ['too large a line', { code: 'LINE_TOO_LONG', status: 431 }, 'Upgrade: ', `X: ${'x'.repeat(9000)}\r\nUpgrade: `],
  ])('refuses %s with a complete answer', async (_what, error, from, to) => {
    const { port, outcome } = await taking({ path: '/' });
    const socket = dial(port);
    socket.write(Buffer.from(goodRequest(port)).toString().replace(from, to));
    expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 4\d\d [\s\S]*Connection: close/);
    expect(await outcome).toMatchObject(error);
  });
});
