import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { answerNoUpgrade, bearerToken } from '@wsferry/connection';
import { missing, selfSignedCertificate, startNginx, temporaryDirectory } from '@wsferry/testing';
import { TOKEN_SUBPROTOCOL_PREFIX } from '@wsferry/transfer';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Receiver, startReceiver } from '../../src/receiver.ts';
import { type ExamineOptions, examined, ill } from './examined.ts';
import { type Configuration, faults, good, withLines, written } from './nginx-faults.ts';
import { receiving } from './servers.ts';

const withoutNginx = missing('nginx');
const document = await readFile(new URL('../../../../docs/behind-nginx.md', import.meta.url), 'utf8');
const certificate = await selfSignedCertificate();

let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
let receiver: Receiver;
beforeAll(async () => {
  folder = await temporaryDirectory();
  receiver = await startReceiver({ host: '127.0.0.1', port: 0, dir: folder.path, create: false });
});
afterAll(async () => {
  await receiver?.close();
  await folder?.remove();
});

interface ThroughOptions extends ExamineOptions {
  /** Default: the location's. */
  readonly path?: string;
  readonly scheme?: 'ws:' | 'wss:';
  /** A name and a password. */
  readonly user?: string;
  /** The receiver's URL. */
  readonly upstream?: string;
  readonly files?: Readonly<Record<string, string>>;
}

/** What the doctor finds through an nginx of this configuration. */
async function through(configuration: Configuration, options: ThroughOptions = {}) {
  const { path = configuration.path, scheme = 'ws:', user, upstream = receiver.url, files = {}, ...more } = options;
  const servers = (listen: string) => written(configuration, listen, new URL(upstream).host);
  await using nginx = await startNginx({ servers, files });
  return await examined(`${scheme}//${user === undefined ? '' : `${user}@`}${nginx.host}${path}`, more);
}

