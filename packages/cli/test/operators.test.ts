import { readdir, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { type Connection, connect } from '@wsferry/connection';
import { temporaryDirectory } from '@wsferry/testing';
import { offeredSubprotocols, SUBPROTOCOL } from '@wsferry/transfer';
import { describe, expect, test } from 'vitest';
import { parseExposition } from './exposition.ts';
import { eventsOf, startServe, wsferry } from './program.ts';

const token = 'correct-horse-battery-staple';

async function folder() {
  const here = await temporaryDirectory();
  await writeFile(join(here.path, 'a.txt'), 'one');
  await writeFile(join(here.path, 'token'), token, { mode: 0o600 });
  return here;
}

/** GET, with any headers whatever. */
function get(url: string, path: string, headers: Record<string, string> = {}, method = 'GET') {
  return new Promise<{ status: number; text: string; headers: Record<string, unknown> }>((resolve, reject) => {
    const asking = request(new URL(path, url.replace('ws:', 'http:')), { headers, method, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (more) => {
        text += more;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text, headers: answer.headers }));
    });
    asking.on('error', reject).end();
  });
}

/** A sender by hand: what it says, and what it hears. */
class ByHand {
  readonly #messages: AsyncIterator<string | Uint8Array>;
  readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
    this.#messages = connection[Symbol.asyncIterator]();
  }

  say(packet: object): void {
    this.connection.send(JSON.stringify(packet));
  }

  data(id: number, offset: number, bytes: Uint8Array): void {
    const packet = new Uint8Array(16 + bytes.length);
    const view = new DataView(packet.buffer);
    packet[0] = 1;
    view.setUint32(4, id);
    view.setBigUint64(8, BigInt(offset));
    packet.set(bytes, 16);
    this.connection.send(packet);
  }

  /** The next packet of this type. */
  async heard(type: string): Promise<Record<string, unknown>> {
    for (;;) {
      const { value, done } = await this.#messages.next();
      if (done) throw new Error(`expected ${type}, got the end of the connection`);
      if (typeof value !== 'string') continue;
      const packet = JSON.parse(value) as Record<string, unknown>;
      if (packet['type'] === type) return packet;
    }
  }
}

const byHand = async (url: string) => new ByHand(await connect(url, { protocols: [SUBPROTOCOL] }));

/** Half of a file of 100,000 zeros is stored. */
async function halfWay(url: string): Promise<ByHand> {
  const sender = await byHand(url);
  sender.say({ type: 'NEW_FILE', id: 1, name: 'half.bin', size: 100_000, resumeKey: 'key' });
  await sender.heard('ACK_NEW_FILE');
  sender.data(1, 0, new Uint8Array(50_000));
  expect(await sender.heard('ACK_FILE_DATA')).toMatchObject({ stored: 50_000 });
  return sender;
}
const MD5_OF_100_000_ZEROS = '0019d23bef56a136a1891211d7007f6f';

describe('GET /healthz', () => {
  test('is 200 as long as somebody is let in, and nothing else is served', async () => {
    await using here = await folder();
    const { program, url } = await startServe(['--healthz', '--token-file', 'token'], here.path);
    await using _ = program;
    expect(await get(url, '/healthz')).toMatchObject({
      status: 200,
      text: 'ok\n',
      headers: { 'cache-control': 'no-store' },
    });
    expect(await get(url, '/healthz?x', {}, 'HEAD')).toMatchObject({ status: 200, text: '' });
    expect(await get(url, '/healthz', {}, 'POST')).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
    for (const path of ['/', '/metrics', '/healthz/', '/received/a.txt']) {
      expect(await get(url, path)).toMatchObject({ status: 426, headers: { upgrade: 'websocket' } });
    }
    expect((await wsferry(['send', 'a.txt', '--to', url, '--token-file', 'token'], here.path)).code).toBe(0);
  });

  test('is not there unless it is asked for', async () => {
    await using here = await folder();
    const { program, url } = await startServe([], here.path);
    await using _ = program;
    expect((await get(url, '/healthz')).status).toBe(426);
  });
});

