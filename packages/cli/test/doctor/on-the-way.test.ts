import { selfSignedCertificate } from '@wsferry/testing';
import { describe, expect, test } from 'vitest';
import { type ExamineOptions, examined, ill, theOne } from './examined.ts';
import { answering, mute, receiving, saying } from './servers.ts';

const certificate = await selfSignedCertificate();

describe('nobody is reached', () => {
  test.each([
    ['no port', 'ws://127.0.0.1:9', {}, 'NOBODY_LISTENING', 'wsferry serve'],
    ['no name', 'ws://nowhere.invalid', {}, 'NAME_NOT_FOUND', 'spelling'],
    ['no socket', 'ws+unix:/nowhere/wsferry.sock', {}, 'NOBODY_LISTENING', 'wsferry serve'],
    ['no proxy', 'ws://nowhere.invalid', { proxy: 'http://me:geheim@127.0.0.1:9' }, 'PROXY_FAILED', 'NO_PROXY'],
  ])('%s: reach is wrong, and nothing else is tried', async (_, url, options, code, advice) => {
    const findings = await examined(url, options);
    expect(findings['reach']).toMatchObject({
      severity: 'wrong',
      code,
      mend: { advice: expect.stringMatching(advice) },
    });
    expect(JSON.stringify(findings)).not.toContain('geheim');
    for (const [id, { severity }] of Object.entries(findings)) if (id !== 'reach') expect(severity, id).toBe('skipped');
  });
});

describe('the certificate', () => {
  const at = async (cert: { cert: string; key: string }, options: ExamineOptions) => {
    const { url } = await receiving({ tls: cert });
    return await theOne(url, options);
  };
  const daysFromNow = (days: number) => new Date(Date.now() + days * 86_400_000);
  const found = (code: string) => ({ id: 'tls', severity: 'wrong', code });

  test('that is over', async () => {
    const old = await selfSignedCertificate({ from: daysFromNow(-9), to: daysFromNow(-2) });
    const finding = await at(old, { tls: { ca: old.cert } });
    expect(finding).toMatchObject(found('TLS_EXPIRED'));
    expect(finding.summary).toContain(daysFromNow(-2).toISOString().slice(0, 10));
    expect(finding.mend?.advice).toContain('nginx -s reload');
  });

  test('that is not valid yet', async () => {
    const early = await selfSignedCertificate({ from: daysFromNow(2), to: daysFromNow(9) });
    const finding = await at(early, { tls: { ca: early.cert } });
    expect(finding).toMatchObject(found('TLS_NOT_YET_VALID'));
    expect(finding.mend?.advice).toMatch(/clocks.*UTC/);
  });

  test('that holds for some days more is a warning, and everything else is looked at', async () => {
    const soon = await selfSignedCertificate({ from: daysFromNow(-80), to: daysFromNow(5) });
    const finding = await at(soon, { tls: { ca: soon.cert } });
    expect(finding).toMatchObject({ id: 'certificate', severity: 'warning', code: 'TLS_EXPIRES_SOON' });
    expect(finding.summary).toMatch(/[45] days more/);
  });

  test('of another name', async () => {
    const other = await selfSignedCertificate({ names: ['files.example'] });
    const finding = await at(other, { tls: { ca: other.cert } });
    expect(finding).toMatchObject(found('TLS_WRONG_NAME'));
    expect(finding.summary).toContain('files.example');
    expect(finding.mend?.lines).toEqual([
      'server_name 127.0.0.1;',
      'ssl_certificate /etc/letsencrypt/live/127.0.0.1/fullchain.pem;',
      'ssl_certificate_key /etc/letsencrypt/live/127.0.0.1/privkey.pem;',
    ]);
  });

  test('of nobody known is mended by --ca, and overlooked by --insecure with a warning', async () => {
    const finding = await at(certificate, {});
    expect(finding).toMatchObject({
      ...found('TLS_UNTRUSTED'),
      mend: { advice: expect.stringContaining('--ca FILE') },
    });
    expect(await at(certificate, { tls: { rejectUnauthorized: false } })).toMatchObject({
      id: 'tls',
      severity: 'warning',
      code: 'TLS_UNTRUSTED',
    });
  });

  test('without its chain is mended by the whole chain', async () => {
    const root = await selfSignedCertificate({ names: ['root.example'] });
    const between = await selfSignedCertificate({ names: ['between.example'], issuer: root });
    const leaf = await selfSignedCertificate({ issuer: between });
    const tls = { ca: root.cert };
    const finding = await at(leaf, { tls });
    expect(finding).toMatchObject(found('TLS_NO_CHAIN'));
    expect(finding.mend?.lines).toEqual(['ssl_certificate /etc/letsencrypt/live/127.0.0.1/fullchain.pem;']);
    const whole = { cert: leaf.cert + between.cert, key: leaf.key };
    expect(ill(await examined((await receiving({ tls: whole })).url, { tls }))).toEqual([]);
  });

  test('is not shown where wss: meets no TLS, and not asked for where ws: meets TLS', async () => {
    const { url } = await receiving();
    const noTls = await theOne(url.replace('ws:', 'wss:'));
    expect(noTls).toMatchObject(found('NOT_TLS'));
    expect(noTls.mend?.advice).toContain(url);
    expect(noTls.mend?.lines).toContain(`listen ${new URL(url).port} ssl;`);
    const secure = await receiving({ tls: certificate });
    const tlsThere = await theOne(secure.url.replace('wss:', 'ws:'));
    expect(tlsThere).toMatchObject({ id: 'upgrade', severity: 'wrong', code: 'TLS_THERE' });
    expect(tlsThere.mend?.advice).toContain(secure.url);
  });
});

