import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  acceptKey,
  answerRequest,
  checkResponse,
  createKey,
  createRequest,
  HandshakeError,
  type HandshakeErrorCode,
  type HeaderList,
  header,
  type RequestHead,
  type ResponseHead,
  refusalCode,
  type ServerPolicy,
} from './index.ts';

const url = new URL('ws://example.com/chat?room=1');
const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const good = createRequest({ url, key });

/** `headers` with the fields of `changes` replaced, added, doubled (a list) or taken away (`undefined`). */
function changed(headers: HeaderList, changes: Record<string, string | string[] | undefined>): HeaderList {
  const kept = headers.filter(([name]) => !Object.hasOwn(changes, name));
  const added = Object.entries(changes).flatMap(([name, value]) => {
    const values = value === undefined ? [] : [value].flat();
    return values.map((one): [string, string] => [name, one]);
  });
  return [...kept, ...added];
}

test('the sample of RFC 6455 §1.3 gives its accept key', () => {
  expect(acceptKey(key)).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  expect(createKey()).toMatch(/^[0-9A-Za-z+/]{22}==$/);
});

describe('client and server', () => {
  test('agree: whatever a client offers, the server answers what the client accepts', () => {
    const name = fc.string({ unit: fc.constantFrom(...'abAB12.'), minLength: 1, maxLength: 4 });
    const names = fc.uniqueArray(name, { maxLength: 5 });
    fc.assert(
      fc.property(names, names, fc.webPath(), (offered, spoken, path) => {
        const offer = { url: new URL(`ws://localhost:6455${path}`), key: createKey(), protocols: offered };
        const verdict = answerRequest(createRequest(offer), { protocols: spoken });
        const chosen = spoken.find((one) => offered.includes(one)) ?? '';
        expect(verdict).toMatchObject({ ok: true, accepted: { protocol: chosen } });
        expect(checkResponse(verdict.response, offer)).toEqual({ protocol: chosen, extensions: [] });
      }),
    );
  });

  test('negotiate an extension by name and parameters', () => {
    const offer = { url, key, extensions: 'permessage-deflate; client_max_window_bits; server_max_window_bits="10"' };
    const verdict = answerRequest(createRequest(offer), {
      negotiateExtensions: (offers) => {
        expect(offers[0]?.params).toEqual([
          ['client_max_window_bits', true],
          ['server_max_window_bits', '10'],
        ]);
        return 'permessage-deflate; server_max_window_bits=10';
      },
    });
    const accepted = [{ name: 'permessage-deflate', params: [['server_max_window_bits', '10']] }];
    expect(verdict).toMatchObject({ ok: true, accepted: { extensions: accepted } });
    expect(checkResponse(verdict.response, offer).extensions).toEqual(accepted);
  });
});

