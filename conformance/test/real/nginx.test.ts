import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { bearerToken, type Connection, connect, type Listener, listen } from '@wsferry/connection';
import { missing, type Nginx, selfSignedCertificate, startNginx, temporaryDirectory } from '@wsferry/testing';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { echo } from '../../src/echo-server.ts';
import { openChromium } from '../chromium.ts';
import { bytes, first, messages, same } from '../messages.ts';
import { Shell } from './shell.ts';

const document = await readFile(new URL('../../../docs/behind-nginx.md', import.meta.url), 'utf8');
const certificate = await selfSignedCertificate();
const withoutNginx = missing('nginx');

/** The configuration that docs/behind-nginx.md shows under `heading`. */
function shown(heading: string): string {
  const found = new RegExp(`^## ${heading}\\n[^#]*?\`\`\`nginx\\n([^\`]*)\`\`\``, 'm').exec(document)?.[1];
  if (found === undefined) throw new Error(`expected a nginx block under "${heading}" in docs/behind-nginx.md`);
  return found;
}

/** nginx with the document's configuration in front of `upstream`; `edit` may spoil it. */
function before(upstream: string, configuration: string, edit = (text: string) => text): Promise<Nginx> {
  return startNginx({
    servers: (address) =>
      edit(configuration)
        .replace(/(?<=listen )\d+/, address)
        .replace('127.0.0.1:6455', upstream),
    files: { 'cert.pem': certificate.cert, 'key.pem': certificate.key },
  });
}

/** Takes the lines with `words` out of a configuration; they must be there. */
const without = (words: RegExp) => (text: string) => {
  expect(text).toMatch(words);
  return text
    .split('\n')
    .filter((line) => !words.test(line))
    .join('\n');
};

/** A server with a page of its own, an echo behind it, and what it refused. */
async function startUpstream(options: Parameters<typeof listen>[0] = {}) {
  const http = createServer((_, response) => {
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>blank</title>');
  });
  const accepted: Connection[] = [];
  const refused: string[] = [];
  const listener: Listener = await listen(
    { http, keepalive: false, onRefused: ({ code }) => refused.push(code), ...options },
    (connection) => {
      accepted.push(connection);
      echo(connection);
    },
  );
  return {
    accepted,
    refused,
    address: `127.0.0.1:${listener.port}`,
    [Symbol.asyncDispose]: () => listener.close({ timeoutMs: 100 }),
  };
}

