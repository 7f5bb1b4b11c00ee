import type { Socket } from 'node:net';
import { selfSignedCertificate } from '@wsferry/testing';
import { memoryReceiver, openSession, SUBPROTOCOL, TransferError } from '@wsferry/transfer';
import { describe, expect, test } from 'vitest';
import { examined, ill, theOne } from './examined.ts';
import { afterThis, receiving, relay, serving } from './servers.ts';

const certificate = await selfSignedCertificate();
const trusting = { tls: { ca: certificate.cert } };

describe('a receiver that is well', () => {
  test('in ws: and in wss:, with all that was measured, and nothing of it kept', async () => {
    for (const tls of [undefined, certificate]) {
      const { url, files } = await receiving(
        { deflate: true, ...(tls && { tls }) },
        { about: { software: 'other/1' } },
      );
      const findings = await examined(url, { all: true, ...trusting });
      expect(ill(findings)).toEqual([]);
      expect(files.size).toBe(0);
      expect(findings['certificate']?.facts).toEqual(
        tls && { validTo: expect.any(String), leftMs: expect.any(Number) },
      );
      expect(findings['round-trip']?.facts).toMatchObject({
        pingMs: expect.any(Number),
        messageMs: expect.any(Number),
      });
      expect(findings['throughput']?.facts?.['bytesPerSecond']).toBeGreaterThan(0);
    }
  });
});

describe('what speaks WebSocket', () => {
  test('and not wsferry', async () => {
    const finding = await theOne(await serving({}));
    expect(finding).toMatchObject({ id: 'subprotocol', severity: 'wrong', code: 'NOT_WSFERRY' });
  });

  test('and another version of it', async () => {
    const url = await serving({}, (connection) => connection.close(1002, 'expected the subprotocol wsferry.v2'));
    const finding = await theOne(url);
    expect(finding).toMatchObject({ id: 'subprotocol', severity: 'wrong', code: 'OTHER_VERSION' });
    expect(finding.summary).toContain('wsferry.v2');
  });

  test.each<[string, TransferError['code']]>([
    ['takes none', 'FORBIDDEN'],
    ['has no room', 'NO_SPACE'],
    ['cannot store', 'STORAGE_FAILED'],
  ])('and %s: %s', async (_, code) => {
    const { url } = await receiving({}, { accept: () => Promise.reject(new TransferError(code)) });
    const finding = await theOne(url);
    expect(finding).toMatchObject({ id: 'receiver', severity: 'wrong', code, because: 'Whoever sends is refused.' });
  });

  test('and has enough to do: the offer waits, and everything else is looked at', async () => {
    const { url } = await receiving({ deflate: true }, { accept: () => new Promise(() => {}) });
    const findings = await examined(url, { all: true, answerMs: 500 });
    expect(ill(findings)).toMatchObject([['receiver', { severity: 'warning', code: 'WAITS' }]]);
  });

  test('and is older than there was a question for its version', async () => {
    const { accept } = memoryReceiver();
    const url = await serving({ protocols: [SUBPROTOCOL] }, (connection) => {
      const old = {
        send: (data: string | Uint8Array) => connection.send(data),
        drained: () => connection.drained(),
        close: () => connection.close(),
        async *[Symbol.asyncIterator]() {
          for await (const message of connection) {
            if (String(message).includes('"PROBE"')) {
              connection.send('{"type":"ERROR","code":"UNKNOWN_TYPE","message":"no packet has the type \\"PROBE\\""}');
            } else yield message;
          }
        },
      };
      openSession(old, { role: 'acceptor', accept });
    });
    expect(await theOne(url)).toMatchObject({ id: 'version', severity: 'warning', code: 'VERSION_SKEW' });
  });

  test('and lists its pages, of which this is none', async () => {
    const finding = await theOne((await receiving({ origins: ['https://files.example'] })).url);
    expect(finding).toMatchObject({ id: 'page', severity: 'warning', code: 'ORIGIN_REFUSED' });
    expect(finding.mend?.advice).toMatch(/--allow-origin http:\/\/127\.0\.0\.1:\d+/);
  });

  test('under a name, which proves nothing: a page that is not listed is in order, and so it is said', async () => {
    const { url } = await receiving();
    const findings = await examined(url.replace('127.0.0.1', 'files.localhost'));
    expect(findings['page']?.severity).toBe('ok');
  });
});

