import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Connection, connect, listen } from '@wsferry/connection';
import { selfSignedCertificate } from '@wsferry/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { echo } from '../src/echo-server.ts';
import { bytes, first, same } from './messages.ts';

let certificate: { cert: string; key: string };
beforeAll(async () => {
  certificate = await selfSignedCertificate();
});

const large = bytes(1_048_576);

describe('over TLS', () => {
  test('our client and the server of ws bring a mebibyte there and back, and close', async () => {
    const https = createServer(certificate);
    const server = new WebSocketServer({ server: https });
    server.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })));
    https.listen(0, '127.0.0.1');
    await once(https, 'listening');
    try {
      const url = `wss://127.0.0.1:${(https.address() as AddressInfo).port}/`;
      const connection = await connect(url, { tls: { ca: certificate.cert } });
      connection.send(large);
      expect(same(await first(connection), large)).toBe(true);
      expect(await connection.close(1000, 'done')).toMatchObject({ code: 1000, wasClean: true });
      await expect(connect(url)).rejects.toMatchObject({ code: 'TLS_UNTRUSTED' });
    } finally {
      server.close();
      https.close();
    }
  });

  test('our server and the client of ws bring a mebibyte there and back, and close', async () => {
    let accepted: Connection | undefined;
    const listener = await listen({ tls: certificate }, (connection) => {
      accepted = connection;
      echo(connection);
    });
    try {
      expect(listener.url).toMatch(/^wss:/);
      const client = new WebSocket(listener.url, { ca: certificate.cert });
      await once(client, 'open');
      client.send(large);
      const [echoed] = await once(client, 'message');
      expect(same(echoed, large)).toBe(true);
      const closed = once(client, 'close');
      client.close(4000, 'done');
      expect(await accepted?.closed).toEqual({ code: 4000, reason: 'done', wasClean: true });
      expect((await closed)[0]).toBe(4000);
    } finally {
      await listener.close({ timeoutMs: 100 });
    }
  });
});
