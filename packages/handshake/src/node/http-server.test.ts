import { once } from 'node:events';
import http from 'node:http';
import tls from 'node:tls';
import { selfSignedCertificate } from '@wsferry/testing';
import { describe, expect, test } from 'vitest';
import {
  accepting,
  cleanups,
  dial,
  goodRequest,
  type Outcome,
  readAll,
  start,
  upgraded,
  urlOf,
} from '../../test/harness.ts';
import { createKey, createRequest, encodeRequestHead } from '../index.ts';
import { requestUpgrade, takeOverUpgrade } from './index.ts';

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
