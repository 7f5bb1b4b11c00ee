import { createServer } from 'node:http';
import { type Connection, type Listener, listen } from '@wsferry/connection';
import { missing } from '@wsferry/testing';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { echo } from '../src/echo-server.ts';
import { openChromium } from './chromium.ts';

const absent = missing('chromium');

describe.skipIf(absent).each([
  { title: 'without deflate', deflate: false, extensions: '' },
  { title: 'with deflate', deflate: { thresholdBytes: 0 }, extensions: 'permessage-deflate' },
  {
    title: 'with deflate, small windows and no takeover',
    deflate: { thresholdBytes: 0, serverMaxWindowBits: 9, clientMaxWindowBits: 9, serverNoContextTakeover: true },
    extensions: 'permessage-deflate; server_no_context_takeover; server_max_window_bits=9; client_max_window_bits=9',
  },
])("our server and Chromium's WebSocket, $title", ({ deflate, extensions }) => {
  let browser: Browser;
  let listener: Listener;
  let page: Page;
  const accepted: Connection[] = [];

  beforeAll(async () => {
    // The page comes from the same port, so its Origin is the one that our server lets in by default.
    const http = createServer((_, response) => {
      response.setHeader('content-type', 'text/html').end('<!doctype html><title>blank</title>');
    });
    listener = await listen({ http, protocols: ['second'], maxMessageBytes: 2_000_000, deflate }, (connection) => {
      echo(connection);
      accepted.push(connection);
    });
    browser = await openChromium();
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${listener.port}/`);
  });

  afterAll(async () => {
    await browser?.close();
    await listener?.close({ timeoutMs: 200 });
  });

  test('bring text and binary of every length form there and back, and agree on a subprotocol', async () => {
    const found = await page.evaluate(async (url) => {
      const socket = new WebSocket(url, ['first', 'second']);
      socket.binaryType = 'arraybuffer';
      const heard = (): Promise<MessageEvent> =>
        new Promise((resolve) => socket.addEventListener('message', resolve, { once: true }));
      await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
      const same: boolean[] = [];
      for (const text of ['', 'aé€😀', 'ü'.repeat(40_000)]) {
        socket.send(text);
        same.push((await heard()).data === text);
      }
      for (const length of [0, 125, 126, 65_535, 65_536, 1_048_576]) {
        const bytes = new Uint8Array(length).map((_, index) => index * 7);
        socket.send(bytes);
        const echoed = new Uint8Array((await heard()).data as ArrayBuffer);
        same.push(echoed.length === length && echoed.every((byte, index) => byte === bytes[index]));
      }
      const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener('close', resolve));
      socket.close(4002, 'done here');
      const { code, reason, wasClean } = await closed;
      return { protocol: socket.protocol, extensions: socket.extensions, same, code, reason, wasClean };
    }, listener.url);
    expect(found).toMatchObject({ protocol: 'second', extensions, code: 4002, wasClean: true });
    expect(found.same).toEqual(Array(9).fill(true));
    expect(await accepted.at(-1)?.closed).toEqual({ code: 4002, reason: 'done here', wasClean: true });
  });

  test('our server pings, and its close arrives with code and reason', async () => {
    const count = accepted.length;
    const closed = page.evaluate(async (url) => {
      const socket = new WebSocket(url);
      const { code, reason, wasClean } = await new Promise<CloseEvent>((resolve) => {
        socket.addEventListener('open', () => socket.send('here'));
        socket.addEventListener('close', resolve);
      });
      return { code, reason, wasClean };
    }, listener.url);
    await expect.poll(() => accepted.length).toBe(count + 1);
    const connection = accepted[count]!;
    expect(await connection.ping()).toBeGreaterThanOrEqual(0);
    await connection.close(4003, 'that is all');
    expect(await closed).toEqual({ code: 4003, reason: 'that is all', wasClean: true });
  });

  test('a page of another origin is refused', async () => {
    const refused = await listen({ origins: ['https://elsewhere.example'] }, () => {});
    try {
      const code = await page.evaluate(
        (url) =>
          new Promise<number>((resolve) => {
            new WebSocket(url).addEventListener('close', (event) => resolve(event.code));
          }),
        refused.url,
      );
      expect(code).toBe(1006);
    } finally {
      await refused.close({ timeoutMs: 100 });
    }
  });
});
