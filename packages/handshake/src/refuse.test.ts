import { describe, expect, test } from 'vitest';
import { accepting, dial, goodRequest, readAll, upgraded } from '../test/harness.ts';
import {
  answerRequest,
  checkResponse,
  createKey,
  createRequest,
  header,
  type Refusal,
  type RequestHead,
  refusalCode,
  type ServerPolicy,
} from './index.ts';

const good = createRequest({ url: new URL('ws://example.com/chat'), key: createKey() });

describe("a program's own refusal", () => {
  test.each<[number, string, [string, string][]]>([
    [401, 'Unauthorized', [['WWW-Authenticate', 'Basic realm="files", charset="UTF-8"']]],
    [403, 'Forbidden', []],
    [429, 'Too Many Requests', [['Retry-After', '5']]],
    [503, 'Service Unavailable', [['Retry-After', '5']]],
    [307, 'Temporary Redirect', [['Location', 'wss://elsewhere.example/']]],
    [499, 'Refused', []],
  ])('%i %s is a complete answer with its headers', async (status, reason, headers) => {
    const { port, next } = await accepting({ refuse: () => ({ status, message: 'Not now.', headers }) });
    const socket = dial(port);
    socket.write(goodRequest(port));
    const answer = await readAll(socket);
    expect(await next()).toMatchObject({ code: 'REFUSED', status, message: 'Not now.' });
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} ${reason}\r\n`));
    for (const [name, value] of headers) expect(answer).toContain(`\r\n${name}: ${value}\r\n`);
    expect(answer).toMatch(/\r\nContent-Length: 9\r\n/);
    expect(answer).toMatch(/\r\n\r\nNot now\.\n$/);
  });

  test('sees the request, and undefined lets it in', async () => {
    const seen: RequestHead[] = [];
    const { port, next } = await accepting({
      refuse: (request) => {
        seen.push(request);
        return undefined;
      },
    });
    dial(port).write(goodRequest(port));
    expect(seen).toEqual([upgraded(await next()).request]);
  });

  test('comes last: it is not asked about a request that is wrong by itself', () => {
    const policy: ServerPolicy = {
      path: '/',
      refuse: () => {
        throw new Error('asked');
      },
    };
    const verdict = answerRequest(good, policy);
    expect(verdict).toMatchObject({ ok: false, error: { code: 'NOT_FOUND' } });
    const page = { ...good, headers: [...good.headers, ['Origin', 'http://evil.example'] as const] };
    expect(answerRequest(page, { ...policy, path: '/chat' })).toMatchObject({ error: { code: 'ORIGIN_REFUSED' } });
    expect(() => answerRequest(good, { ...policy, path: '/chat' })).toThrow('asked');
  });

  test('its message is a body of UTF-8, not a header', () => {
    const message = 'Später.\r\nSet-Cookie: a=b';
    const verdict = answerRequest(good, { refuse: () => ({ status: 503, message }) });
    if (verdict.ok) throw new Error('expected a refusal');
    expect(header(verdict.response.headers, 'Set-Cookie')).toBeUndefined();
    expect(header(verdict.response.headers, 'Content-Length')).toBe(String(Buffer.byteLength(`${message}\n`)));
  });

  test.each<[string, unknown]>([
    ['a promise', Promise.resolve(undefined)],
    ['true', true],
    ['a success', { status: 200, message: 'x' }],
    ['an upgrade', { status: 101, message: 'x' }],
    ['no status', { message: 'x' }],
    ['half a status', { status: 403.5, message: 'x' }],
    ['no message', { status: 403 }],
    ['401 without WWW-Authenticate', { status: 401, message: 'x' }],
    ['a line break in a value', { status: 403, message: 'x', headers: [['A', 'b\r\nSet-Cookie: c']] }],
    ['a line feed in a value', { status: 403, message: 'x', headers: [['A', 'b\nc']] }],
    ['a colon in a name', { status: 403, message: 'x', headers: [['A: b', 'c']] }],
    ['NUL', { status: 403, message: 'x', headers: [['A', '\0']] }],
    ['a second length', { status: 403, message: 'x', headers: [['content-length', '0']] }],
    ['another framing', { status: 403, message: 'x', headers: [['Transfer-Encoding', 'chunked']] }],
  ])('that is %s is answered with 500, and nobody gets in', async (_, refusal) => {
    const { port, next } = await accepting({ refuse: () => refusal as Refusal });
    const socket = dial(port);
    socket.write(goodRequest(port));
    const answer = await readAll(socket);
    expect(await next()).toBeInstanceOf(TypeError);
    expect(answer).toMatch(/^HTTP\/1\.1 500 Internal Server Error\r\n/);
    expect(answer).not.toContain('Set-Cookie');
  });
});

describe('the code of a refusal', () => {
  const refused = (code: string | string[], status = 426) => ({
    version: '1.1',
    status,
    reason: 'Upgrade Required',
    headers: [code].flat().map((value) => ['websocket-refusal', value] as const),
  });

  test('is in a header, so that a page in place of the body does not hide it', async () => {
    const { port, next } = await accepting();
    const socket = dial(port);
    socket.write(Buffer.from(goodRequest(port)).toString().replace('Upgrade: websocket\r\n', ''));
    expect(await readAll(socket)).toMatch(/\r\nWebSocket-Refusal: NOT_AN_UPGRADE\r\n/);
    expect(await next()).toMatchObject({ code: 'NOT_AN_UPGRADE' });
  });

  test("is the client's to read, and stands in its message", () => {
    expect(refusalCode(refused('NOT_AN_UPGRADE'))).toBe('NOT_AN_UPGRADE');
    const offer = { key: createKey() };
    expect(() => checkResponse(refused('NOT_AN_UPGRADE'), offer)).toThrow(/426 "Upgrade Required", because of NOT_AN/);
    expect(() => checkResponse(refused('REFUSED', 403), offer)).toThrow(/403 "Upgrade Required" \(/);
  });

  test.each<[string, Parameters<typeof refused>]>([
    ['none', [[]]],
    ['two', [['NOT_FOUND', 'BAD_HOST']]],
    ['a sentence', ['you may not']],
    ['a long one', ['A'.repeat(41)]],
    ['one with a 101', ['NOT_FOUND', 101]],
  ])('%s is no code', (_, [code, status]) => {
    expect(refusalCode(refused(code, status))).toBeUndefined();
  });

  test("a program's refusal is REFUSED, and cannot call itself otherwise", () => {
    const refuse = (headers: [string, string][]) =>
      answerRequest(good, { refuse: () => ({ status: 403, message: 'x', headers }) });
    expect(refusalCode(refuse([]).response)).toBe('REFUSED');
    expect(() => refuse([['WebSocket-Refusal', 'BAD_HOST']])).toThrow(TypeError);
  });
});
