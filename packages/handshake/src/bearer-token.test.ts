import { FakeClock } from '@wsferry/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accepting, dial, readAll, upgraded, urlOf } from '../test/harness.ts';
import {
  answerRequest,
  type BearerTokenOptions,
  bearerAuthorization,
  bearerToken,
  createKey,
  createRequest,
  encodeRequestHead,
  type HeaderList,
  header,
} from './index.ts';

const token = 'correct-horse-battery-staple/+~._';
const prefix = 'wsferry.token.';
const asProtocol = (text: string) => prefix + Buffer.from(text).toString('base64url');
const request = (headers: HeaderList, protocols: string[] = []) =>
  createRequest({ url: new URL('ws://example.com/'), key: createKey(), headers, protocols });

/** What a server with the token answers to these headers and subprotocols. */
function answer(headers: HeaderList, protocols: string[] = [], options: Partial<BearerTokenOptions> = {}) {
  const refuse = bearerToken({ token, protocolPrefix: prefix, ...options });
  return answerRequest(request(headers, protocols), { protocols: ['wsferry.v1'], refuse });
}

describe('the token', () => {
  test.each<[string, HeaderList, string[]]>([
    ['as Authorization', [['Authorization', bearerAuthorization(token)]], ['wsferry.v1']],
    ['with the scheme in another case', [['authorization', `bEARER   ${token}`]], ['wsferry.v1']],
    ['among the subprotocols', [], ['wsferry.v1', asProtocol(token)]],
    ['before the others', [], [asProtocol(token), 'wsferry.v1']],
    [
      'among the subprotocols, beside a proxy’s password',
      [['Authorization', 'Basic YTpi']],
      ['wsferry.v1', asProtocol(token)],
    ],
  ])('%s lets in, and is never in the answer', (_, headers, protocols) => {
    const verdict = answer(headers, protocols);
    expect(verdict).toMatchObject({ ok: true, accepted: { protocol: 'wsferry.v1' } });
    expect(JSON.stringify(verdict.response)).not.toContain('token');
  });

  test.each<[string, HeaderList, string[]]>([
    ['another', [['Authorization', `Bearer ${token}x`]], []],
    ['its beginning', [['Authorization', `Bearer ${token.slice(0, -1)}`]], []],
    ['an empty one', [['Authorization', 'Bearer']], []],
    ['one behind a tab', [['Authorization', `Bearer x\t${token}`]], []],
    ['another among the subprotocols', [], [asProtocol('guess')]],
    ['two guesses', [], [asProtocol('guess'), asProtocol(token)]],
    [
      'two headers',
      [
        ['Authorization', `Bearer ${token}`],
        ['Authorization', `Bearer ${token}`],
      ],
      [],
    ],
    ['a wrong and a right one', [['Authorization', 'Bearer guess']], [asProtocol(token)]],
  ])('%s is refused as invalid_token, and not shown', (_, headers, protocols) => {
    const verdict = answer(headers, protocols);
    expect(verdict).toMatchObject({ ok: false, error: { code: 'REFUSED', status: 401 } });
    expect(header(verdict.response.headers, 'WWW-Authenticate')).toBe('Bearer realm="wsferry", error="invalid_token"');
    expect(JSON.stringify(verdict)).not.toMatch(/guess|horse/);
  });

  test.each<[string, HeaderList, string[], Partial<BearerTokenOptions>]>([
    ['no header at all', [], ['wsferry.v1'], {}],
    ['another scheme', [['Authorization', `Basic ${btoa(`a:${token}`)}`]], [], {}],
    ['a scheme that only begins so', [['Authorization', `BearerX ${token}`]], [], {}],
    ['a subprotocol that no prefix was named for', [], [asProtocol(token)], { protocolPrefix: undefined }],
  ])('%s: 401 that asks for one, without an error code (RFC 6750 §3.1)', (_, headers, protocols, options) => {
    const verdict = answer(headers, protocols, options);
    expect(verdict).toMatchObject({ ok: false, error: { status: 401 } });
    expect(header(verdict.response.headers, 'WWW-Authenticate')).toBe('Bearer realm="wsferry"');
  });

  test('every token that may be sent opens its own door, by either way, and no other', () => {
    const some = fc.stringMatching(/^[0-9A-Za-z._~+/-]{16,64}={0,2}$/);
    fc.assert(
      fc.property(some, some, (own, other) => {
        const refuse = bearerToken({ token: own, protocolPrefix: prefix });
        for (const given of [own, other]) {
          const expected = given === own ? undefined : 401;
          expect(refuse(request([['Authorization', bearerAuthorization(given)]]))?.status).toBe(expected);
          expect(refuse(request([], [asProtocol(given)]))?.status).toBe(expected);
        }
      }),
    );
  });

  test('a realm is quoted', () => {
    const verdict = answer([], [], { realm: 'a "b" \\' });
    expect(header(verdict.response.headers, 'WWW-Authenticate')).toBe('Bearer realm="a \\"b\\" \\\\"');
  });

  test.each([
    ['', '16 to 4096'],
    ['too-short', 'got 9'],
    ['x'.repeat(4097), 'got 4097'],
    ['correct horse battery', 'another character at position 8'],
    ['correct-horse-bättery', 'another character at position 16'],
    ['correct=horse-battery', 'another character at position 8'],
    ['correct-horse-bat\r\n', 'another character at position 18'],
  ])('%j is BAD_CREDENTIALS at a server; the message has no word of it', (bad, message) => {
    expect(() => bearerToken({ token: bad })).toThrow(
      expect.objectContaining({ code: 'BAD_CREDENTIALS', message: expect.stringContaining(message) }),
    );
    expect(() => bearerToken({ token: bad })).not.toThrow(/horse/);
  });

  test('a client may send a short one: the server decides', () => {
    expect(bearerAuthorization('abc==')).toBe('Bearer abc==');
    expect(() => bearerAuthorization('')).toThrow(expect.objectContaining({ code: 'BAD_CREDENTIALS' }));
    expect(() => bearerAuthorization('a\r\nb')).toThrow(expect.objectContaining({ code: 'BAD_CREDENTIALS' }));
  });
});

