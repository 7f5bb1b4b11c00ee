import { createServer } from 'node:http';
import { type Listener, listen } from '@wsferry/connection';
import { missing, temporaryDirectory } from '@wsferry/testing';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { echo } from '../../src/echo-server.ts';
import { openChromium } from '../chromium.ts';
import { Shell } from './shell.ts';

/**
 * What a page in Chromium found: how its socket ended, and what the console said, which is where the browser names the
 * status. A page's own code never learns it.
 */
interface Attempt {
  readonly events: string[];
  readonly code: number;
  readonly status: string | undefined;
}

describe.skipIf(missing('chromium'))('pages and origins, in Chromium', () => {
  let browser: Browser;
  /** Serves pages, and nothing else: whatever they connect to is on another port. */
  let elsewhere: Listener;

  beforeAll(async () => {
    // Two sites of an attacker, whose names lead to this machine.
    browser = await openChromium([
      '--host-resolver-rules=MAP evil.example 127.0.0.1, MAP rebound.example 127.0.0.1, MAP *.localhost 127.0.0.1',
    ]);
    elsewhere = await listen({ http: pages() }, () => {});
  });
  afterAll(async () => {
    await browser?.close();
    await elsewhere?.close({ timeoutMs: 100 });
  });

  const pages = () =>
    createServer((request, response) => {
      // A sandbox takes a page its origin: it says "Origin: null".
      if (request.url === '/sandbox') response.setHeader('content-security-policy', 'sandbox allow-scripts');
      response.setHeader('content-type', 'text/html').end('<!doctype html><title>a page</title>');
    });

  /** A server as anybody would start it, with a page, and what it refused. */
  async function startServer(options: Parameters<typeof listen>[0] = {}) {
    const refused: string[] = [];
    const onRefused = ({ code, status }: { code: string; status: number | undefined }) =>
      refused.push(`${code} ${status}`);
    const listener = await listen({ http: pages(), onRefused, ...options }, echo);
    return { listener, refused, [Symbol.asyncDispose]: () => listener.close({ timeoutMs: 100 }) };
  }

  /** Opens `from` in a tab, and a WebSocket to `to` in it, which it closes with 4000 as soon as an echo came. */
  async function visit(from: string, to: string, protocols: string[] = []): Promise<Attempt> {
    const page: Page = await browser.newPage();
    try {
      let status: string | undefined;
      page.on('console', (message) => {
        status ??= /Unexpected response code: (\d+)/.exec(message.text())?.[1];
      });
      await page.goto(from);
      const found = await page.evaluate(
        ([url, names]) =>
          new Promise<{ events: string[]; code: number }>((resolve) => {
            const events: string[] = [];
            const socket = new WebSocket(url, names);
            socket.onopen = () => socket.send('from a page');
            for (const type of ['open', 'error'] as const) socket.addEventListener(type, () => events.push(type));
            socket.onmessage = ({ data }) => {
              events.push(data);
              socket.close(4000);
            };
            socket.onclose = ({ code }) => resolve({ events, code });
          }),
        [to, protocols] as const,
      );
      if (found.events.includes('error')) await expect.poll(() => status).toBeDefined();
      return { ...found, status };
    } finally {
      await page.close();
    }
  }

  const served: Attempt = { events: ['open', 'from a page'], code: 4000, status: undefined };
  const refusedPage: Attempt = { events: ['error'], code: 1006, status: '403' };

  test('a page of another site is refused with 403: it sees an error and 1006, the server ORIGIN_REFUSED', async () => {
    await using server = await startServer();
    const from = `http://evil.example:${elsewhere.port}/`;
    expect(await visit(from, server.listener.url)).toEqual(refusedPage);
    expect(server.refused).toEqual(['ORIGIN_REFUSED 403']);
    expect(server.listener.connections.size).toBe(0);
  });

  test('so is a page of the same machine on another port, and one without an origin of its own', async () => {
    await using server = await startServer();
    expect(await visit(`http://127.0.0.1:${elsewhere.port}/`, server.listener.url)).toEqual(refusedPage);
    expect(await visit(`http://127.0.0.1:${elsewhere.port}/sandbox`, server.listener.url)).toEqual(refusedPage);
    expect(server.refused).toEqual(['ORIGIN_REFUSED 403', 'ORIGIN_REFUSED 403']);
  });

  test('and a page that reaches the server by another name than its own', async () => {
    await using server = await startServer();
    const { port } = server.listener;
    expect(await visit(`http://localhost:${port}/`, `ws://127.0.0.1:${port}/`)).toEqual(refusedPage);
  });

  test.each(['127.0.0.1', 'localhost', 'files.localhost'])('a page of the same origin is served: %s', async (host) => {
    await using server = await startServer();
    const { port } = server.listener;
    expect(await visit(`http://${host}:${port}/`, `ws://${host}:${port}/`)).toEqual(served);
    expect(server.refused).toEqual([]);
  });

  test('a list lets in the pages on it and nobody else, not even those of the same origin', async () => {
    await using server = await startServer({ origins: [`http://evil.example:${elsewhere.port}`] });
    const { port, url } = server.listener;
    expect(await visit(`http://evil.example:${elsewhere.port}/`, url)).toEqual(served);
    expect(await visit(`http://rebound.example:${elsewhere.port}/`, url)).toEqual(refusedPage);
    expect(await visit(`http://127.0.0.1:${port}/`, url)).toEqual(refusedPage);
  });

  test("'any' lets in whoever comes", async () => {
    await using server = await startServer({ origins: 'any' });
    expect(await visit(`http://evil.example:${elsewhere.port}/`, server.listener.url)).toEqual(served);
  });

  test('a page that fetches plain HTTP across sites does not get to read it', async () => {
    await using server = await startServer();
    const page = await browser.newPage();
    await page.goto(`http://evil.example:${elsewhere.port}/`);
    const read = await page.evaluate(
      (url) =>
        fetch(url)
          .then((answer) => answer.text())
          .catch((error: Error) => error.name),
      `http://127.0.0.1:${server.listener.port}/`,
    );
    await page.close();
    expect(read).toBe('TypeError');
  });

  describe('a page whose name was made to point here (DNS rebinding)', () => {
    // Its Origin and its Host agree, so "the same" is not enough: the name must not be one that anybody could own.
    test('is refused, although Origin and Host name the same host', async () => {
      await using server = await startServer();
      const { port } = server.listener;
      expect(await visit(`http://rebound.example:${port}/`, `ws://rebound.example:${port}/`)).toEqual(refusedPage);
      expect(server.refused).toEqual(['ORIGIN_REFUSED 403']);
    });

    test('is refused by the shell that serves', async () => {
      await using folder = await temporaryDirectory();
      const { serve, url } = await Shell.serve(folder.path);
      await using _ = serve;
      const host = `rebound.example:${url.port}`;
      // What it answers to a plain request is a page too, of the very origin that the attacker wants.
      expect(await visit(`http://${host}/`, `ws://${host}/`, ['wsferry.v1'])).toEqual(refusedPage);
    });

    test('is served when it is listed', async () => {
      const origins: string[] = [];
      await using server = await startServer({ origins });
      const { port } = server.listener;
      origins.push(`http://rebound.example:${port}`);
      expect(await visit(`http://rebound.example:${port}/`, `ws://rebound.example:${port}/`)).toEqual(served);
    });
  });

  test('the shell that serves refuses a page of another site, and goes on serving programs', async () => {
    await using folder = await temporaryDirectory();
    const { serve, url } = await Shell.serve(folder.path);
    await using _ = serve;
    const from = `http://evil.example:${elsewhere.port}/`;
    expect(await visit(from, url.href, ['wsferry.v1'])).toEqual(refusedPage);
    await using send = new Shell(['send', import.meta.filename, '--to', url.href], folder.path);
    expect(await send.ended).toMatchObject({ code: 0, stderr: '' });
  });

  test('the shell that serves lets in the pages that --allow-origin lists, and programs', async () => {
    await using folder = await temporaryDirectory();
    const from = `http://evil.example:${elsewhere.port}`;
    const { serve, url } = await Shell.serve(folder.path, '--allow-origin', from);
    await using _ = serve;
    expect((await visit(from, url.href, ['wsferry.v1'])).events).toContain('open');
    expect(await visit(`http://rebound.example:${elsewhere.port}/`, url.href, ['wsferry.v1'])).toEqual(refusedPage);
    await using send = new Shell(['send', import.meta.filename, '--to', url.href], folder.path);
    expect(await send.ended).toMatchObject({ code: 0, stderr: '' });
  });
});
