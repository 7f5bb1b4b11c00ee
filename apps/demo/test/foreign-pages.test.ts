import { writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { missing, temporaryDirectory } from '@wsferry/testing';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Demo, startDemo } from '../server/serve-demo.ts';

describe.skipIf(missing('chromium'))('a page of another site, in a real Chromium', () => {
  let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
  let demo: Demo;
  let browser: Browser;
  const elsewhere = createServer((_, response) => response.end('a page'));

  beforeAll(async () => {
    folder = await temporaryDirectory();
    demo = await startDemo({ host: '127.0.0.1', port: 0, dir: folder.path, page: folder.path });
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      // Somebody else's site, whose name leads to this machine.
      args: ['--headless', '--no-sandbox', '--disable-gpu', '--host-resolver-rules=MAP evil.example 127.0.0.1'],
    });
  });

  afterAll(async () => {
    await browser?.close();
    elsewhere.close();
    await demo?.close();
    await folder?.remove();
  });

  /** Opens `from`, and the demo's WebSocket in it; gives what the page sees. */
  async function visit(from: string): Promise<{ events: string[]; console: string[] }> {
    const page = await browser.newPage();
    const said: string[] = [];
    page.on('console', (message) => said.push(message.text()));
    await page.goto(from);
    const events = await page.evaluate(
      (url) =>
        new Promise<string[]>((resolve) => {
          const seen: string[] = [];
          const socket = new WebSocket(url, 'wsferry.v1');
          socket.onopen = () => {
            seen.push(`open ${socket.protocol}`);
            socket.close(4000);
          };
          socket.onerror = () => seen.push('error');
          socket.onclose = ({ code }) => resolve([...seen, `close ${code}`]);
        }),
      demo.url.replace('http:', 'ws:'),
    );
    if (events[0] === 'error') await expect.poll(() => said.join('\n')).toContain('response code');
    await page.close();
    return { events, console: said };
  }

  test('is refused by the demo with 403', async () => {
    const { port } = elsewhere.address() as AddressInfo;
    const { events, console } = await visit(`http://evil.example:${port}/`);
    expect(events).toEqual(['error', 'close 1006']);
    expect(console.join('\n')).toContain('Unexpected response code: 403');
  });

  test("the demo's own page is let in", async () => {
    expect((await visit(`${demo.url}files/none`)).events).toEqual(['open wsferry.v1', 'close 4000']);
  });

  test.each(['/', '/files/some.txt'])('a page whose name was made to point here reads nothing: %s', async (path) => {
    await writeFile(join(folder.path, 'some.txt'), 'private');
    const { port } = new URL(demo.url);
    const statusFor = (host: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        request(`${demo.url.slice(0, -1)}${path}`, { headers: { host }, agent: false }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        })
          .on('error', reject)
          .end();
      });
    expect(await statusFor(`rebound.example:${port}`)).toBe(403);
    expect(await statusFor(`localhost:${port}`)).not.toBe(403);
  });
});
