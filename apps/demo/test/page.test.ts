import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { missing, temporaryDirectory } from '@wsferry/testing';
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Demo, startDemo } from '../server/serve-demo.ts';
import { silentLine } from './silent-line.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const shell = here('../../../packages/cli/src/main.ts');
const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');
const patienceMs = 60_000;

describe.skipIf(missing('chromium'))('the page in a real Chromium', { timeout: 120_000 }, () => {
  let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
  let received: string;
  let page: string;
  let demo: Demo;
  let browser: Browser;
  let context: BrowserContext;
  let first: Page;
  let second: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    folder = await temporaryDirectory();
    received = join(folder.path, 'received');
    page = join(folder.path, 'page');
    await mkdir(received);
    await build({
      configFile: here('../vite.config.ts'),
      logLevel: 'warn',
      build: { outDir: page, emptyOutDir: true },
    });
    demo = await startDemo({ host: '127.0.0.1', port: 0, dir: received, page });
    browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
    context = await browser.newContext({ viewport: { width: 1180, height: 860 }, deviceScaleFactor: 1.5 });
    context.setDefaultTimeout(patienceMs);
    first = await openTab();
    second = await openTab();
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await demo?.close();
    await folder?.remove();
  }, 30_000);

  // What one test holds up is not in the way of the next, also when that one failed.
  afterEach(async () => {
    for (const tab of context?.pages() ?? []) await tab.evaluate(() => void dispatchEvent(new Event('let-go')));
  });

  async function openTab(url = demo.url): Promise<Page> {
    const tab = await context.newPage();
    // Also how a violation of the Content-Security-Policy shows.
    tab.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    tab.on('pageerror', (error) => complaints.push(String(error)));
    await tab.goto(url);
    await tab.locator('[role=status][data-state=open]').waitFor();
    return tab;
  }

  const upload = (tab: Page, name: string): Locator => tab.locator('.upload', { hasText: name }).first();
  const arrival = (tab: Page, name: string): Locator => tab.locator('.arrival', { hasText: name }).first();
  async function pick(
    tab: Page,
    files: string[] | { name: string; mimeType: string; buffer: Buffer }[],
  ): Promise<void> {
    await tab.bringToFront(); // A browser slows the timers of a page down that nobody sees.
    await tab.getByLabel('Choose files').setInputFiles(files);
  }
  async function pickLarge(tab: Page, name: string, bytes: number): Promise<void> {
    const path = join(folder.path, name);
    await writeFile(path, Buffer.alloc(bytes, name));
    await pick(tab, [path]);
  }
  const untilHalfWay = (row: Locator) =>
    vi.waitFor(
      async () => expect(Number(await row.getByRole('progressbar').getAttribute('aria-valuenow'))).toBeGreaterThan(35),
      patienceMs,
    );
  const namesReceived = async () => (await readdir(received)).filter((name) => !name.startsWith('.'));

  /** A slow disk under the tab, which stops after so many chunks until it is let go: an upload to be met half way. */
  async function holdReading(tab: Page, chunks: number): Promise<() => Promise<void>> {
    await tab.bringToFront();
    await tab.evaluate((chunksBefore) => {
      const read = Blob.prototype.arrayBuffer;
      const released = new Promise((resolve) => addEventListener('let-go', resolve, { once: true }));
      let left = chunksBefore;
      Blob.prototype.arrayBuffer = async function () {
        await (left-- > 0 ? new Promise((resolve) => setTimeout(resolve, 5)) : released);
        return read.call(this);
      };
    }, chunks);
    return () => tab.evaluate(() => void dispatchEvent(new Event('let-go')));
  }

  test('a picked file is verified, stored, and listed in both tabs', async () => {
    const photos = randomBytes(9_000_000);
    await pick(first, [{ name: 'harbour at dawn.raw', mimeType: 'application/octet-stream', buffer: photos }]);
    await upload(first, 'harbour at dawn.raw').getByText('MD5 verified').waitFor();
    expect(await upload(first, 'harbour at dawn.raw').getByRole('progressbar').getAttribute('aria-valuenow')).toBe(
      '100',
    );
    // Not toEqual: it looks at every byte as if it were an object of its own.
    expect(photos.equals(await readFile(join(received, 'harbour at dawn.raw')))).toBe(true);
    for (const tab of [first, second]) {
      await arrival(tab, 'harbour at dawn.raw').getByText(md5(photos)).waitFor();
    }
  });

  test('several files dropped at once, an empty one among them, are all verified', async () => {
    await second.bringToFront();
    await second.evaluate(() => {
      const data = new DataTransfer();
      data.items.add(new File(['timetable, summer\n'.repeat(2000)], 'timetable.txt'));
      data.items.add(new File([], 'empty.txt'));
      data.items.add(new File([new Uint8Array(700_000).fill(7)], 'horaires d’été <b>.bin'));
      for (const type of ['dragenter', 'dragover', 'drop']) {
        document.body.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
      }
    });
    for (const name of ['timetable.txt', 'empty.txt', 'horaires d’été <b>.bin']) {
      await upload(second, name).getByText('MD5 verified').waitFor();
    }
    await arrival(first, 'timetable.txt').waitFor();
    await arrival(first, 'empty.txt').waitFor();
    expect(await readFile(join(received, 'empty.txt'))).toHaveLength(0);
  });

  test('a received file comes back as a download, byte by byte; nothing outside of the folder does', async () => {
    const [download] = await Promise.all([
      second.waitForEvent('download'),
      arrival(second, 'timetable.txt').getByRole('link').click(),
    ]);
    expect(await readFile(await download.path(), 'utf8')).toBe('timetable, summer\n'.repeat(2000));

    const answer = await fetch(new URL('files/timetable.txt', demo.url));
    expect(answer.headers.get('content-disposition')).toMatch(/^attachment/);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    await answer.arrayBuffer();
    for (const path of ['files/..%2Fpage%2Findex.html', 'files/.wsferry', 'files/', 'files/%00', 'files/%E0']) {
      expect((await fetch(new URL(path, demo.url))).status).toBe(404);
    }
  });

  test('cancelling an upload half way leaves nothing under a name', async () => {
    const letGo = await holdReading(first, 40);
    await pickLarge(first, 'whole archive.tar', 16_000_000);
    await untilHalfWay(upload(first, 'whole archive.tar'));
    await first.getByRole('button', { name: 'Cancel whole archive.tar' }).click();
    await letGo();
    await upload(first, 'whole archive.tar').getByText('cancelled', { exact: true }).waitFor();
    expect(await namesReceived()).not.toContain('whole archive.tar');
    await pick(first, [{ name: 'tide table.csv', mimeType: 'text/csv', buffer: Buffer.from('06:12;4.1\n') }]);
    await upload(first, 'tide table.csv').getByText('MD5 verified').waitFor();
  });

  test.skipIf(!existsSync(shell))('a file sent from the shell appears in the open page', async () => {
    const chart = join(folder.path, 'sea-chart.pdf');
    await writeFile(chart, randomBytes(2_400_000));
    await promisify(execFile)(
      process.execPath,
      ['--conditions=@wsferry/source', '--import', 'tsx', shell, 'send', chart, '--to', demo.url.replace('http', 'ws')],
      { cwd: dirname(dirname(shell)), timeout: patienceMs },
    );
    for (const tab of [first, second]) await arrival(tab, 'sea-chart.pdf').waitFor();
  });

  test('one upload under way among finished ones makes the picture for the README', async () => {
    const letGo = await holdReading(first, 100);
    await pickLarge(first, 'crossing, uncut.mov', 40_000_000);
    const row = upload(first, 'crossing, uncut.mov');
    await untilHalfWay(row);
    await row.getByText('left').waitFor();
    await first.mouse.move(0, 0);
    await mkdir(here('../artifacts'), { recursive: true });
    const picture = here('../artifacts/demo.png');
    await first.screenshot({ path: picture, fullPage: true, animations: 'disabled' });
    await first.emulateMedia({ colorScheme: 'dark' });
    await first.screenshot({ path: here('../artifacts/demo-dark.png'), fullPage: true, animations: 'disabled' });
    await first.emulateMedia({ colorScheme: null });
    if (process.env['WSFERRY_UPDATE_PICTURES']) {
      await mkdir(here('../../../docs/pictures'), { recursive: true });
      await copyFile(picture, here('../../../docs/pictures/demo.png'));
    }
    await letGo();
    await row.getByText('MD5 verified').waitFor();
  });

  test('an upload is paused and goes on, and the receiver waits meanwhile', async () => {
    const letGo = await holdReading(first, 40);
    await pickLarge(first, 'slack water.bin', 16_000_000);
    const row = upload(first, 'slack water.bin');
    await untilHalfWay(row);
    await first.getByRole('button', { name: 'Pause slack water.bin' }).click();
    await row.getByText('paused', { exact: true }).waitFor();
    await letGo();
    await first.getByRole('button', { name: 'Continue slack water.bin' }).click();
    await row.getByText('MD5 verified').waitFor();
  });

  test('two different files of one name are both delivered, and the same file chosen twice is stored once', async () => {
    const letGo = await holdReading(first, 4);
    const photos = [Buffer.alloc(2_000_000, 'harbour'), Buffer.alloc(2_100_000, 'beach')];
    for (const [index, photo] of photos.entries()) {
      await mkdir(join(folder.path, `card ${index}`));
      await writeFile(join(folder.path, `card ${index}`, 'IMG.jpg'), photo);
      await pick(first, [join(folder.path, `card ${index}`, 'IMG.jpg')]);
    }
    await pick(first, [join(folder.path, 'card 0', 'IMG.jpg')]);
    const rows = first.locator('.upload', { hasText: 'IMG.jpg' });
    await vi.waitFor(async () => expect(await rows.getByRole('progressbar').count()).toBe(3), patienceMs);
    await letGo();
    await vi.waitFor(async () => expect(await rows.getByText('MD5 verified').count()).toBe(3), patienceMs);
    const stored = (await namesReceived()).filter((name) => name.startsWith('IMG')).sort();
    expect(stored).toEqual(['IMG (1).jpg', 'IMG.jpg']);
    const digests = await Promise.all(stored.map(async (name) => md5(await readFile(join(received, name)))));
    expect(digests.sort()).toEqual(photos.map(md5).sort());
  });

  test('when the server restarts under an upload, it goes on where it was, by itself', async () => {
    expect(complaints).toEqual([]); // From here on, failed attempts to connect are in the console by design.
    const letGo = await holdReading(first, 40);
    await pickLarge(first, 'half a crossing.iso', 16_000_000);
    const row = upload(first, 'half a crossing.iso');
    await untilHalfWay(row);
    const port = Number(new URL(demo.url).port);
    await demo.close();
    await first.locator('[role=status][data-state=lost]').waitFor();
    await row.getByText(/^line lost at \d+(\.\d)? %, goes on by itself$/).waitFor();
    await pick(first, [{ name: 'in line.txt', mimeType: 'text/plain', buffer: Buffer.from('here again') }]);
    await upload(first, 'in line.txt').getByText('in line', { exact: true }).waitFor();

    demo = await startDemo({ host: '127.0.0.1', port, dir: received, page });
    await first
      .getByRole('button', { name: 'Try now' })
      .click({ timeout: 1000 })
      .catch(() => {}); // or it has done so itself
    await first.locator('[role=status][data-state=open]').waitFor();
    await letGo(); // what was sent already is read once more, to be compared
    await row.getByText('MD5 verified').waitFor();
    await row.getByText(/, went on at \d/).waitFor();
    await upload(first, 'in line.txt').getByText('MD5 verified').waitFor();
    expect(await namesReceived()).toContain('half a crossing.iso');
    const late = await openTab();
    await arrival(late, 'sea-chart.pdf').waitFor();
    expect(await late.locator('.arrival').count()).toBe((await namesReceived()).length);
  });

  test('after a reload in the middle of an upload, the same file goes on where it was when it is chosen again', async () => {
    const tab = await openTab();
    await holdReading(tab, 40);
    await pickLarge(tab, 'ebb and flow.bin', 16_000_000);
    await untilHalfWay(upload(tab, 'ebb and flow.bin'));
    await tab.reload();
    await tab.locator('[role=status][data-state=open]').waitFor();
    const letGo = await holdReading(tab, 60);
    await pick(tab, [join(folder.path, 'ebb and flow.bin')]);
    const row = upload(tab, 'ebb and flow.bin');
    await letGo();
    await row.getByText('MD5 verified').waitFor();
    await row.getByText(/, went on at [3-9]\d/).waitFor();
    expect(md5(await readFile(join(received, 'ebb and flow.bin')))).toBe(
      md5(Buffer.alloc(16_000_000, 'ebb and flow.bin')),
    );
    expect((await namesReceived()).filter((name) => name.startsWith('ebb'))).toEqual(['ebb and flow.bin']);
  });

  test('a line that dies without a word in the middle of an upload is noticed, and the upload goes on over another', async () => {
    const line = await silentLine(Number(new URL(demo.url).port));
    const tab = await openTab(`http://127.0.0.1:${line.port}`);
    const letGo = await holdReading(tab, 40);
    await pickLarge(tab, 'in the lift.bin', 16_000_000);
    const row = upload(tab, 'in the lift.bin');
    await untilHalfWay(row);
    // Said only until there is another one, which a look now and then might miss.
    const said = tab.evaluate(
      () =>
        new Promise<void>((resolve) => {
          const look = () => document.body.textContent?.includes('line lost at') && resolve();
          new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
        }),
    );
    line.silence();
    await said;
    await letGo();
    await row.getByText('MD5 verified').waitFor();
    await row.getByText(/, went on at [3-9]\d/).waitFor();
    await tab.close();
    line.close();
  });

  test('of a folder with more files than the list holds, the heading says that these are the latest', async () => {
    const port = Number(new URL(demo.url).port);
    await demo.close();
    for (let number = 1; number <= 110; number++) await writeFile(join(received, `buoy ${number}.txt`), String(number));
    demo = await startDemo({ host: '127.0.0.1', port, dir: received, page });
    const tab = await openTab();
    await tab.getByText('latest 100', { exact: true }).waitFor();
    await arrival(tab, 'buoy 110.txt').waitFor();
    expect(await tab.locator('.arrival').count()).toBe(100);
  });
});
