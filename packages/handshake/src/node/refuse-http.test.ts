import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import { describe, expect, test } from 'vitest';
import { cleanups, dial, readAll, start } from '../../test/harness.ts';
import { parseResponseHead, refusalCode } from '../index.ts';
import { answerNoUpgrade, isFromThisMachine } from './index.ts';

type Headers = Record<string, string | string[]>;

/** Whether a server with these trusted proxies takes a request with these headers for one of this machine. */
async function judged(
  headers: Headers,
  trustedProxies?: string[],
  where: { path?: string; localAddress?: string } = {},
) {
  const server = createServer((asked, response) =>
    response.end(String(isFromThisMachine(asked, trustedProxies ? { trustedProxies } : {}))),
  );
  const { port } = where.path
    ? await new Promise<{ port: number }>((resolve) => server.listen(where.path, () => resolve({ port: 0 })))
    : await start(server);
  cleanups.push(() => server.close());
  return new Promise<boolean>((resolve, reject) => {
    const to = where.path ? { socketPath: where.path } : { host: '127.0.0.1', port, ...where };
    const asking = request({ ...to, headers: { Host: `127.0.0.1:${port}`, ...headers }, agent: false }, (answer) => {
      answer.setEncoding('utf8').on('data', (text) => resolve(text === 'true'));
    });
    asking.on('error', reject).end();
  });
}

describe('a request', () => {
  test.each<[string, Headers, string[] | undefined, boolean]>([
    ['from here', {}, undefined, true],
    ['from here, by name', { Host: 'localhost:1' }, undefined, true],
    ['from here, by IPv6', { Host: '[::1]' }, undefined, true],
    ['from a page whose name was made to point here', { Host: 'evil.example' }, undefined, false],
    ['for a name that only ends so', { Host: 'evillocalhost' }, undefined, false],
    ['for what is no name', { Host: 'evil.example@127.0.0.1' }, undefined, false],
    ['through a proxy that nobody trusts', { 'X-Forwarded-For': '127.0.0.1' }, undefined, false],
    ['through another one', { Via: '1.1 proxy' }, undefined, false],
    ['through a trusted proxy, from elsewhere', { 'X-Forwarded-For': '192.0.2.1' }, ['127.0.0.1'], false],
    ['through a trusted proxy, with a lie', { 'X-Forwarded-For': '127.0.0.1, 192.0.2.1' }, ['127.0.0.1'], false],
    ['through a trusted proxy, from here', { 'X-Forwarded-For': '127.0.0.3' }, ['127.0.0.1'], true],
    ['where a proxy is trusted, directly', {}, ['127.0.0.1'], true],
  ])('%s', async (_, headers, trusted, expected) => {
    expect(await judged(headers, trusted)).toBe(expected);
  });

  test('through a Unix socket is of this machine, unless a trusted proxy names somebody', async () => {
    await using here = await temporaryDirectory();
    const path = join(here.path, 'a.sock');
    expect(await judged({ Host: 'localhost' }, undefined, { path })).toBe(true);
    expect(await judged({ Host: 'localhost', 'X-Forwarded-For': '192.0.2.1' }, ['unix'], { path: `${path}2` })).toBe(
      false,
    );
    expect(await judged({ Host: 'localhost', 'X-Forwarded-For': 'unknown' }, ['unix'], { path: `${path}3` })).toBe(
      false,
    );
  });
});

describe('a request that is no upgrade, where nothing else is served, is answered by what is wrong with it', () => {
  const answered = async (lines: string[]) => {
    const { port } = await start(createServer(answerNoUpgrade));
    const socket = dial(port);
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    const answer = await readAll(socket);
    const { head, byteLength } = parseResponseHead(Buffer.from(answer))!;
    return { head, body: answer.slice(byteLength) };
  };

  test.each<[string, string[], number, string]>([
    ['a page was asked for', ['GET /x HTTP/1.1', 'Host: a'], 426, 'NOT_AN_UPGRADE'],
    ['with any method', ['POST /x HTTP/1.1', 'Host: a', 'Content-Length: 0'], 426, 'NOT_AN_UPGRADE'],
    ['in HTTP/1.0', ['GET / HTTP/1.0', 'Host: a'], 400, 'BAD_HTTP_VERSION'],
  ])('%s', async (_, lines, status, code) => {
    const { head, body } = await answered(lines);
    expect(head.status).toBe(status);
    expect(refusalCode(head)).toBe(code);
    expect(body).toMatch(/^expected .*\n$/);
  });

  test('and without a body when only the head was asked for', async () => {
    const { head, body } = await answered(['HEAD / HTTP/1.1', 'Host: a']);
    expect(refusalCode(head)).toBe('NOT_AN_UPGRADE');
    expect(body).toBe('');
  });
});
