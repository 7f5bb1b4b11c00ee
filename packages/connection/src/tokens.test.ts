import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { afterThis, helloFrom, serve } from '../test/network.ts';
import { bearerAuthorization, bearerToken, type ConnectOptions, connect, refuseHttp, takeOver } from './index.ts';

const token = 'tell-nobody-but-your-friends';
const as = (given: string, from?: string): ConnectOptions => ({
  headers: [['Authorization', bearerAuthorization(given)], ...(from ? [['X-Forwarded-For', from] as const] : [])],
});

describe('a server with a token', () => {
  test('lets in who has it, and answers 401 to everybody else', async () => {
    const { url } = await serve({ refuse: bearerToken({ token }) });
    expect(await helloFrom(await connect(url, as(token)))).toBe('hello');
    await expect(connect(url)).rejects.toMatchObject({ code: 'UNEXPECTED_STATUS', status: 401 });
    const guess = connect(url, as('another-token-of-nobody'));
    await expect(guess).rejects.toMatchObject({ status: 401 });
    await expect(guess).rejects.not.toThrow('another-token');
  });

  test('takes it as a subprotocol, as a page must send it, and chooses the real one', async () => {
    const { url } = await serve({
      protocols: ['files.v1'],
      refuse: bearerToken({ token, protocolPrefix: 'files.token.' }),
    });
    const protocols = ['files.v1', `files.token.${Buffer.from(token).toString('base64url')}`];
    const client = await connect(url, { protocols });
    expect(client.protocol).toBe('files.v1');
    expect(await helloFrom(client)).toBe('hello');
  });

  test('behind a trusted proxy tells clients apart, at every door', async () => {
    const refused: unknown[] = [];
    const seen: unknown[] = [];
    const { url } = await serve(
      {
        trustedProxies: ['127.0.0.1'],
        refuse: bearerToken({ token, maxFailures: 1 }),
        onRefused: ({ status }, remoteAddress) => refused.push([status, remoteAddress]),
      },
      (peer) => {
        seen.push(peer.remoteAddress);
        peer.send('hello');
      },
    );
    await expect(connect(url, as('wrong', '192.0.2.1'))).rejects.toMatchObject({ status: 401 });
    await expect(connect(url, as(token, '192.0.2.1'))).rejects.toMatchObject({ status: 429 });
    expect(await helloFrom(await connect(url, as(token, '192.0.2.2')))).toBe('hello');
    expect(refused).toEqual([
      [401, '192.0.2.1'],
      [429, '192.0.2.1'],
    ]);
    expect(seen).toEqual(['192.0.2.2']);
  });

  test('guards with one `refuse` what is served beside it', async () => {
    const policy = { refuse: bearerToken({ token, maxFailures: 1 }), trustedProxies: ['127.0.0.1'] };
    const http = createServer((request, response) => {
      if (!refuseHttp(request, response, policy)) response.end('secret');
    });
    const { url } = await serve({ http, ...policy });
    const get = async (given?: string, from = '192.0.2.1') => {
      const headers = {
        'X-Forwarded-For': from,
        ...(given && { Authorization: `Bearer ${given}` }),
        Connection: 'close',
      };
      const answer = await fetch(url.replace('ws:', 'http:'), { headers });
      return [answer.status, (await answer.text()).trim(), answer.headers.get('www-authenticate')];
    };
    expect(await get()).toEqual([401, 'expected a bearer token, got none', 'Bearer realm="wsferry"']);
    expect(await get(token)).toEqual([200, 'secret', null]);
    expect((await get('wrong'))[0]).toBe(401);
    expect((await get(token))[0]).toBe(429);
    await expect(connect(url, as(token, '192.0.2.1'))).rejects.toMatchObject({ status: 429 });
    expect((await get(token, '192.0.2.2'))[0]).toBe(200);
  });

  test('guards an http.Server of the program as well', async () => {
    const policy = { refuse: bearerToken({ token }), trustedProxies: ['127.0.0.1'] };
    const addresses: unknown[] = [];
    const http = createServer().on('upgrade', (request, socket, head) => {
      takeOver(request, socket, head, policy).then(
        (peer) => {
          addresses.push(peer.remoteAddress);
          peer.send('hello');
        },
        () => {},
      );
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    afterThis(() => http.close());
    const url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}`;
    await expect(connect(url)).rejects.toMatchObject({ status: 401 });
    const client = await connect(url, as(token, '192.0.2.3'));
    expect(await helloFrom(client)).toBe('hello');
    expect(addresses).toEqual(['192.0.2.3']);
    await client.close();
  });
});