describe.skipIf(withoutNginx).each([
  ['Plain', 'ws:', ''],
  ['With TLS', 'wss:', ''],
  ['Under a path', 'ws:', '/files'],
])('through nginx as docs/behind-nginx.md sets it up: %s', (heading, scheme, prefix) => {
  let upstream: Awaited<ReturnType<typeof startUpstream>>;
  let nginx: Nginx;
  let url: string;
  const tls = { ca: certificate.cert };

  beforeAll(async () => {
    upstream = await startUpstream();
    nginx = await before(upstream.address, shown(heading));
    url = `${scheme}//${nginx.host}${prefix}/`;
  });
  afterAll(async () => {
    await nginx?.[Symbol.asyncDispose]();
    await upstream?.[Symbol.asyncDispose]();
  });

  const open = async () => {
    const connection = await connect(url, { tls, keepalive: false });
    return { connection, accepted: upstream.accepted.at(-1)! };
  };

  test('every kind and length of message comes there and back', async () => {
    const { connection } = await open();
    const heard = connection[Symbol.asyncIterator]();
    for (const [title, data] of messages) {
      connection.send(data);
      expect(same((await heard.next()).value!, data), title).toBe(true);
    }
    await connection.close();
  });

  test('fragments with a ping between them, from the client of ws', async () => {
    const client = new WebSocket(url, tls);
    await once(client, 'open');
    const ponged = once(client, 'pong');
    const echoed = once(client, 'message');
    client.send('one ', { fin: false });
    client.ping('between');
    client.send('message', { fin: true });
    expect(String((await ponged)[0])).toBe('between');
    expect(String((await echoed)[0])).toBe('one message');
    const closed = once(client, 'close');
    client.close();
    await closed;
  });

  test('pings go both ways, and a path and its query arrive', async () => {
    const connection = await connect(`${url}a?b=c`, { tls });
    const accepted = upstream.accepted.at(-1)!;
    expect(accepted.request?.target).toBe('/a?b=c');
    expect(await connection.ping()).toBeGreaterThanOrEqual(0);
    expect(await accepted.ping()).toBeGreaterThanOrEqual(0);
    await connection.close();
  });

  test.each([
    [1000, 'done'],
    [4999, 'grüße'],
  ])('close code %i and its reason arrive, from either side', async (code, reason) => {
    const ours = await open();
    await ours.connection.close(code, reason);
    expect(await ours.accepted.closed).toEqual({ code, reason, wasClean: true });
    const theirs = await open();
    await theirs.accepted.close(code, reason);
    expect(await theirs.connection.closed).toEqual({ code, reason, wasClean: true });
  });

  test('a connection without a status is 1005, one that was cut 1006', async () => {
    const client = new WebSocket(url, tls);
    await once(client, 'open');
    client.close();
    expect(await upstream.accepted.at(-1)!.closed).toMatchObject({ code: 1005, wasClean: true });
    const { connection, accepted } = await open();
    connection.abort();
    expect(await accepted.closed).toMatchObject({ code: 1006, wasClean: false });
  });

  test('a token comes through, as a header and as a subprotocol, and clients are told apart by address', async () => {
    const token = 'correct-horse-battery-staple';
    const refused: unknown[] = [];
    await using guarded = await startUpstream({
      refuse: bearerToken({ token, protocolPrefix: 'files.token.', maxFailures: 1 }),
      trustedProxies: ['127.0.0.1'],
      protocols: ['files.v1'],
      onRefused: ({ status }, remoteAddress) => refused.push([status, remoteAddress]),
    });
    await using proxy = await before(guarded.address, shown(heading));
    const open = async (localAddress: string, given: string, from: 'header' | 'subprotocol') => {
      const asProtocol = `files.token.${Buffer.from(given).toString('base64url')}`;
      const headers = from === 'header' ? { Authorization: `Bearer ${given}` } : {};
      const offered = from === 'header' ? ['files.v1'] : ['files.v1', asProtocol];
      const address = `${scheme}//${proxy.host}${prefix}/`;
      // What the client writes there itself is not believed.
      const lie = { 'X-Forwarded-For': '192.0.2.66' };
      const client = new WebSocket(address, offered, { ...tls, localAddress, headers: { ...headers, ...lie } });
      await Promise.race([once(client, 'open'), once(client, 'error')]).catch(() => {});
      const opened = client.readyState === WebSocket.OPEN && client.protocol;
      client.terminate();
      return opened;
    };
    for (const from of ['header', 'subprotocol'] as const) {
      expect(await open('127.0.0.8', token, from)).toBe('files.v1');
      expect(guarded.accepted.at(-1)?.remoteAddress).toBe('127.0.0.8');
    }
    expect(await open('127.0.0.9', 'wrong', 'subprotocol')).toBe(false);
    expect(await open('127.0.0.9', token, 'header')).toBe(false);
    expect(refused).toEqual([
      [401, '127.0.0.9'],
      [429, '127.0.0.9'],
    ]);
  });

  test('the shell sends a file, and it arrives whole', async () => {
    await using folder = await temporaryDirectory();
    const { serve, url: direct } = await Shell.serve(folder.path);
    await using _ = serve;
    await using proxy = await before(direct.host, shown(heading));
    const content = bytes(3_000_001);
    await writeFile(join(folder.path, 'a file.bin'), content);
    await writeFile(join(folder.path, 'ca.pem'), certificate.cert);
    const args = ['--to', `${scheme}//${proxy.host}${prefix}/`, ...(scheme === 'wss:' ? ['--ca', 'ca.pem'] : [])];
    await using send = new Shell(['send', 'a file.bin', ...args], folder.path);
    expect(await send.ended).toMatchObject({ code: 0, stderr: '' });
    expect(same(await readFile(join(folder.path, 'received', 'a file.bin')), content)).toBe(true);
  });
});