describe('wrong tokens', () => {
  const right = request([['Authorization', bearerAuthorization(token)]]);
  const wrong = request([['Authorization', 'Bearer wrong']]);

  test('from one address: 429 with Retry-After, for the right one too, and to nobody else', () => {
    const clock = new FakeClock();
    const refuse = bearerToken({ token, maxFailures: 3, forgetMs: 30_000, now: () => clock.now() });
    const peer = { remoteAddress: '192.0.2.1' };
    for (let i = 0; i < 3; i++) expect(refuse(wrong, peer)?.status).toBe(401);
    for (const one of [wrong, right]) {
      expect(refuse(one, peer)).toMatchObject({
        status: 429,
        headers: [
          ['Retry-After', '10'],
          ['WWW-Authenticate', 'Bearer realm="wsferry"'],
        ],
      });
    }
    expect(refuse(right, { remoteAddress: '192.0.2.2' })).toBeUndefined();
    clock.advance(10_000);
    expect(refuse(right, peer)).toBeUndefined();
  });

  test('are not counted where none was given', () => {
    const refuse = bearerToken({ token, maxFailures: 1 });
    for (let i = 0; i < 5; i++) expect(refuse(request([]))?.status).toBe(401);
    expect(refuse(right)).toBeUndefined();
  });

  test('are counted by the client’s address behind a trusted proxy, and by the proxy’s behind one that is not', async () => {
    for (const trustedProxies of [['127.0.0.1'], undefined]) {
      const refuse = bearerToken({ token, maxFailures: 1 });
      const { port, next } = await accepting({ refuse, trustedProxies });
      const open = async (from: string, given: string) => {
        const headers: HeaderList = [
          ['X-Forwarded-For', from],
          ['Authorization', `Bearer ${given}`],
        ];
        const socket = dial(port);
        socket.write(encodeRequestHead(createRequest({ url: urlOf(port), key: createKey(), headers })));
        const outcome = await next();
        if (!(outcome instanceof Error)) return [101, upgraded(outcome).remoteAddress];
        await readAll(socket);
        return [outcome.status, outcome.remoteAddress];
      };
      const seen = (address: string) => (trustedProxies ? address : '127.0.0.1');
      expect(await open('192.0.2.1', 'wrong')).toEqual([401, seen('192.0.2.1')]);
      expect(await open('192.0.2.1', token)).toEqual([429, seen('192.0.2.1')]);
      expect(await open('192.0.2.2', token)).toEqual([trustedProxies ? 101 : 429, seen('192.0.2.2')]);
    }
  });
});

test('subprotocols that are none are refused without showing them: a token may be among them', () => {
  for (const value of [`wsferry.v1, ${asProtocol(token)}==`, `${asProtocol(token)}, ${asProtocol(token)}`]) {
    const head = request([]);
    const verdict = answerRequest({ ...head, headers: [...head.headers, ['Sec-WebSocket-Protocol', value]] });
    expect(verdict).toMatchObject({ ok: false, error: { code: 'BAD_PROTOCOL', status: 400 } });
    expect(JSON.stringify(verdict)).not.toContain(prefix);
  }
});