describe('GET /metrics', () => {
  test('counts connections, files and bytes, in a page that a strict reader takes', async () => {
    await using here = await folder();
    const args = ['--metrics', '--max-file', '50kB', '--token-file', 'token'];
    const { program, url } = await startServe(args, here.path);
    await using _ = program;
    const env = { WSFERRY_TOKEN: token };
    await writeFile(join(here.path, 'large'), new Uint8Array(50_001));
    await wsferry(['send', 'a.txt', 'large', '--to', url], here.path, { env });
    await wsferry(['send', 'a.txt', '--to', url], here.path, { env });
    await connect(url, { protocols: offeredSubprotocols('wrong') }).catch(() => {});
    const open = await connect(url, { protocols: offeredSubprotocols(token) });

    const answer = await get(url, '/metrics');
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    const page = parseExposition(answer.text);
    const value = (name: string, labels = '') => page.get(name)?.samples.get(labels);
    expect(value('wsferry_build_info', '{version="0.0.0"}')).toBe(1);
    expect(value('wsferry_connections')).toBe(1);
    expect(value('wsferry_connections_opened_total')).toBe(3);
    expect(value('wsferry_connections_closed_total', '{code="1000"}')).toBe(2);
    expect(value('wsferry_connections_refused_total', '{code="REFUSED",status="401"}')).toBe(1);
    expect(value('wsferry_transfers')).toBe(0);
    expect(value('wsferry_transfers_offered_total')).toBe(3);
    expect(value('wsferry_transfers_stored_total', '{existing="false"}')).toBe(1);
    expect(value('wsferry_transfers_stored_total', '{existing="true"}')).toBe(1);
    expect(value('wsferry_transfers_failed_total', '{code="TOO_LARGE"}')).toBe(1);
    expect(value('wsferry_stored_bytes_total')).toBe(3);
    expect(value('wsferry_received_bytes_total')).toBeGreaterThan(500);
    for (const name of ['wsferry_unstored_bytes', 'wsferry_unsent_bytes']) expect(value(name)).toBe(0);
    for (const name of ['wsferry_folder_free_bytes', 'process_resident_memory_bytes', 'process_start_time_seconds']) {
      expect(value(name)).toBeGreaterThan(1_000_000);
    }
    await open.close();
  });

  test('is for programs of this machine, and for who has the token', async () => {
    await using here = await folder();
    const { program, url } = await startServe(['--metrics', '--token-file', 'token'], here.path);
    await using _ = program;
    const forwarded = { 'X-Forwarded-For': '192.0.2.1' };
    expect((await get(url, '/metrics')).status).toBe(200);
    expect((await get(url, '/metrics', { Host: 'evil.example' })).status).toBe(401);
    expect((await get(url, '/metrics', forwarded)).status).toBe(401);
    expect((await get(url, '/metrics', { ...forwarded, Authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await get(url, '/metrics', { ...forwarded, Authorization: `Bearer ${token}` })).status).toBe(200);

    const open = await startServe(['--metrics'], here.path);
    await using __ = open.program;
    expect((await get(open.url, '/metrics')).status).toBe(200);
    expect(await get(open.url, '/metrics', forwarded)).toMatchObject({ status: 403 });
  });
});

describe('SIGTERM', () => {
  test('lets the file under way end, and nobody in; whoever is idle leaves at once', async () => {
    await using here = await folder();
    const { program, url } = await startServe(['--healthz', '--grace', '1h', '--json'], here.path);
    await using _ = program;
    const sender = await halfWay(url);
    const idle = await connect(url, { protocols: [SUBPROTOCOL] });
    program.signal('SIGTERM');
    expect(await idle.closed).toMatchObject({ code: 1001 });
    expect(await get(url, '/healthz')).toMatchObject({ status: 503, text: 'stopping\n' });
    await expect(connect(url, { protocols: [SUBPROTOCOL] })).rejects.toMatchObject({ status: 503 });
    sender.say({ type: 'NEW_FILE', id: 3, name: 'late', size: 1 });
    sender.data(1, 50_000, new Uint8Array(50_000));
    sender.say({ type: 'FILE_END', id: 1, md5: MD5_OF_100_000_ZEROS });
    expect(await sender.heard('ACK_FILE_END')).toMatchObject({ id: 1, code: 'OK', name: 'half.bin' });
    expect(await sender.heard('CANCEL_FILE')).toMatchObject({ id: 3, code: 'SHUTTING_DOWN' });
    expect(await sender.connection.closed).toMatchObject({ code: 1001, wasClean: true });
    const ended = await program.ended;
    expect(ended.code).toBe(143);
    const events = eventsOf(ended);
    expect(events.find(({ event }) => event === 'stopping')).toEqual({
      event: 'stopping',
      signal: 'SIGTERM',
      graceMs: 3_600_000,
    });
    expect(events.at(-1)).toMatchObject({ event: 'done', stored: 1, exitCode: 143 });
    expect(await readdir(join(here.path, 'received'))).toEqual(['half.bin']);
  });

  test('lets a file end that somebody gets, and refuses the next one', async () => {
    await using here = await folder();
    await writeFile(join(here.path, 'zeros.bin'), new Uint8Array(100_000));
    const { program, url } = await startServe(['--grace', '1h', '--dir', '.'], here.path);
    await using _ = program;
    const asker = await byHand(url);
    const idle = await connect(url, { protocols: [SUBPROTOCOL] });
    asker.say({ type: 'GET_FILE', request: 1, name: 'zeros.bin' });
    expect(await asker.heard('NEW_FILE')).toMatchObject({ id: 2, request: 1, size: 100_000 });
    program.signal('SIGTERM');
    expect(await idle.closed).toMatchObject({ code: 1001 });
    asker.say({ type: 'GET_FILE', request: 2, name: 'a.txt' });
    expect(await asker.heard('ACK_GET_FILE')).toMatchObject({ request: 2, code: 'SHUTTING_DOWN' });
    asker.say({ type: 'ACK_NEW_FILE', id: 2, code: 'OK' });
    expect(await asker.heard('FILE_END')).toMatchObject({ id: 2, md5: MD5_OF_100_000_ZEROS });
    asker.say({ type: 'ACK_FILE_END', id: 2, code: 'OK' });
    expect(await asker.connection.closed).toMatchObject({ code: 1001, wasClean: true });
    expect((await program.ended).code).toBe(143);
  });

  test.each([['0'], ['50ms']])(
    'with --grace %s what has not ended is told SHUTTING_DOWN, and can be gone on with',
    async (grace) => {
      await using here = await folder();
      const { program, url } = await startServe(['--grace', grace], here.path);
      await using _ = program;
      const sender = await halfWay(url);
      program.signal('SIGTERM');
      expect(await sender.heard('CANCEL_FILE')).toMatchObject({ id: 1, code: 'SHUTTING_DOWN' });
      expect(await sender.connection.closed).toMatchObject({ code: 1001 });
      expect((await program.ended).code).toBe(143);

      const again = await startServe([], here.path);
      await using __ = again.program;
      const second = await byHand(again.url);
      second.say({ type: 'NEW_FILE', id: 1, name: 'half.bin', size: 100_000, resumeKey: 'key' });
      expect(await second.heard('ACK_NEW_FILE')).toMatchObject({ code: 'OK', offset: 50_000 });
      second.data(1, 50_000, new Uint8Array(50_000));
      second.say({ type: 'FILE_END', id: 1, md5: MD5_OF_100_000_ZEROS });
      expect(await second.heard('ACK_FILE_END')).toMatchObject({ code: 'OK' });
      await second.connection.close();
    },
  );

  test('a second one ends at once', async () => {
    await using here = await folder();
    const { program, url } = await startServe(['--grace', '1h'], here.path);
    await using _ = program;
    const sender = await halfWay(url);
    program.signal('SIGTERM');
    await program.printed(/stopping: files under way have 1h to end \(another signal ends now\)/);
    // A copy that comes within 250 ms is the same one; one of these is the second.
    const impatience = setInterval(() => program.signal('SIGTERM'), 50);
    const { code } = await program.ended;
    clearInterval(impatience);
    expect(code).toBe(143);
    expect(await sender.connection.closed).toMatchObject({ code: 1006 });
  });

  test('Ctrl-C does not wait', async () => {
    await using here = await folder();
    const { program, url } = await startServe(['--grace', '1h'], here.path);
    await using _ = program;
    const sender = await halfWay(url);
    program.signal('SIGINT');
    expect(await sender.heard('CANCEL_FILE')).toMatchObject({ code: 'SHUTTING_DOWN' });
    expect((await program.ended).code).toBe(130);
  });
});

describe('--log json', () => {
  test('tells of every connection and file, with time and address, and without progress', async () => {
    await using here = await folder();
    const args = ['--log', 'json', '--token-file', 'token', '--trust-proxy', '127.0.0.1'];
    const { program, url } = await startServe(args, here.path);
    await using _ = program;
    await wsferry(['send', 'a.txt', '--to', url], here.path, { env: { WSFERRY_TOKEN: token } });
    const headers = [['X-Forwarded-For', '192.0.2.7']] as const;
    await connect(url, { protocols: offeredSubprotocols('wrong-token-of-somebody'), headers }).catch(() => {});
    await program.printed(/"refused".*\n/);
    program.signal('SIGINT');
    const ended = await program.ended;
    expect(ended.stdout).not.toContain('token-of-somebody');
    const events = eventsOf(ended);
    expect(events.slice(1)).toEqual([
      { event: 'opened', connection: 1, remote: '127.0.0.1' },
      { event: 'offered', connection: 1, id: 1, name: 'a.txt', size: 3 },
      expect.objectContaining({ event: 'stored', connection: 1, id: 1, name: 'a.txt', size: 3, existing: false }),
      {
        event: 'closed',
        connection: 1,
        remote: '127.0.0.1',
        code: 1000,
        message: 'done',
        durationMs: expect.any(Number),
        bytes: expect.any(Number),
      },
      {
        event: 'refused',
        remote: '192.0.2.7',
        code: 'REFUSED',
        status: 401,
        message: 'expected the bearer token of this server, got another one',
      },
      { event: 'stopping', signal: 'SIGINT' },
      { event: 'done', stored: 1, failed: 0, exitCode: 130 },
    ]);
  });

  test('a mistake in the command line is an event, too', async () => {
    await using here = await folder();
    const ended = await wsferry(['serve', '--log', 'json', '--port', 'x'], here.path);
    expect(ended).toMatchObject({ code: 2, stderr: '' });
    expect(eventsOf(ended)).toEqual([expect.objectContaining({ event: 'error', code: 'USAGE' })]);
    expect((await wsferry(['serve', '--log', 'xml'], here.path)).code).toBe(2);
  });

  test('a terminal hears of who was not let in', async () => {
    await using here = await folder();
    const { program, url } = await startServe(['--token-file', 'token'], here.path);
    await using _ = program;
    await connect(url, { protocols: [SUBPROTOCOL] }).catch(() => {});
    program.signal('SIGINT');
    expect((await program.ended).stderr).toBe('refused 127.0.0.1: expected a bearer token, got none (401)\n');
  });
});