describe.skipIf(withoutNginx || missing('chromium'))('Chromium through nginx', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openChromium(['--host-resolver-rules=MAP files.example 127.0.0.1']);
  });
  afterAll(() => browser?.close());

  /** Loads the page behind `base`, and has it send a message to the WebSocket of the same address. */
  async function visit(base: string): Promise<{ echoed?: string; code?: number }> {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    try {
      const page = await context.newPage();
      await page.goto(base);
      return await page.evaluate(
        () =>
          new Promise((resolve) => {
            const socket = new globalThis.WebSocket(location.href.replace(/^http/, 'ws'));
            socket.onopen = () => socket.send('from a page');
            socket.onmessage = ({ data }) => resolve({ echoed: data });
            socket.onclose = ({ code }) => resolve({ code });
          }),
      );
    } finally {
      await context.close();
    }
  }

  test.each([
    ['Plain', 'http:', '/'],
    ['With TLS', 'https:', '/'],
    ['Under a path', 'http:', '/files/'],
  ])(
    'a page of the same origin is let in, because Host says what the browser asked for: %s',
    async (heading, scheme, path) => {
      await using upstream = await startUpstream();
      await using nginx = await before(upstream.address, shown(heading));
      expect(await visit(`${scheme}//${nginx.host}${path}`)).toEqual({ echoed: 'from a page' });
      expect(upstream.refused).toEqual([]);
    },
  );

  test.each([
    ['no Host line', without(/Host/)],
    ['$host, which has no port', (text: string) => text.replace('$http_host', '$host')],
  ])('%s: the page is refused, programs are not', async (_, spoil) => {
    await using upstream = await startUpstream();
    await using nginx = await before(upstream.address, shown('Plain'), spoil);
    expect(await visit(`http://${nginx.host}/`)).toEqual({ code: 1006 });
    expect(upstream.refused).toEqual(['ORIGIN_REFUSED']);
    const connection = await connect(`ws://${nginx.host}/`);
    connection.send('from a program');
    expect(await first(connection)).toBe('from a program');
    await connection.close();
  });

  test('a page with a name is refused until the server lists it', async () => {
    const origins: string[] = [];
    await using upstream = await startUpstream();
    await using listing = await startUpstream({ origins });
    await using nginx = await before(upstream.address, shown('With TLS'));
    await using second = await before(listing.address, shown('With TLS'));
    const name = (host: string) => `https://${host.replace('127.0.0.1', 'files.example')}`;
    origins.push(name(second.host));
    expect(await visit(`${name(nginx.host)}/`)).toEqual({ code: 1006 });
    expect(upstream.refused).toEqual(['ORIGIN_REFUSED']);
    expect(await visit(`${name(second.host)}/`)).toEqual({ echoed: 'from a page' });
  });

  test('no Host line, but the origin is listed: the page is let in', async () => {
    const origins: string[] = [];
    await using upstream = await startUpstream({ origins });
    await using nginx = await before(upstream.address, shown('Plain'), without(/Host/));
    origins.push(`http://${nginx.host}`);
    expect(await visit(`http://${nginx.host}/`)).toEqual({ echoed: 'from a page' });
  });
});

describe.skipIf(withoutNginx)('nginx with a line missing', () => {
  test.each([
    ['Upgrade and Connection', without(/Upgrade/), 426],
    ['proxy_http_version 1.1', (text: string) => text.replace('version 1.1', 'version 1.0'), 400],
  ])('%s: our client says which status came', async (_, spoil, status) => {
    const listener = await listen({}, () => {});
    await using nginx = await before(`127.0.0.1:${listener.port}`, shown('Plain'), spoil);
    await expect(connect(`ws://${nginx.host}/`)).rejects.toMatchObject({ code: 'UNEXPECTED_STATUS', status });
    await listener.close({ timeoutMs: 100 });
  });

  test('nobody behind it: 502', async () => {
    const listener = await listen({}, () => {});
    await listener.close();
    await using nginx = await before(`127.0.0.1:${listener.port}`, shown('Plain'));
    await expect(connect(`ws://${nginx.host}/`)).rejects.toMatchObject({ code: 'UNEXPECTED_STATUS', status: 502 });
  });

  test('proxy_read_timeout cuts a silent connection, and not one that our keepalive fills', async () => {
    await using upstream = await startUpstream();
    await using nginx = await before(upstream.address, shown('Plain'), (text) =>
      text.replace('proxy_http_version', 'proxy_read_timeout 2s;\n        proxy_http_version'),
    );
    const url = `ws://${nginx.host}/`;
    const kept = await connect(url, { keepalive: { intervalMs: 300, timeoutMs: 30_000 } });
    const silent = await connect(url, { keepalive: false });
    expect(await silent.closed).toMatchObject({ code: 1006, wasClean: false });
    kept.send('still here');
    expect(await first(kept)).toBe('still here');
    await kept.close();
  });
});