describe('a message', () => {
  test('that is too large for the receiver is closed with 1009', async () => {
    const { url } = await receiving({ maxMessageBytes: 100_000 });
    const finding = await theOne(url, { all: true });
    expect(finding).toMatchObject({ id: 'large', severity: 'wrong', code: 'MESSAGES_CUT' });
    expect(finding.facts).toEqual({ mostBytes: 64 * 1024, leastBytes: 128 * 1024 });
    expect(finding.summary).toMatch(/closed with 1009/);
  });

  test('that is too large for what stands between is cut', async () => {
    const { accept } = memoryReceiver();
    const url = await serving({ protocols: [SUBPROTOCOL] }, (connection) => {
      const picky = {
        send: (data: string | Uint8Array) => connection.send(data),
        drained: () => connection.drained(),
        close: () => connection.close(),
        async *[Symbol.asyncIterator]() {
          for await (const message of connection) {
            if (message.length > 32 * 1024) return void connection.abort();
            yield message;
          }
        },
      };
      openSession(picky, { role: 'acceptor', accept });
    });
    const finding = await theOne(url, { all: true });
    expect(finding.facts).toEqual({ mostBytes: 32 * 1024, leastBytes: 64 * 1024 });
    expect(finding.summary).toMatch(/the connection is cut/);
  });

  test('that is larger than any of "send" may be too large', async () => {
    const { url } = await receiving({ maxMessageBytes: 300_000 });
    const findings = await examined(url, { all: true });
    expect(ill(findings)).toEqual([]);
    expect(findings['large']?.facts).toEqual({ mostBytes: 262_160, leastBytes: 512 * 1024 });
  });
});

describe('silence', () => {
  const idleMs = 3000;

  test('that the receiver ends by itself is in order, and how long it is is said', async () => {
    const { url } = await receiving({ keepalive: { intervalMs: 700, timeoutMs: 700 } });
    const { idle } = await examined(url, { idleMs });
    expect(idle).toMatchObject({ severity: 'ok', facts: { receiverPingsAfterMs: expect.any(Number) } });
    expect(idle?.facts?.['receiverPingsAfterMs']).toBeGreaterThan(600);
  });

  /** Ends a connection `ms` after it was last heard of; `end` is how. */
  const idling = async (url: string, ms: number, end: (near: Socket) => void) =>
    await relay(url, (near) => {
      let timer = setTimeout(() => end(near), ms);
      near.on('data', () => {
        clearTimeout(timer);
        timer = setTimeout(() => end(near), ms);
      });
      afterThis(() => clearTimeout(timer));
    });

  test('that is cut', async () => {
    const host = await idling((await receiving()).url, 1100, (near) => near.destroy());
    const finding = await theOne(`ws://${host}/`, { idleMs });
    expect(finding).toMatchObject({
      id: 'idle',
      severity: 'wrong',
      code: 'CUT_WHEN_SILENT',
      facts: { keepaliveMs: 500 },
    });
    expect(finding.mend?.lines).toEqual(['proxy_read_timeout 3600s;', 'proxy_send_timeout 3600s;']);
  });

  test('that has nothing to do with it: cut by age', async () => {
    const host = await relay((await receiving()).url, (near) => {
      const timer = setTimeout(() => near.destroy(), 1200);
      afterThis(() => clearTimeout(timer));
    });
    expect(await theOne(`ws://${host}/`, { idleMs })).toMatchObject({
      id: 'idle',
      severity: 'wrong',
      code: 'CUT_BY_AGE',
    });
  });

  test('after which nothing passes any more', async () => {
    const host = await idling((await receiving()).url, 1000, (near) => near.unpipe().pause());
    const finding = await theOne(`ws://${host}/`, { idleMs: 2000, answerMs: 500 });
    expect(finding).toMatchObject({ id: 'idle', severity: 'wrong', code: 'FORGOTTEN' });
  });

  test('that the receiver does not like, with a reason', async () => {
    const url = await serving({ protocols: [SUBPROTOCOL] }, (connection) => {
      openSession(connection, { role: 'acceptor', accept: memoryReceiver().accept });
      const timer = setTimeout(() => connection.close(1001, 'idle'), 1000);
      afterThis(() => clearTimeout(timer));
    });
    const finding = await theOne(url, { idleMs });
    expect(finding.summary).toContain('closed with 1001 idle');
  });

  test('is not waited for with --idle 0', async () => {
    const { idle } = await examined((await receiving()).url);
    expect(idle).toMatchObject({ severity: 'skipped', summary: '--idle 0' });
  });
});

test('a connection whose Close nobody answers', async () => {
  // What the client sends after a Close is lost: the relay drops the frame that begins with 0x88.
  const { url } = await receiving();
  const host = await relay(url, (near, far) => {
    near.unpipe();
    near.on('data', (bytes) => bytes[0] !== 0x88 && far.write(bytes)).resume();
  });
  expect(await theOne(`ws://${host}/`)).toMatchObject({ id: 'close', severity: 'warning', code: 'CLOSE_LOST' });
});