describe.skipIf(withoutNginx)('through nginx, the doctor', () => {
  test('sees who it is that answers, and how much passes', async () => {
    const findings = await through(good, { all: true });
    expect(ill(findings)).toEqual([]);
    expect(findings['upgrade']?.summary).toMatch(/^101 .* nginx\/\d/);
    expect(findings['large']?.facts).toEqual({ mostBytes: 1024 * 1024 });
  });

  test.each([
    ['Plain', 'ws:', '/'],
    ['With TLS', 'wss:', '/'],
    ['Under a path', 'ws:', '/files/'],
  ])('is content with docs/behind-nginx.md as it stands: %s', async (heading, scheme, path) => {
    const configuration = new RegExp(`^## ${heading}\\n[^#]*?\`\`\`nginx\\n([^\`]*)\`\`\``, 'm').exec(document)?.[1];
    if (configuration === undefined) throw new Error(`expected a nginx block under "${heading}"`);
    await using nginx = await startNginx({
      servers: (listen) =>
        configuration.replace(/(?<=listen )\d+/, listen).replaceAll('127.0.0.1:6455', new URL(receiver.url).host),
      files: { 'cert.pem': certificate.cert, 'key.pem': certificate.key },
    });
    const tls = { ca: certificate.cert };
    expect(ill(await examined(`${scheme}//${nginx.host}${path}`, { tls, all: true }))).toEqual([]);
  });

  test.each([
    [
      'buffers',
      ['proxy_buffering off;', 'proxy_request_buffering off;', 'proxy_buffer_size 1k;', 'proxy_buffers 8 1k;'],
    ],
    ['limits', ['client_max_body_size 1;', 'proxy_limit_rate 1;', 'client_body_timeout 1;']],
    ['compression', ['gzip on;', 'gzip_types *;', 'postpone_output 100000;']],
  ])('is content with any %s, because they are about HTTP bodies and not about what is upgraded', async (_, lines) => {
    // Two at once in one file: proxy_busy_buffers_size would be too large for the small ones.
    const more = lines[0]!.includes('buffering') ? ['proxy_busy_buffers_size 1k;'] : [];
    expect(ill(await through(withLines(good, [...lines, ...more]), { all: true }))).toEqual([]);
  });

  test.each(faults)('finds $title: $id, $code; its lines mend it', async (fault) => {
    const { spoil, id, severity, code, lines, idleMs = 0 } = fault;
    const spoiled = spoil(good);
    const before = await through(spoiled, { idleMs });
    const [[foundId, found]] = ill(before) as [[string, (typeof before)[string]]];
    expect({ id: foundId, severity: found.severity, code: found.code }).toEqual({ id, severity, code });
    expect(found.because).toMatch(/\.$/);
    expect(found.mend?.block).toMatch(/location/);
    if (lines.length > 0) expect(found.mend?.lines).toEqual(lines);
    // A page has no line that could be put right: the location is written anew.
    const mended = code === 'UPGRADE_LOST' ? good : withLines(spoiled, found.mend!.lines!);
    expect(ill(await through(mended, { idleMs }))).toEqual([]);
  });

  test('finds a path without a location, and gives the whole location', async () => {
    const elsewhere = { ...good, path: '/files/' };
    const { upgrade } = await through(elsewhere, { path: '/' });
    expect(upgrade).toMatchObject({ severity: 'wrong', code: 'NOT_FOUND', mend: { block: 'the server block' } });
    const mended = { ...elsewhere, server: upgrade!.mend!.lines! };
    expect(ill(await through(mended, { path: '/' }))).toEqual([]);
  });

  test('finds what a receiver lacks that is asked for its health by the same port', async () => {
    const { url } = await receiving({ http: createServer(answerNoUpgrade), deflate: true });
    for (const { title, spoil, code } of faults.filter(({ code }) => /NOT_AN_UPGRADE|BAD_HTTP_VERSION/.test(code))) {
      const { upgrade } = await through(spoil(good), { upstream: url });
      expect(upgrade, title).toMatchObject({ severity: 'wrong', code });
    }
  });

  test('finds a page in place of the receiver also where that serves one itself', async () => {
    const http = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<html></html>'));
    const { url } = await receiving({ http, deflate: true });
    const spoiled = { ...good, location: good.location.filter((line) => !/Upgrade|version/.test(line)) };
    const { upgrade } = await through(spoiled, { upstream: url });
    expect(upgrade).toMatchObject({ severity: 'wrong', code: 'UPGRADE_LOST', facts: { status: 200 } });
    const mended = withLines(spoiled, upgrade!.mend!.lines!);
    expect(ill(await through(mended, { upstream: url }))).toEqual([]);
  });

  test.each<[string, string, string[], RegExp]>([
    [
      'a redirect',
      'REDIRECTED',
      ['return 301 https://files.example$request_uri;'],
      /wsferry doctor wss:\/\/files\.example\//,
    ],
    ['a refusal by address', 'FORBIDDEN', ['deny all;'], /deny/],
    ['a server that is out of order', 'BUSY', ['return 503;'], /limit_req/],
  ])('finds %s: %s', async (_, code, lines, advice) => {
    const { upgrade } = await through(withLines(good, lines));
    expect(upgrade).toMatchObject({ severity: 'wrong', code, mend: { advice: expect.stringMatching(advice) } });
  });

  test('finds a token that does not arrive; one that is wrong, and none at all, are something else', async () => {
    const token = 'a-token-of-sixteen-characters';
    const { url } = await receiving({
      deflate: true,
      refuse: bearerToken({ token, protocolPrefix: TOKEN_SUBPROTOCOL_PREFIX }),
    });
    const spoiled = withLines(good, ['proxy_set_header Authorization "";']);
    const ours = { upstream: url, token: { token, from: 'WSFERRY_TOKEN' } };
    const { upgrade } = await through(spoiled, ours);
    expect(upgrade).toMatchObject({ severity: 'wrong', code: 'TOKEN_LOST' });
    expect(ill(await through(withLines(spoiled, upgrade!.mend!.lines!), ours))).toEqual([]);
    const code = async (options: ThroughOptions) =>
      (await through(good, { upstream: url, ...options }))['upgrade']?.code;
    expect(await code({})).toBe('TOKEN_WANTED');
    expect(await code({ token: { token: 'another-one-than-this', from: 'WSFERRY_TOKEN' } })).toBe('WRONG_TOKEN');
  });

  test('finds a password at the door, behind which the token goes another way', async () => {
    const token = 'a-token-of-sixteen-characters';
    const { url } = await receiving({
      deflate: true,
      refuse: bearerToken({ token, protocolPrefix: TOKEN_SUBPROTOCOL_PREFIX }),
    });
    const door = { ...good, server: ['auth_basic "files";', 'auth_basic_user_file users;'] };
    const more = { upstream: url, files: { users: 'me:{PLAIN}geheim\n' }, token: { token, from: 'WSFERRY_TOKEN' } };
    expect((await through(door, more))['upgrade']).toMatchObject({ severity: 'wrong', code: 'UNAUTHORIZED' });
    const known = { ...more, user: 'me:geheim' };
    expect(ill(await through(door, known))).toEqual([]);
    const spoiled = withLines(door, ['proxy_set_header Sec-WebSocket-Protocol wsferry.v1;']);
    const { upgrade } = await through(spoiled, known);
    expect(upgrade).toMatchObject({ severity: 'wrong', code: 'TOKEN_LOST' });
    expect(ill(await through(withLines(spoiled, upgrade!.mend!.lines!), known))).toEqual([]);
  });

  test('tells TLS from none at the same nginx, either way', async () => {
    const files = { 'cert.pem': certificate.cert, 'key.pem': certificate.key };
    const tls = { ca: certificate.cert };
    const secure = { ...good, server: ['ssl_certificate cert.pem;', 'ssl_certificate_key key.pem;'], listens: ' ssl' };
    expect((await through(secure, { files, tls }))['upgrade']).toMatchObject({ severity: 'wrong', code: 'TLS_THERE' });
    expect((await through(good, { scheme: 'wss:', tls }))['tls']).toMatchObject({ severity: 'wrong', code: 'NOT_TLS' });
    expect(ill(await through(secure, { files, tls, scheme: 'wss:' }))).toEqual([]);
  });

  test('whatever is wrong together: doing what it says, one thing after the other, ends with nothing wrong', async () => {
    const together = faults.filter(({ code, idleMs }) => code !== 'UPGRADE_LOST' && idleMs === undefined);
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.constantFrom(...together), { minLength: 2, maxLength: 5 }), async (some) => {
        let configuration = some.reduce((spoiled, { spoil }) => spoil(spoiled), good);
        for (let round = 0; round <= some.length; round++) {
          const found = ill(await through(configuration));
          if (found.length === 0) return;
          for (const [, { mend }] of found) configuration = withLines(configuration, mend?.lines ?? []);
        }
        throw new Error(`still ill:\n${written(configuration, '', '')}`);
      }),
      { numRuns: 6 },
    );
  });
});
