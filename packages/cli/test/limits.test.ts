import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '@wsferry/connection';
import { temporaryDirectory } from '@wsferry/testing';
import { bytesSource, openSession, SUBPROTOCOL } from '@wsferry/transfer';
import { describe, expect, test } from 'vitest';
import { eventsOf, startServe, wsferry } from './program.ts';

async function folder() {
  const here = await temporaryDirectory();
  await writeFile(join(here.path, 'small'), new Uint8Array(1000));
  await writeFile(join(here.path, 'large'), new Uint8Array(2000));
  return here;
}
const received = async (path: string) =>
  (await readdir(join(path, 'received'))).filter((name) => name !== '.wsferry').sort();

describe('serve with a limit refuses what is beyond it, and the sender ends with 4', () => {
  test.each<[string[], string, RegExp, string[]]>([
    [['--read-only'], 'FORBIDDEN', /takes no files/, []],
    [['--max-file', '1kB'], 'TOO_LARGE', /at most 1000 bytes are taken/, ['small']],
    [['--max-total', '1.5kB'], 'NO_SPACE', /room for 1\.5 kB of the 1\.5 kB that its folder may hold/, ['small']],
    [['--min-free', '8000TiB'], 'NO_SPACE', /the receiver has room for 0 bytes/, []],
  ])('%j: %s', async (args, code, message, taken) => {
    await using here = await folder();
    const { program, url } = await startServe(args, here.path);
    await using _ = program;
    const large = await wsferry(['send', 'large', '--to', url, '--json'], here.path);
    const failed = eventsOf(large).find(({ event }) => event === 'failed');
    expect(failed).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(large.code).toBe(4);
    await wsferry(['send', 'small', '--to', url], here.path);
    expect(await received(here.path)).toEqual(taken);
  });

  test('--read-only: a note is refused, too', async () => {
    await using here = await folder();
    const { program, url } = await startServe(['--read-only'], here.path);
    await using _ = program;
    const { code, stderr } = await wsferry(['note', 'lunch is ready', '--from', url], here.path);
    expect(stderr).toBe('wsferry: refused by the receiver: this side takes no notes\n');
    expect(code).toBe(4);
  });

  test('--read-only says so', async () => {
    await using here = await folder();
    const { program } = await startServe(['--read-only', '--json'], here.path);
    await using _ = program;
    program.signal('SIGINT');
    expect(eventsOf(await program.ended)[0]).toMatchObject({ event: 'receiver', readOnly: true });
  });
});

test('--max-transfers: of many files of several senders one moves at a time, and all arrive', async () => {
  await using here = await folder();
  const { program, url } = await startServe(['--max-transfers', '1', '--json'], here.path);
  await using _ = program;
  const names = Array.from({ length: 12 }, (_, index) => `file-${index}`);
  for (const name of names) await writeFile(join(here.path, name), new Uint8Array(100_000));
  const ended = await Promise.all([
    wsferry(['send', ...names.slice(0, 6), '--to', url], here.path),
    wsferry(['send', ...names.slice(6), '--to', url], here.path),
  ]);
  expect(ended.map(({ code, stderr }) => ({ code, stderr }))).toEqual([
    { code: 0, stderr: '' },
    { code: 0, stderr: '' },
  ]);
  expect(await received(here.path)).toEqual(names.sort());
  program.signal('SIGINT');
  const moving = new Set<unknown>();
  for (const { event, id } of eventsOf(await program.ended)) {
    if (event === 'progress') moving.add(id);
    if (event === 'stored') moving.delete(id);
    expect(moving.size).toBeLessThanOrEqual(1);
  }
});

