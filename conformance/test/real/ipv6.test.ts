import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { type Connection, connect, listen } from '@wsferry/connection';
import { selfSignedCertificate } from '@wsferry/testing';
import { describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { echo } from '../../src/echo-server.ts';
import { first } from '../messages.ts';

/** Why nothing can be tested here, or false. As with missing programs, in CI that is an error. */
function withoutIpv6(): string | false {
  const here = Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === '::1'),
  );
  if (here) return false;
  const reason = 'this machine has no ::1: tests over IPv6 are skipped';
  if (process.env['WSFERRY_REQUIRE_ALL']) throw new Error(reason);
  console.warn(reason);
  return reason;
}

const certificate = await selfSignedCertificate();

describe.skipIf(withoutIpv6())('over IPv6', () => {
  test.each([
    ['plain', 'ws:', {}],
    ['TLS', 'wss:', { tls: certificate }],
  ])('our server on ::1 and our client, %s', async (_, scheme, options) => {
    let accepted: Connection | undefined;
    const listener = await listen({ host: '::1', ...options }, (connection) => {
      accepted = connection;
      echo(connection);
    });
    expect(listener.url).toBe(`${scheme}//[::1]:${listener.port}`);
    const connection = await connect(listener.url, { tls: { ca: certificate.cert } });
    expect(accepted?.url).toBe(`${scheme}//[::1]:${listener.port}/`);
    expect(accepted?.remoteAddress).toBe('::1');
    connection.send('by six');
    expect(await first(connection)).toBe('by six');
    expect(await connection.close(4000, 'done')).toMatchObject({ code: 4000, wasClean: true });
    await listener.close();
  });

  test('a certificate counts for the address that was asked for, or for the name that was told', async () => {
    const listener = await listen({ host: '::', tls: certificate }, echo);
    const ca = certificate.cert;
    // It is for 127.0.0.1, not for the same address written as IPv6.
    const mapped = connect(`wss://[::ffff:127.0.0.1]:${listener.port}/`, { tls: { ca } });
    await expect(mapped).rejects.toMatchObject({ code: 'TLS_UNTRUSTED' });
    const named = await connect(`wss://[::1]:${listener.port}/`, { tls: { ca, servername: 'localhost' } });
    await named.close();
    await listener.close();
  });

  test('our server and the client of ws, with a page of that origin and one of another', async () => {
    const refused: string[] = [];
    const listener = await listen({ host: '::1', onRefused: ({ code }) => refused.push(code) }, echo);
    const client = new WebSocket(listener.url, { origin: `http://[::1]:${listener.port}` });
    await once(client, 'open');
    client.send('by six');
    const [echoed] = await once(client, 'message');
    expect(String(echoed)).toBe('by six');
    const closed = once(client, 'close');
    client.close(4000);
    expect((await closed)[0]).toBe(4000);
    const foreign = new WebSocket(listener.url, { origin: `http://127.0.0.1:${listener.port}` });
    expect(String((await once(foreign, 'error'))[0])).toContain('403');
    expect(refused).toEqual(['ORIGIN_REFUSED']);
    await listener.close();
  });

  test('our client and the server of ws', async () => {
    const server = new WebSocketServer({ host: '::1', port: 0 });
    await once(server, 'listening');
    server.on('connection', (socket, request) => socket.send(request.headers.host ?? 'none'));
    const { port } = server.address() as { port: number };
    const connection = await connect(`ws://[::1]:${port}/`);
    expect(await first(connection)).toBe(`[::1]:${port}`);
    await connection.close();
    server.close();
  });

  test('who listens on :: is reached by either family', async () => {
    const listener = await listen({ host: '::' }, echo);
    for (const host of ['[::1]', '127.0.0.1']) {
      const connection = await connect(`ws://${host}:${listener.port}/`);
      connection.send(host);
      expect(await first(connection)).toBe(host);
      await connection.close();
    }
    await listener.close();
  });
});
