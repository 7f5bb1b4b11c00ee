import { createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { selfSignedCertificate, temporaryDirectory } from '@wsferry/testing';
import { describe, expect, test } from 'vitest';
import { afterThis, serve, silent, start, startProxy } from '../test/network.ts';
import { dial } from './index.ts';

const certificate = await selfSignedCertificate();

describe('dial', () => {
  test('gives a socket to whatever listens, and asks nothing of it', async () => {
    const heard: Buffer[] = [];
    const port = await start(
      createTcpServer((socket) => socket.on('data', (bytes) => heard.push(bytes)).write('220 hi')),
    );
    const socket = await dial(`ws://127.0.0.1:${port}/`);
    afterThis(() => socket.destroy());
    const [greeting] = await socket.take(1).toArray();
    expect(String(greeting)).toBe('220 hi');
    expect(heard).toEqual([]);
  });

  test('shows the certificate of a wss: server, also of one that is not trusted when that is asked for', async () => {
    const { url } = await serve({ tls: certificate });
    await expect(dial(url)).rejects.toMatchObject({
      code: 'TLS_UNTRUSTED',
      cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    });
    for (const tls of [{ ca: certificate.cert }, { rejectUnauthorized: false }]) {
      const socket = await dial(url, { tls });
      afterThis(() => socket.destroy());
      if (!(socket instanceof TLSSocket)) throw new Error('expected a TLS socket');
      expect(socket.getPeerX509Certificate()?.subjectAltName).toContain('DNS:localhost');
      expect(socket.authorized).toBe('ca' in tls);
    }
  });

  test('goes through a proxy, and to a Unix socket', async () => {
    const { url, port } = await serve();
    const proxy = await startProxy();
    const through = await dial(url, { proxy: proxy.url });
    expect(proxy.requests).toMatchObject([{ target: `127.0.0.1:${port}` }]);
    await using folder = await temporaryDirectory();
    const socketPath = join(folder.path, 's');
    await serve({ socketPath });
    const unix = await dial('ws://localhost/', { socketPath });
    for (const socket of [through, unix]) {
      expect(socket.writable).toBe(true);
      socket.destroy();
    }
  });

  test('says why it cannot', async () => {
    await expect(dial('ws://127.0.0.1:9/')).rejects.toMatchObject({
      code: 'CANNOT_CONNECT',
      cause: { code: 'ECONNREFUSED' },
    });
    await expect(dial('http://127.0.0.1:9/')).rejects.toMatchObject({ code: 'BAD_URL' });
    await expect(dial('ws://127.0.0.1:9/', { proxy: 'socks5://a' })).rejects.toMatchObject({ code: 'BAD_PROXY' });
    await expect(dial('ws://127.0.0.1:9/', { handshakeTimeoutMs: 0 })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
  });

  test('gives up with the reason of its signal, before and while it waits', async () => {
    await expect(dial('ws://127.0.0.1:9/', { signal: AbortSignal.abort('early') })).rejects.toBe('early');
    const { port, hasArrived, hasLeft } = await silent();
    const controller = new AbortController();
    const dialing = dial(`wss://127.0.0.1:${port}/`, { signal: controller.signal });
    await hasArrived; // its ClientHello, which nobody answers
    controller.abort('late');
    await expect(dialing).rejects.toBe('late');
    await hasLeft;
  });
});
