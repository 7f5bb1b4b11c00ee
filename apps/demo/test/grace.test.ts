import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '@wsferry/connection';
import { temporaryDirectory } from '@wsferry/testing';
import { bytesSource, type FileSource, openSession, SUBPROTOCOL } from '@wsferry/transfer';
import { describe, expect, test } from 'vitest';
import { startDemo } from '../server/serve-demo.ts';

const HOUR_MS = 3_600_000;

/** A demo with a large file in its folder, and an upload that stays in its middle until it may go on. */
async function busyDemo(here: string) {
  const dir = join(here, 'received');
  await mkdir(dir);
  await writeFile(join(dir, 'large.bin'), new Uint8Array(30_000_000));
  const demo = await startDemo({ host: '127.0.0.1', port: 0, dir, page: here });
  const address = demo.url.replace('http:', 'ws:');
  const session = openSession(await connect(address, { protocols: [SUBPROTOCOL] }), { role: 'opener' });
  let goOn = () => {};
  const gate = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const source = bytesSource('a.bin', new Uint8Array(500_000));
  const open: FileSource['open'] = async (options) => {
    const opened = await source.open({ ...options, chunkBytes: 100_000 });
    let parts = 0;
    const read = async () => {
      if (parts++ > 0) await gate;
      return opened.read();
    };
    return { ...opened, read };
  };
  let half = () => {};
  const began = new Promise<void>((resolve) => {
    half = resolve;
  });
  const sent = session.sendFile({ ...source, open }, { onProgress: ({ stored }) => stored > 0 && half() });
  sent.catch(() => {});
  await began;
  return { demo, dir, address, sent, session, goOn };
}

describe('a demo that is told to stop', () => {
  test('with some grace: what is under way ends, up and down, and nobody is let in any more', async () => {
    await using here = await temporaryDirectory();
    const { demo, dir, address, sent, session, goOn } = await busyDemo(here.path);
    const download = await fetch(`${demo.url}files/large.bin`);
    const closed = demo.close(HOUR_MS);
    await expect(connect(address, { protocols: [SUBPROTOCOL] })).rejects.toMatchObject({ status: 503 });
    expect((await fetch(demo.url)).status).toBe(503);
    expect((await download.arrayBuffer()).byteLength).toBe(30_000_000);
    goOn();
    expect(await sent).toMatchObject({ name: 'a.bin', size: 500_000 });
    await closed;
    await session.closed;
    expect(await readFile(join(dir, 'a.bin'))).toHaveLength(500_000);
  });

  test.each([0, 50])('with %i ms: what has not ended by then is told so', async (graceMs) => {
    await using here = await temporaryDirectory();
    const { demo, sent } = await busyDemo(here.path);
    const closed = demo.close(graceMs);
    await expect(sent).rejects.toMatchObject({ code: 'SHUTTING_DOWN', side: 'peer' });
    await closed;
  });
});
