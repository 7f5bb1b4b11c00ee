import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missing, temporaryDirectory } from '@wsferry/testing';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Demo, startDemo } from '../server/serve-demo.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const token = 'correct-horse-battery-staple';

describe.skipIf(missing('chromium'))('the page of a server with a token, in a real Chromium', () => {
  let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
  let demo: Demo;
  let browser: Browser;
  let page: string;
  let received: string;

  beforeAll(async () => {
    folder = await temporaryDirectory();
    page = join(folder.path, 'page');
    received = join(folder.path, 'received');
    await mkdir(received);
    await build({
      configFile: here('../vite.config.ts'),
      logLevel: 'warn',
      build: { outDir: page, emptyOutDir: true },
    });
    demo = await startDemo({ host: '127.0.0.1', port: 0, dir: received, page, token });
    browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: ['--headless', '--no-sandbox', '--disable-gpu'],
    });
  });

  afterAll(async () => {
    await browser?.close();
    await demo?.close();
    await folder?.remove();
  });

  const gate = (tab: Page) => tab.getByLabel('Token', { exact: true });
  const opened = (tab: Page) => tab.locator('[role=status][data-state=open]');
  async function enter(tab: Page, given: string): Promise<void> {
    await gate(tab).fill(given);
    await tab.getByRole('button', { name: 'Come in' }).click();
  }

  test('asks for it, says when it is another one, and comes in with it', async () => {
    const tab = await browser.newPage({ viewport: { width: 1180, height: 860 } });
    await tab.goto(demo.url);
    await gate(tab).waitFor();
    expect(await opened(tab).count()).toBe(0);
    expect(await tab.getByLabel('Choose files').count()).toBe(0);
    await mkdir(here('../artifacts'), { recursive: true });
    await enter(tab, 'wrong');
    await tab.getByText('That is not the token of this receiver.').waitFor();
    await tab.screenshot({ path: here('../artifacts/demo-locked.png'), animations: 'disabled' });
    await enter(tab, 'ünsendable');
    await tab.getByText('That is not the token of this receiver.').waitFor();
    await enter(tab, ` ${token}\n`);
    await opened(tab).waitFor();
    await tab.close();
  });

  test('keeps it over a reload, and for this tab alone', async () => {
    const context = await browser.newContext();
    const tab = await context.newPage();
    await tab.goto(demo.url);
    await enter(tab, token);
    await opened(tab).waitFor();
    await tab.reload();
    await opened(tab).waitFor();
    const other = await context.newPage();
    await other.goto(demo.url);
    await gate(other).waitFor();
    expect(
      await other.evaluate(() =>
        JSON.stringify([{ ...localStorage, 'wsferry.browser': undefined }, { ...sessionStorage }, document.cookie]),
      ),
    ).toBe('[{},{},""]');
    await context.close();
  });

  test('sends with it, and fetches what arrived; without it nobody does', async () => {
    const tab = await browser.newPage();
    await tab.goto(demo.url);
    await enter(tab, token);
    const buffer = randomBytes(300_000);
    await tab.getByLabel('Choose files').setInputFiles([{ name: 'a b&?.bin', mimeType: 'x/y', buffer }]);
    const [download] = await Promise.all([
      tab.waitForEvent('download'),
      tab.locator('.arrival').getByRole('link', { name: 'a b&?.bin' }).click(),
    ]);
    expect(buffer.equals(await readFile(await download.path()))).toBe(true);

    const file = new URL('files/a%20b%26%3F.bin', demo.url);
    const statusOf = async (url: URL | string, headers: Record<string, string> = {}) => {
      const answer = await fetch(url, { headers });
      await answer.arrayBuffer();
      return answer.status;
    };
    expect(await statusOf(file)).toBe(401);
    expect(await statusOf(file, { Authorization: `Bearer ${token}` })).toBe(200);
    // What the browser's history has of it: good for this file and a minute.
    expect(await statusOf(download.url())).toBe(200);
    expect(await statusOf(download.url().replace('a%20b', 'a%20c'))).toBe(401);
    expect(await statusOf(download.url().replace(/ticket=\d/, 'ticket=9'))).toBe(401);
    expect(await statusOf(new URL('tickets/a', demo.url))).toBe(401);
    await tab.close();
  });

  test('when the server comes back with another token, the page asks for that one', async () => {
    const tab = await browser.newPage();
    await tab.goto(demo.url);
    await enter(tab, token);
    await opened(tab).waitFor();
    const port = Number(new URL(demo.url).port);
    await demo.close();
    demo = await startDemo({ host: '127.0.0.1', port, dir: received, page, token: `${token}-2` });
    await gate(tab).waitFor();
    await tab.getByText('That is not the token of this receiver.').waitFor();
    await enter(tab, `${token}-2`);
    await opened(tab).waitFor();
    await tab.close();
  });

  test('after too many wrong ones it says how long to wait', async () => {
    const tab = await browser.newPage();
    await tab.goto(demo.url);
    const wait = tab.getByText(/Too many wrong tokens came from here\. Please wait \d+ s\./);
    while ((await wait.count()) === 0) {
      await enter(tab, 'wrong');
      await tab.locator('.enter:enabled').waitFor();
    }
    await tab.close();
  });
});