describe('a client', () => {
  test('asks for the path, with the host and the port only where it is not the default', () => {
    expect(good).toMatchObject({ method: 'GET', target: '/chat?room=1', version: '1.1' });
    expect(header(good.headers, 'host')).toBe('example.com');
    expect(header(createRequest({ url: new URL('wss://a:8443'), key }).headers, 'Host')).toBe('a:8443');
    expect(createRequest({ url: new URL('ws://[::1]:80/#no'), key }).target).toBe('/');
  });

  test.each<[HandshakeErrorCode, object]>([
    ['BAD_PROTOCOL', { protocols: ['a b'] }],
    ['BAD_PROTOCOL', { protocols: [''] }],
    ['BAD_PROTOCOL', { protocols: ['a', 'a'] }],
    ['BAD_EXTENSIONS', { extensions: 'a;;' }],
    ['BAD_HEADER', { headers: [['Sec-WebSocket-Key', 'x']] }],
    ['BAD_HEADER', { headers: [['hOST', 'x']] }],
  ])('does not send an offer that is not valid: %s %j', (code, more) => {
    expect(() => createRequest({ url, key, ...more })).toThrow(expect.objectContaining({ code }));
  });

  const answer = answerRequest(good).response;
  const check = (response: ResponseHead, offer: { protocols?: string[]; extensions?: string } = {}) => {
    try {
      return checkResponse(response, { key, ...offer });
    } catch (error) {
      expect(error).toBeInstanceOf(HandshakeError);
      expect(error).toMatchObject({ response });
      return (error as HandshakeError).code;
    }
  };

  test.each<[HandshakeErrorCode, Record<string, string | string[] | undefined>]>([
    ['BAD_UPGRADE', { Upgrade: undefined }],
    ['BAD_UPGRADE', { Upgrade: 'h2c' }],
    ['BAD_UPGRADE', { Upgrade: ['websocket', 'websocket'] }],
    ['BAD_CONNECTION', { Connection: undefined }],
    ['BAD_CONNECTION', { Connection: 'keep-alive' }],
    ['BAD_CONNECTION', { Connection: 'upgraded' }],
    ['BAD_ACCEPT', { 'Sec-WebSocket-Accept': undefined }],
    ['BAD_ACCEPT', { 'Sec-WebSocket-Accept': acceptKey(createKey()) }],
    ['BAD_ACCEPT', { 'Sec-WebSocket-Accept': acceptKey(key).toLowerCase() }],
    ['BAD_ACCEPT', { 'Sec-WebSocket-Accept': [acceptKey(key), acceptKey(key)] }],
    ['UNREQUESTED_PROTOCOL', { 'Sec-WebSocket-Protocol': 'c' }],
    ['UNREQUESTED_PROTOCOL', { 'Sec-WebSocket-Protocol': 'A' }],
    ['UNREQUESTED_PROTOCOL', { 'Sec-WebSocket-Protocol': 'a, b' }],
    ['UNREQUESTED_PROTOCOL', { 'Sec-WebSocket-Protocol': '' }],
    ['BAD_PROTOCOL', { 'Sec-WebSocket-Protocol': ['a', 'b'] }],
    ['UNREQUESTED_EXTENSION', { 'Sec-WebSocket-Extensions': 'other' }],
    ['UNREQUESTED_EXTENSION', { 'Sec-WebSocket-Extensions': 'Ext' }],
    ['BAD_EXTENSIONS', { 'Sec-WebSocket-Extensions': 'ext, ext' }],
    ['BAD_EXTENSIONS', { 'Sec-WebSocket-Extensions': 'ext;' }],
    ['BAD_EXTENSIONS', { 'Sec-WebSocket-Extensions': '' }],
  ])('refuses an answer with %s for %j', (code, changes) => {
    const offer = { protocols: ['a', 'b'], extensions: 'ext' };
    expect(check({ ...answer, headers: changed(answer.headers, changes) }, offer)).toBe(code);
  });

  test('says which status came instead of 101', () => {
    const response = { ...answer, status: 503, reason: 'Busy' };
    expect(() => checkResponse(response, { key })).toThrow(
      expect.objectContaining({ code: 'UNEXPECTED_STATUS', status: 503, response }),
    );
    expect(check({ ...answer, version: '1.0' })).toBe('BAD_HTTP_VERSION');
  });

  test.each<[string, RegExp]>([
    ['/there', /302 "Found", which points to "\/there"; redirects are not followed unless asked for/],
    ['https://example.org/?a', /"https:\/\/example\.org\/\?a"/],
    ['https://user:secret@example.org/', /"https:\/\/example\.org\/"/],
    ['//user:secret@example.org/', /"\/\/example\.org\/"/],
  ])('says where a redirect to %s points, without a password', (location, message) => {
    const response = { ...answer, status: 302, reason: 'Found', headers: [['Location', location] as const] };
    expect(() => checkResponse(response, { key })).toThrow(message);
    expect(() => checkResponse(response, { key })).not.toThrow('secret');
    expect(() => checkResponse({ ...response, status: 401 }, { key })).toThrow('asks for credentials');
  });

  test('accepts names and tokens in any case, and a server that chose no subprotocol', () => {
    const headers = changed(answer.headers, { Upgrade: 'WebSocket', Connection: 'keep-alive, UPGRADE' });
    const shouting = headers.map(([name, value]) => [name.toUpperCase(), value] as const);
    expect(check({ ...answer, headers: shouting }, { protocols: ['a'] })).toEqual({ protocol: '', extensions: [] });
  });
});