describe('the answer to the upgrade', () => {
  const html = 'Content-Type: text/html';
  test.each<[string, string[], string, RegExp]>([
    [
      '301 Moved Permanently',
      ['Location: https://files.example/up'],
      'REDIRECTED',
      /wsferry doctor wss:\/\/files\.example\/up/,
    ],
    ['401 Unauthorized', ['WWW-Authenticate: Basic realm="x"'], 'UNAUTHORIZED', /NAME:PASSWORD@/],
    ['401 Unauthorized', ['WWW-Authenticate: Bearer realm="wsferry"'], 'TOKEN_WANTED', /WSFERRY_TOKEN/],
    ['403 Forbidden', [html, 'Server: nginx'], 'FORBIDDEN', /deny/],
    ['403 Forbidden', ['WebSocket-Refusal: REFUSED'], 'FORBIDDEN', /who runs it/],
    ['404 Not Found', [html, 'Server: nginx'], 'NOT_FOUND', /location/],
    ['404 Not Found', ['WebSocket-Refusal: NOT_FOUND'], 'NOT_FOUND', /proxy_pass/],
    ['429 Too Many Requests', ['WebSocket-Refusal: REFUSED', 'Retry-After: 7'], 'BUSY', /in 7 s/],
    ['503 Service Unavailable', [html, 'Server: nginx'], 'BUSY', /limit_conn/],
    ['502 Bad Gateway', [html], 'NOBODY_BEHIND', /wsferry serve/],
    ['504 Gateway Timeout', [html], 'SILENT_BEHIND', /proxy_pass/],
    ['200 OK', [html], 'UPGRADE_LOST', /all of these lines/],
    ['400 Bad Request', [html], 'UPGRADE_LOST', /all of these lines/],
    ['426 Upgrade Required', [], 'UPGRADE_LOST', /all of these lines/],
    ['500 Internal Server Error', [], 'UPGRADE_LOST', /all of these lines/],
    ['101 Switching Protocols', ['Upgrade: websocket', 'Connection: Upgrade'], 'BAD_ACCEPT', /proxy_hide_header/],
    ['101 Switching Protocols', [], 'BAD_UPGRADE', /proxy_hide_header/],
  ])('%s with %j: %s', async (head, headers, code, advice) => {
    const finding = await theOne(`ws://${await answering(head, ...headers)}/`);
    expect(finding).toMatchObject({
      id: 'upgrade',
      severity: 'wrong',
      code,
      mend: { advice: expect.stringMatching(advice) },
    });
    expect(finding.because).toMatch(/\.$/);
  });

  test('cannot drive a terminal', async () => {
    const finding = await theOne(`ws://${await answering('200 \u001b[2J', 'Server: \u009b2J')}/`);
    expect(JSON.stringify(finding)).not.toMatch(/\\u001b|\u009b/);
  });

  test.each([
    ['a banner that is not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', true],
    ['an end', '', false],
  ])('that is %s', async (_, text, atOnce) => {
    const finding = await theOne(`ws://${await saying(text, { atOnce })}/`);
    expect(finding).toMatchObject({ id: 'upgrade', severity: 'wrong', code: 'NOT_WEBSOCKET' });
  });

  test('that never comes', async () => {
    const finding = await theOne(`ws://${await mute()}/`, { answerMs: 300 });
    expect(finding).toMatchObject({ id: 'upgrade', severity: 'wrong', code: 'TIMEOUT' });
  });
});

describe('the token', () => {
  const refuse = (challenge: string) => () => {
    return { status: 401, message: 'no', headers: [['WWW-Authenticate', challenge]] as const };
  };
  const token = { token: 'abc', from: 'WSFERRY_TOKEN' };

  test('that is wrong is another thing than one that does not arrive', async () => {
    const wrong = await receiving({ refuse: refuse('Bearer realm="wsferry", error="invalid_token"') });
    expect(await theOne(wrong.url, { token })).toMatchObject({ code: 'WRONG_TOKEN' });
    const lost = await receiving({ refuse: refuse('Bearer realm="wsferry"') });
    expect(await theOne(lost.url, { token })).toMatchObject({
      code: 'TOKEN_LOST',
      mend: { lines: ['proxy_set_header Authorization $http_authorization;'] },
    });
  });

  test('goes along with every connection', async () => {
    const { url } = await receiving({
      deflate: true,
      refuse: ({ headers }) =>
        headers.some(([name, value]) => name === 'Authorization' && value === 'Bearer abc')
          ? undefined
          : refuse('Bearer realm="wsferry"')(),
    });
    expect(ill(await examined(url, { token, all: true }))).toEqual([]);
  });
});