test('--max-transfers: who resumes a file does not wait behind the connection that he has lost', async () => {
  await using here = await folder();
  const { program, url } = await startServe(['--max-transfers', '1', '--json'], here.path);
  await using _ = program;
  const session = async () => openSession(await connect(url, { protocols: [SUBPROTOCOL] }), { role: 'opener' });
  const source = { ...bytesSource('film', new Uint8Array(1_000_000).fill(7)), resumeKey: 'key' };
  /** As a sender behind a cable that was pulled: nothing more comes, and the connection stays. */
  const silent: typeof source = {
    ...source,
    open: async (options) => {
      const opened = await source.open({ ...options, chunkBytes: 300_000 });
      let parts = 0;
      return { ...opened, read: () => (parts++ === 0 ? opened.read() : new Promise(() => {})) };
    },
  };
  const [older, newer] = [await session(), await session()];
  const lost = older.sendFile(silent);
  lost.catch(() => {});
  await program.printed(/"event":"progress".*"stored":300000/);
  const events: unknown[] = [];
  expect(await newer.sendFile(source, { onEvent: (event) => events.push(event) })).toMatchObject({ size: 1_000_000 });
  await expect(lost).rejects.toMatchObject({ code: 'SUPERSEDED', side: 'peer' });
  expect(events).toEqual([{ type: 'resumed', offset: 300_000 }]);
  expect(await received(here.path)).toEqual(['film']);
  await Promise.all([older.close(), newer.close()]);
});

test('--write-only: nobody hears what is here, and files are taken', async () => {
  await using here = await folder();
  const { program, url } = await startServe(['--write-only'], here.path);
  await using _ = program;
  expect((await wsferry(['send', 'small', '--to', url], here.path)).code).toBe(0);
  const connection = await connect(url, { protocols: [SUBPROTOCOL] });
  const ask = [
    '{"type":"WATCH","recent":9}',
    '{"type":"LIST_FILES","request":1}',
    '{"type":"GET_FILE","request":2,"name":"small"}',
  ];
  for (const packet of ask) connection.send(packet);
  const answers: unknown[] = [];
  for await (const text of connection) {
    answers.push(JSON.parse(String(text)));
    if (answers.length === ask.length) void connection.close();
  }
  expect(answers).toEqual([
    expect.objectContaining({ type: 'ERROR', code: 'FORBIDDEN' }),
    expect.objectContaining({ type: 'FILE_LIST', code: 'FORBIDDEN' }),
    expect.objectContaining({ type: 'ACK_GET_FILE', code: 'FORBIDDEN' }),
  ]);
});

test('--write-only: whoever offers the name and size of a file learns nothing of what is in it', async () => {
  await using here = await folder();
  const { program, url } = await startServe(['--write-only'], here.path);
  await using _ = program;
  await writeFile(join(here.path, 'received', 'secret.txt'), 'attack at dawn');
  const connection = await connect(url, { protocols: [SUBPROTOCOL] });
  connection.send('{"type":"NEW_FILE","id":1,"name":"secret.txt","size":14,"resumeKey":"a-guess"}');
  for await (const text of connection) {
    const answer = JSON.parse(String(text)) as Record<string, unknown>;
    expect(answer).toEqual({ type: 'ACK_NEW_FILE', id: 1, code: 'OK', window: expect.any(Number) });
    break;
  }
  await connection.close();
  // Not even to who guesses all of it.
  await writeFile(join(here.path, 'secret.txt'), 'attack at dawn');
  const sent = eventsOf(await wsferry(['send', 'secret.txt', '--to', url, '--json'], here.path));
  expect(sent.find(({ event }) => event === 'stored')).toMatchObject({ existing: false });
  expect(await received(here.path)).toEqual(['secret (1).txt', 'secret.txt']);
});

test.each([
  [['--max-file', '10G'], /'--max-file <size>' argument '10G' is invalid\. expected a size such as/],
  [['--max-total', ''], /expected a size such as/],
  [['--min-free', '-1'], /expected a size such as/],
  [['--max-transfers', '0'], /expected a whole number from 1 on/],
  [['--max-transfers', '1.5'], /expected a whole number from 1 on/],
  [['--read-only', '--write-only'], /'--read-only' cannot be used with option '--write-only'/],
])('serve %j: a usage error, exit 2', async (args, message) => {
  await using here = await folder();
  const ended = await wsferry(['serve', '--port', '0', ...args], here.path);
  expect(ended.stderr).toMatch(message);
  expect(ended.code).toBe(2);
});