describe('a server', () => {
  const judge = (changes: Parameters<typeof changed>[1], policy?: ServerPolicy, more: Partial<RequestHead> = {}) =>
    answerRequest({ ...good, headers: changed(good.headers, changes), ...more }, policy);
  const refusalOf = (...args: Parameters<typeof judge>) => {
    const verdict = judge(...args);
    if (verdict.ok) return '101';
    const { response, body, error } = verdict;
    expect(response.status).toBe(error.status);
    expect(header(response.headers, 'Connection')).toMatch(/^close/);
    expect(header(response.headers, 'Content-Type')).toMatch(/^text\/plain/);
    expect(Number(header(response.headers, 'Content-Length'))).toBe(Buffer.byteLength(body));
    expect(body).toBe(`${error.message}\n`);
    expect(refusalCode(response)).toBe(error.code);
    return `${error.status} ${error.code}`;
  };

  test.each<[string, Record<string, string | string[] | undefined>]>([
    ['400 BAD_HOST', { Host: undefined }],
    ['400 BAD_HOST', { Host: '' }],
    ['400 BAD_HOST', { Host: ['example.com', 'example.com'] }],
    ['400 BAD_HOST', { Host: 'a, b' }],
    ['400 BAD_HOST', { Host: 'user@example.com' }],
    ['400 BAD_HOST', { Host: 'example.com/x' }],
    ['400 BAD_HOST', { Host: ':' }],
    ['400 BAD_HOST', { Host: ':80' }],
    ['400 BAD_HOST', { Host: 'example.com::' }],
    ['101', { Host: 'example.com:' }],
    ['101', { Host: '[::1]:' }],
    ['400 BAD_HOST', { Host: 'example.com:65536' }],
    ['400 BAD_HOST', { Host: 'a b' }],
    ['101', { Host: 'example.com:65535' }],
    ['101', { Host: '[::1]:80' }],
    ['426 NOT_AN_UPGRADE', { Upgrade: undefined }],
    ['426 NOT_AN_UPGRADE', { Upgrade: 'h2c' }],
    ['426 NOT_AN_UPGRADE', { Upgrade: 'websockets' }],
    ['101', { Upgrade: 'WebSocket' }],
    ['101', { Upgrade: ['h2c', 'websocket'] }],
    ['400 BAD_CONNECTION', { Connection: undefined }],
    ['400 BAD_CONNECTION', { Connection: 'keep-alive' }],
    ['101', { Connection: 'keep-alive ,\tUPGRADE' }],
    ['426 BAD_VERSION', { 'Sec-WebSocket-Version': undefined }],
    ['426 BAD_VERSION', { 'Sec-WebSocket-Version': '8' }],
    ['426 BAD_VERSION', { 'Sec-WebSocket-Version': '013' }],
    ['400 BAD_VERSION', { 'Sec-WebSocket-Version': ['13', '13'] }],
    ['400 BAD_KEY', { 'Sec-WebSocket-Key': undefined }],
    ['400 BAD_KEY', { 'Sec-WebSocket-Key': '' }],
    ['400 BAD_KEY', { 'Sec-WebSocket-Key': [key, key] }],
    ['400 BAD_KEY', { 'Sec-WebSocket-Key': key.slice(1) }],
    ['400 BAD_KEY', { 'Sec-WebSocket-Key': `A${key}` }],
    ['400 BAD_KEY', { 'Sec-WebSocket-Key': key.replace('d', '-') }],
    ['400 BAD_KEY', { 'Sec-WebSocket-Key': key.replace('==', 'AA') }],
    ['400 BODY_NOT_ALLOWED', { 'Content-Length': '5' }],
    ['400 BODY_NOT_ALLOWED', { 'Content-Length': ['0', '0'] }],
    ['400 BODY_NOT_ALLOWED', { 'Content-Length': '0, 5' }],
    ['400 BODY_NOT_ALLOWED', { 'Content-Length': '-1' }],
    ['400 BODY_NOT_ALLOWED', { 'Content-Length': '0x5' }],
    ['400 BODY_NOT_ALLOWED', { 'Content-Length': '' }],
    ['101', { 'Content-Length': '0' }],
    ['400 BODY_NOT_ALLOWED', { 'Transfer-Encoding': 'chunked' }],
    ['400 BODY_NOT_ALLOWED', { 'Transfer-Encoding': 'identity' }],
    ['400 BODY_NOT_ALLOWED', { 'transfer-ENCODING': 'xchunked' }],
    ['400 BODY_NOT_ALLOWED', { 'Transfer-Encoding': 'chunked', 'Content-Length': '0' }],
    ['400 BAD_PROTOCOL', { 'Sec-WebSocket-Protocol': '' }],
    ['400 BAD_PROTOCOL', { 'Sec-WebSocket-Protocol': 'a, a' }],
    ['400 BAD_PROTOCOL', { 'Sec-WebSocket-Protocol': ['a', 'a'] }],
    ['400 BAD_PROTOCOL', { 'Sec-WebSocket-Protocol': 'a b' }],
    ['400 BAD_PROTOCOL', { 'Sec-WebSocket-Protocol': 'a/b' }],
    ['400 BAD_EXTENSIONS', { 'Sec-WebSocket-Extensions': '' }],
    ['400 BAD_EXTENSIONS', { 'Sec-WebSocket-Extensions': 'a; b=' }],
    ['400 BAD_EXTENSIONS', { 'Sec-WebSocket-Extensions': 'a; b="c' }],
    ['101', { 'Sec-WebSocket-Extensions': ['a; b', 'c; d="e"'] }],
  ])('answers %s to %j', (outcome, changes) => {
    expect(refusalOf(changes)).toBe(outcome);
  });

  test('answers by method, version, target and path', () => {
    expect(refusalOf({}, {}, { method: 'POST' })).toBe('405 BAD_METHOD');
    expect(refusalOf({}, {}, { method: 'get' })).toBe('405 BAD_METHOD');
    expect(refusalOf({}, {}, { version: '1.0' })).toBe('400 BAD_HTTP_VERSION');
    expect(refusalOf({}, {}, { version: '2.0' })).toBe('400 BAD_HTTP_VERSION');
    expect(refusalOf({}, {}, { target: '*' })).toBe('400 BAD_REQUEST_LINE');
    expect(refusalOf({}, {}, { target: 'http://evil.example/chat' })).toBe('400 BAD_HOST');
    expect(refusalOf({}, { path: '/chat' }, { target: 'http://EXAMPLE.com/chat' })).toBe('101');
    expect(refusalOf({}, { path: '/' }, { target: 'http://example.com?a' })).toBe('101');
    expect(refusalOf({}, { path: '/chat' })).toBe('101');
    expect(refusalOf({}, { path: '/other' })).toBe('404 NOT_FOUND');
    expect(refusalOf({}, { path: (path) => path === '/chat' })).toBe('101');
    expect(refusalOf({}, { path: () => false })).toBe('404 NOT_FOUND');
  });

  test.each([
    ['101', 'http://h:80/', 'h'],
    ['101', 'http://h/', 'h:80'],
    ['101', 'http://h:/', 'h'],
    ['101', 'HTTPS://H:443/', 'h:'],
    ['101', 'http://[::1]:80/', '[::1]'],
    ['101', 'http://h:8080/', 'h:8080'],
    ['400 BAD_HOST', 'http://h:443/', 'h'],
    ['400 BAD_HOST', 'https://h:80/', 'h'],
    ['400 BAD_HOST', 'http://h:8080/', 'h'],
    ['400 BAD_HOST', 'http://h:80:80/', 'h'],
    ['400 BAD_HOST', 'http://h@h/', 'h'],
  ])('answers %s to the target %s with Host %s: the default port may be left out', (outcome, target, Host) => {
    expect(refusalOf({ Host }, {}, { target })).toBe(outcome);
  });

  test('says to a page that is not listed how to list it', () => {
    const verdict = judge({ Origin: 'https://files.example', Host: 'files.example' });
    expect(verdict.ok ? '' : verdict.body).toMatch(
      /^expected an Origin .*, got "https:\/\/files\.example" .*list it in `origins` \(in the shell: --allow-origin\)$/m,
    );
  });

  test('says what would have been right: Allow with 405, Upgrade and the version with 426', () => {
    const { response: notAllowed } = judge({}, {}, { method: 'PUT' });
    expect(header(notAllowed.headers, 'Allow')).toBe('GET');
    const { response: required } = judge({ 'Sec-WebSocket-Version': '14' });
    expect(header(required.headers, 'Upgrade')).toBe('websocket');
    expect(header(required.headers, 'Sec-WebSocket-Version')).toBe('13');
    expect(header(required.headers, 'Connection')).toBe('close, Upgrade');
  });

  test.each<[string, string | string[], ServerPolicy['origins']]>([
    ['403 ORIGIN_REFUSED', 'http://example.com:81', undefined],
    ['403 ORIGIN_REFUSED', 'http://evil.example', undefined],
    ['403 ORIGIN_REFUSED', 'http://example.com.evil.example', undefined],
    ['403 ORIGIN_REFUSED', 'http://example.com@evil.example', undefined],
    ['403 ORIGIN_REFUSED', 'http://evil.example\\@example.com', undefined],
    ['403 ORIGIN_REFUSED', 'http://example.com/path', undefined],
    ['403 ORIGIN_REFUSED', 'null', undefined],
    ['403 ORIGIN_REFUSED', '', undefined],
    ['403 ORIGIN_REFUSED', 'file://', undefined],
    ['403 ORIGIN_REFUSED', 'chrome-extension://example.com', undefined],
    ['403 ORIGIN_REFUSED', ['http://example.com', 'http://example.com'], undefined],
    ['101', 'http://evil.example', 'any'],
    ['101', 'https://App.example', ['https://app.example:443']],
    ['403 ORIGIN_REFUSED', 'http://app.example', ['https://app.example']],
    ['403 ORIGIN_REFUSED', 'http://example.com', ['https://app.example']],
    ['101', 'null', ['null']],
    ['403 ORIGIN_REFUSED', 'http://example.com', []],
  ])('answers %s to a page of %j when %j may connect', (outcome, origin, origins) => {
    expect(refusalOf({ Origin: origin }, { origins })).toBe(outcome);
  });

  test.each([
    ['101', 'http://127.0.0.1:6455', '127.0.0.1:6455'],
    ['101', 'https://127.0.0.1', '127.0.0.1:443'],
    ['101', 'https://127.0.0.1:443', '127.0.0.1'],
    ['101', 'http://LOCALHOST:80', 'localhost'],
    ['101', 'http://app.localhost:6455', 'app.localhost:6455'],
    ['101', 'http://[::1]:6455', '[::1]:6455'],
    ['101', 'http://192.168.1.7', '192.168.1.7'],
    ['403 ORIGIN_REFUSED', 'http://127.0.0.1:6456', '127.0.0.1:6455'],
    ['403 ORIGIN_REFUSED', 'http://127.0.0.1', '127.0.0.1:443'],
    // A name that its owner can point to this machine (DNS rebinding).
    ['403 ORIGIN_REFUSED', 'http://evil.example:6455', 'evil.example:6455'],
    ['403 ORIGIN_REFUSED', 'http://localhost.evil.example', 'localhost.evil.example'],
    ['403 ORIGIN_REFUSED', 'http://notlocalhost', 'notlocalhost'],
    ['403 ORIGIN_REFUSED', 'http://127.0.0.1.evil.example', '127.0.0.1.evil.example'],
  ])(
    'by default answers %s to a page of %s that asks for %s: of its own host, if that cannot be repointed',
    (outcome, Origin, Host) => {
      expect(refusalOf({ Origin, Host })).toBe(outcome);
      expect(refusalOf({ Origin, Host }, { origins: 'same-origin' })).toBe(outcome);
      expect(refusalOf({ Origin, Host }, { origins: ['https://other.example', 'same-origin'] })).toBe(outcome);
      expect(refusalOf({ Origin, Host }, { origins: [Origin] })).toBe('101');
    },
  );

  test('lets a request without Origin pass whatever origins are allowed', () => {
    expect(refusalOf({}, { origins: [] })).toBe('101');
  });

  test('chooses the subprotocol by its own preference, or by its own function, and none when none fits', () => {
    const chosen = (policy: ServerPolicy) => {
      const verdict = judge({ 'Sec-WebSocket-Protocol': ['a, b', 'c'] }, policy);
      return verdict.ok && [verdict.accepted.protocol, header(verdict.response.headers, 'Sec-WebSocket-Protocol')];
    };
    expect(chosen({ protocols: ['x', 'c', 'a'] })).toEqual(['c', 'c']);
    expect(chosen({ protocols: ['A'] })).toEqual(['', undefined]);
    expect(chosen({})).toEqual(['', undefined]);
    expect(chosen({ selectProtocol: (offered) => offered[1] })).toEqual(['b', 'b']);
    expect(() => chosen({ selectProtocol: () => 'x' })).toThrow(TypeError);
    for (const wrong of ['b', 'a; ;', '']) {
      expect(() => judge({ 'Sec-WebSocket-Extensions': 'a' }, { negotiateExtensions: () => wrong })).toThrow(TypeError);
    }
  });
});
