import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { missing, temporaryDirectory } from '@wsferry/testing';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Demo, startDemo } from '../server/serve-demo.ts';
import { silentLine } from './silent-line.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const shell = here('../../../packages/cli/src/main.ts');

describe.skipIf(missing('chromium'))('the page in a real Chromium', { timeout: 120_000 }, () => {
  let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
  let demo: Demo;
  let browser: Browser;

  beforeAll(async () => {
    folder = await temporaryDirectory();
    const page = join(folder.path, 'page');
    const received = join(folder.path, 'received');
    await mkdir(received);
    await build({
      configFile: here('../vite.config.ts'),
      logLevel: 'warn',
      build: { outDir: page, emptyOutDir: true },
    });
    demo = await startDemo({ host: '127.0.0.1', port: 0, dir: received, page });
    browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: ['--headless', '--no-sandbox', '--disable-gpu'],
    });
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await demo?.close();
    await folder?.remove();
  }, 30_000);

  async function openTab(url: string): Promise<Page> {
    const tab = await browser.newPage({ viewport: { width: 1180, height: 860 } });
    tab.setDefaultTimeout(60_000);
    await tab.goto(url);
    await status(tab, 'open').waitFor();
    return tab;
  }
  const status = (tab: Page, state: string) => tab.locator(`[role=status][data-state=${state}]`);

  test('lists what comes in folders by its path, and its link serves that file', async () => {
    const tab = await openTab(demo.url);
    const tree = join(folder.path, 'tree');
    await mkdir(join(tree, 'empty'), { recursive: true });
    await mkdir(join(tree, 'spring tides'));
    await writeFile(join(tree, 'a.txt'), 'outer');
    await writeFile(join(tree, 'spring tides', 'a.txt'), 'inner');
    // Rejects unless it ends with 0, which an empty folder that is refused forbids.
    await promisify(execFile)(
      process.execPath,
      ['--conditions=@wsferry/source', '--import', 'tsx', shell, 'send', tree, '--to', demo.url.replace('http', 'ws')],
      { cwd: dirname(dirname(shell)) },
    );
    for (const [path, content] of [
      ['tree/a.txt', 'outer'],
      ['tree/spring tides/a.txt', 'inner'],
    ] as const) {
      const link = tab.locator('.arrival').getByRole('link', { name: path, exact: true });
      const [download] = await Promise.all([tab.waitForEvent('download'), link.click()]);
      expect(await readFile(await download.path(), 'utf8')).toBe(content);
    }
    await tab.close();
  });

  test('gives up a try to connect that nobody answers, and comes back when somebody does', async () => {
    const line = await silentLine(Number(new URL(demo.url).port));
    const tab = await openTab(`http://127.0.0.1:${line.port}`);
    line.mute(true);
    line.drop();
    await status(tab, 'connecting').waitFor();
    // Neither the question at the door nor the WebSocket is answered: both have ended when the page waits for its next try.
    await status(tab, 'lost').waitFor();
    line.mute(false);
    await status(tab, 'open').waitFor();
    await tab.close();
    line.close();
  });
});
